/** Jobs on a real Temporal server: every command, kill -9 of a worker, pause, cancel, and jobs without a workflow. */
import { jobWorkflowId } from '../../src/dispatch/commands/jobs.js';
import { contractOf } from '../../src/providers/registry.js';
import { insertJob } from '../../src/store/jobs.js';
import { lowestIdAt } from '../../src/contract/ids.js';
import { eventually } from '../support/eventually.js';
import { saveWorkflowHistory } from '../support/histories.js';
import { startProcess } from '../support/process.js';
import { sweepOnce } from '../support/process-faults.js';
import type { Death } from '../support/process-plan.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(300_000);

/** Longest time for many deliveries on a busy machine, in milliseconds. */
const MAX_WAIT_MS = 120_000;

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

interface Row {
  readonly state: string;
  readonly run: number;
  readonly attempts: number;
  readonly state_reason: string | null;
}

/** An account whose deliveries are in a state: Postmark's contract stops at 403, and its Open waits a minute after 500. */
async function deliveriesIn(
  state: 'failed' | 'retrying',
  count: number,
): Promise<{ accountId: string; ids: string[] }> {
  receiver.reply(state === 'failed' ? 403 : 500);
  const { id: accountId } = (await system.ask('POST', '/v1/accounts', { provider: 'postmark', name: 'Acme' })).body;
  const subscription = { url: `${receiver.url}/in`, eventTypes: ['Open'], messageStream: 'outbound' };
  await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, subscription);
  const event = { type: 'Open', data: contractOf('postmark').findEvent('Open')!.example };
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, { events: Array(count).fill(event) });
  const ids: string[] = body.results.map(({ deliveries }: { deliveries: { id: string }[] }) => deliveries[0]!.id);
  await all(ids, (row) => row.state === state);
  receiver.clear();
  receiver.reply(200);
  return { accountId, ids: ids.sort() };
}

async function rowsOf(ids: readonly string[]): Promise<Row[]> {
  const query = 'SELECT state, run, attempts, state_reason FROM deliveries WHERE id = ANY($1) ORDER BY id';
  return (await system.database.store.pool.query<Row>(query, [ids])).rows;
}

/** Waits until all are so. */
const all = (ids: readonly string[], isSo: (row: Row) => boolean) =>
  eventually(
    () => rowsOf(ids),
    (rows) => rows.every(isSo),
    MAX_WAIT_MS,
  );

const start = async (action: string, filter: object, more: object = {}) => {
  const { status, body } = await system.ask('POST', '/v1/jobs', { action, filter, ...more });
  expect(status).toBe(202);
  return body.id as string;
};
const look = async (id: string) => (await system.ask('GET', `/v1/jobs/${id}`)).body;
const command = (id: string, name: string) => system.ask('POST', `/v1/jobs/${id}/${name}`);
const until = (id: string, isSo: (job: { state: string; done: number }) => boolean) =>
  eventually(() => look(id), isSo, MAX_WAIT_MS);
const ended = (id: string) => until(id, ({ state }) => state !== 'running' && state !== 'paused');

test('sends each command to all deliveries of its filter, and to no others', async () => {
  const { accountId, ids } = await deliveriesIn('retrying', 12);
  const others = await deliveriesIn('retrying', 1);
  receiver.reply(500);
  const run = async (action: string, more: object = {}) => {
    const id = await start(action, { accountId }, { ratePerSecond: 1_000, ...more });
    const result = { state: 'completed', total: 12, done: 12, skipped: 0, endedAt: expect.any(String) };
    expect(await ended(id)).toMatchObject(result);
    return id;
  };
  const retry = await run('retry');
  await all(ids, ({ attempts, state }) => attempts === 2 && state === 'retrying');
  await run('pause', { reason: 'lunch' });
  await all(ids, ({ state, state_reason: reason }) => state === 'paused' && reason === 'lunch');
  await run('resume');
  await all(ids, ({ state }) => state === 'retrying');
  await run('cancel', { reason: 'a mistake' });
  await all(ids, ({ state, state_reason: reason }) => state === 'cancelled' && reason === 'a mistake');
  receiver.reply(200);
  const cancelled = { accountId, states: ['cancelled'] };
  expect(await ended(await start('redeliver', cancelled))).toMatchObject({ state: 'completed', done: 12 });
  await all(ids, ({ state, run: redeliveries }) => state === 'delivered' && redeliveries === 1);
  expect(await rowsOf(others.ids)).toMatchObject([{ state: 'retrying', run: 0, attempts: 1 }]);
  await saveWorkflowHistory(system.client, 'job-completed', jobWorkflowId(retry));
});

test('sends its command to the deliveries that the request names, and what is created later keeps its state', async () => {
  const { ids } = await deliveriesIn('failed', 3);
  const id = await start('redeliver', { deliveryIds: ids.slice(0, 2) });
  expect(await ended(id)).toMatchObject({ state: 'completed', total: 2, done: 2, filter: { deliveryIds: 2 } });
  await all(ids.slice(0, 2), ({ state }) => state === 'delivered');
  expect(await rowsOf(ids.slice(2))).toMatchObject([{ state: 'failed', run: 0 }]);
});

describe('a worker that is killed within a page', () => {
  afterEach(() => system.restartWorker());

  /** Runs a job of twelve deliveries whose second page of five is interrupted. */
  async function interrupted(death: Death, done: number, action: string, filter: object, more: object = {}) {
    await system.stopWorker();
    const dying = await startProcess(system, 'worker', death);
    const id = await start(action, filter, { ratePerSecond: 5, ...more });
    expect(await dying.ended).toBe('SIGKILL');
    expect(await look(id)).toMatchObject({ state: 'running', done });
    await system.restartWorker();
    expect(await ended(id)).toMatchObject({ state: 'completed', total: 12, done: 12, skipped: 0 });
  }

  test('redelivers each delivery once', async () => {
    const { accountId, ids } = await deliveriesIn('failed', 12);
    const death: Death = { point: 'start', when: 'after', matching: 'delivery', nth: 8 };
    await interrupted(death, 5, 'redeliver', { accountId });
    await all(ids, ({ run }) => run === 1);
  });

  test('cancels and counts each delivery once, when the result of a page was not recorded', async () => {
    const { accountId, ids } = await deliveriesIn('retrying', 12);
    const death: Death = { point: 'statement', when: 'before', matching: 'UPDATE jobs SET after_id', nth: 2 };
    await interrupted(death, 5, 'cancel', { accountId }, { reason: 'a mistake' });
    await all(ids, ({ state, state_reason: reason }) => state === 'cancelled' && reason === 'a mistake');
  });

  test('retries each delivery once, when the result of a page was recorded and not reported', async () => {
    const { accountId, ids } = await deliveriesIn('retrying', 12);
    const death: Death = { point: 'statement', when: 'after', matching: 'UPDATE jobs SET after_id', nth: 2 };
    receiver.reply(500);
    await interrupted(death, 10, 'retry', { accountId });
    await all(ids, ({ attempts }) => attempts >= 2);
  });
});

test('pauses between two pages, continues at another rate, and ends when it is cancelled', async () => {
  const { accountId, ids } = await deliveriesIn('failed', 8);
  const id = await start('redeliver', { accountId }, { ratePerSecond: 1 });
  await until(id, ({ done }) => done >= 1);
  expect((await command(id, 'pause')).body).toMatchObject({ state: 'paused' });
  // The page in progress is finished; then its workflow waits.
  const handle = system.client.workflow.getHandle(jobWorkflowId(id));
  await eventually(
    async () =>
      (await handle.fetchHistory()).events!.filter((event) => event.activityTaskCompletedEventAttributes).length,
    (count) => count > 0,
  );
  const { body } = await system.ask('POST', `/v1/jobs/${id}/resume`, { ratePerSecond: 2 });
  expect(body).toMatchObject({ state: 'running', ratePerSecond: 2 });
  await until(id, ({ done }) => done >= 4);
  expect((await command(id, 'cancel')).body).toMatchObject({ state: 'cancelled', endedAt: expect.any(String) });
  expect(await handle.result()).toBe('cancelled');
  const { done } = await look(id);
  expect((await rowsOf(ids)).filter(({ run }) => run === 1)).toHaveLength(done);
  expect(done).toBeLessThan(8);
  expect(await command(id, 'resume')).toMatchObject({ status: 409 });
  await saveWorkflowHistory(system.client, 'job-paused-and-cancelled', jobWorkflowId(id));
});

test('is cancelled with its workflow in Temporal', async () => {
  const { accountId } = await deliveriesIn('failed', 5);
  const [id, other] = [
    await start('redeliver', { accountId }, { ratePerSecond: 1 }),
    await start('redeliver', { accountId }, { ratePerSecond: 1 }),
  ];
  await until(id, ({ done }) => done >= 1);
  await system.client.workflow.getHandle(jobWorkflowId(id)).cancel();
  expect(await ended(id)).toMatchObject({ state: 'cancelled' });
  await saveWorkflowHistory(system.client, 'job-cancelled-in-temporal', jobWorkflowId(id));
  await system.client.workflow.getHandle(jobWorkflowId(other)).terminate('by hand');
  await sweepOnce(system.database.store, system.client);
  expect(await look(other)).toMatchObject({ state: 'cancelled' });
});

test('is started by the sweep when the process died that should have started it', async () => {
  const { accountId, ids } = await deliveriesIn('failed', 2);
  const filter = { accountId, states: ['failed' as const], beforeId: lowestIdAt('dlv', new Date(Date.now() + 1_000)) };
  const job = { accountId: null, action: 'redeliver', filter, reason: 'by hand', ratePerSecond: 10 } as const;
  const { id } = (await insertJob(system.database.store.pool, job, 50))!;
  await sweepOnce(system.database.store, system.client);
  expect(await ended(id)).toMatchObject({ state: 'completed', total: 2, done: 2 });
  await all(ids, ({ state }) => state === 'delivered');
});
