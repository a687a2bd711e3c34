/** The upkeep's workflow on a real Temporal server and what it does to the tables. */
import { TASK_QUEUE } from '../../src/workflows/names';
import { listPartitions } from '../../src/store/partitions';
import { weekOf, weeksAfter } from '../../src/store/weeks';
import { deliver, nobody, placesOf } from '../support/past';
import { startSystem, type TestSystem } from '../support/system';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.stop());

test('it makes the partitions of the weeks to come, where they are missing', async () => {
  const { store } = system.database;
  const [last] = (await listPartitions(store.pool)).filter(({ table }) => table === 'events').slice(-1);
  await store.pool.query(`DROP TABLE ${last!.name}`);
  await system.client.workflow.execute('upkeep', { taskQueue: TASK_QUEUE, workflowId: 'upkeep' });
  const inTwoWeeks = new Date(weeksAfter(weekOf(new Date()), 2).getTime() + 1);
  expect(await placesOf(store, await deliver(store, nobody(), inTwoWeeks))).toContain(last!.name);
});
