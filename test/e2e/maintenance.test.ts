/** The maintenance workflow on a real Temporal server, and its effects on the tables. */
import { TASK_QUEUE } from '../../src/workflows/names.js';
import { listPartitions } from '../../src/store/partitions.js';
import { weekOf, weeksAfter } from '../../src/store/weeks.js';
import { deliver, noOne, originsOf } from '../support/past.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.stop());

test('creates missing partitions for the next weeks', async () => {
  const { store } = system.database;
  const [last] = (await listPartitions(store.pool)).filter(({ table }) => table === 'events').slice(-1);
  await store.pool.query(`DROP TABLE ${last!.name}`);
  await system.client.workflow.execute('maintenance', { taskQueue: TASK_QUEUE, workflowId: 'maintenance' });
  const inTwoWeeks = new Date(weeksAfter(weekOf(new Date()), 2).getTime() + 1);
  expect(await originsOf(store, await deliver(store, noOne(), inTwoWeeks))).toContain(last!.name);
});
