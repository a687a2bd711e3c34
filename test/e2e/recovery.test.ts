/** Recoveries on a real Temporal server. */
import { contractOf } from '../../src/providers/registry.js';
import { recoverPage, type RecoverContext } from '../../src/dispatch/recovery/recover-page.js';
import { countRecoverable, findPage, loadReceiver } from '../../src/dispatch/recovery/find-recoverable.js';
import { newRecoveryId, recoveryWorkflowId, startRecovery } from '../../src/dispatch/recovery/recoveries.js';
import type { RecoveryScope } from '../../src/workflows/recovery-types.js';
import { eventually } from '../support/eventually.js';
import { saveWorkflowHistory } from '../support/histories.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(403);
});

interface Setup {
  readonly accountId: string;
  readonly subscriptionId: string;
}

const LONG_AGO = '2020-01-01T00:00:00Z';

async function setUp(eventTypes = ['Open', 'Bounce']): Promise<Setup> {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'postmark', name: 'Acme' })).body;
  const url = `${receiver.url}/in`;
  const own = { url, eventTypes, messageStream: 'outbound' };
  const { body } = await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, own);
  return { accountId: account.id, subscriptionId: body.id };
}

/** Emits this many events of a type; returns the ids of their deliveries. */
async function emit({ accountId }: Setup, count: number, type = 'Open'): Promise<string[]> {
  const event = { type, data: contractOf('postmark').findEvent(type)!.example };
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, { events: Array(count).fill(event) });
  return body.results.flatMap(({ deliveries }: { deliveries: { id: string }[] }) => deliveries.map(({ id }) => id));
}

/** Failed deliveries: Postmark's contract stops at 403. */
async function failed(setup: Setup, count: number, type?: string): Promise<string[]> {
  receiver.reply(403);
  const ids = await emit(setup, count, type);
  await Promise.all(ids.map((id) => system.settled(id, 'failed')));
  receiver.clear();
  receiver.reply(200);
  return ids;
}

const recover = ({ subscriptionId }: Setup, body: object = {}) =>
  system.ask('POST', `/v1/subscriptions/${subscriptionId}/recover`, { from: LONG_AGO, ...body });
const look = async (id: string) => (await system.ask('GET', `/v1/recoveries/${id}`)).body;
const ended = (id: string) =>
  eventually(
    () => look(id),
    ({ state }) => state !== 'running',
    60_000,
  );

/** How often each delivery was redelivered, and its state, sorted by id. */
async function standOf(ids: string[]): Promise<[state: string, redeliveries: number][]> {
  const deliveries = await Promise.all(ids.map((id) => system.settled(id, 'delivered', 'failed', 'cancelled')));
  return deliveries.map(({ state, redeliveries }) => [state as string, redeliveries as number]);
}

test('recovers every failed delivery once, and no delivered one', async () => {
  const setup = await setUp();
  receiver.reply(200);
  const [untouched] = await emit(setup, 1);
  await system.settled(untouched!, 'delivered');
  const ids = await failed(setup, 30);
  expect(await recover(setup, { dryRun: true })).toMatchObject({
    status: 200,
    body: { dryRun: true, total: 30, counts: [{ state: 'failed', type: 'Open', count: 30 }] },
  });
  expect((await system.ask('GET', `/v1/subscriptions/${setup.subscriptionId}/recoveries`)).body).toEqual({ data: [] });

  const { status, body } = await recover(setup, { ratePerSecond: 20 });
  expect(status).toBe(202);
  expect(body).toMatchObject({
    subscriptionId: setup.subscriptionId,
    states: ['failed', 'retrying'],
    types: [],
    ratePerSecond: 20,
  });
  expect(await ended(body.id)).toMatchObject({ state: 'completed', total: 30, recovered: 30, skipped: 0 });
  expect(await standOf(ids)).toEqual(ids.map(() => ['delivered', 1]));
  expect(await standOf([untouched!])).toEqual([['delivered', 0]]);
  expect(receiver.received).toHaveLength(30);

  const workflowId = recoveryWorkflowId(setup.subscriptionId);
  const handle = system.client.workflow.getHandle(workflowId);
  expect(await handle.query('progress')).toEqual({ total: 30, recovered: 30, skipped: 0 });
  const description = await handle.describe();
  expect(await description.staticSummary()).toBe(`failed, retrying → 127.0.0.1:${receiver.port}`);
  const list = await eventually(
    async () => (await system.ask('GET', `/v1/subscriptions/${setup.subscriptionId}/recoveries`)).body.data,
    ([first]) => first?.state === 'completed',
  );
  expect(list).toEqual([expect.objectContaining({ id: body.id, recovered: 30, temporalUrl: body.temporalUrl })]);
  const redelivered = await system.client.workflow.getHandle(`delivery-${ids[0]}`).describe();
  // After live deliveries, and in the rotation of its account.
  expect(redelivered.priority).toMatchObject({ priorityKey: 4, fairnessKey: setup.accountId, fairnessWeight: 1 });
  await saveWorkflowHistory(system.client, 'recovery-completed', workflowId);
});

test('recovers a delivery that fails again not twice in one recovery, but in the next one', async () => {
  const setup = await setUp();
  const ids = await failed(setup, 3);
  receiver.reply(403);
  const first = (await recover(setup, { ratePerSecond: 1 })).body;
  expect(await ended(first.id)).toMatchObject({ total: 3, recovered: 3 });
  expect(await standOf(ids)).toEqual(ids.map(() => ['failed', 1]));
  receiver.reply(200);
  const second = (await recover(setup)).body;
  expect(await ended(second.id)).toMatchObject({ recovered: 3 });
  expect(await standOf(ids)).toEqual(ids.map(() => ['delivered', 2]));
  // The former one is still found, once Temporal lists it.
  await eventually(
    () => look(first.id),
    ({ id }) => id === first.id,
  );
  expect(await look(first.id)).toMatchObject({ id: first.id, state: 'completed', recovered: 3 });
});

/** Deliveries that wait for their second attempt: Postmark's Open waits a minute. */
async function waiting(setup: Setup, count: number): Promise<string[]> {
  receiver.reply(500);
  const ids = await emit(setup, count);
  await Promise.all(ids.map((id) => system.settled(id, 'retrying')));
  receiver.clear();
  return ids;
}

/** How often a workflow's activity with a name has completed. */
async function completed(workflowId: string, activity: string): Promise<number> {
  const { events } = await system.client.workflow.getHandle(workflowId).fetchHistory();
  const ids = (events ?? [])
    .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity)
    .map(({ eventId }) => String(eventId));
  return (events ?? []).filter(({ activityTaskCompletedEventAttributes: done }) =>
    ids.includes(String(done?.scheduledEventId)),
  ).length;
}

const attempted = (id: string, attempts: number) =>
  eventually(
    async () => (await system.ask('GET', `/v1/deliveries/${id}`)).body,
    ({ attemptCount }) => attemptCount >= attempts,
  );

test('retries waiting deliveries now without using a position of their schedule', async () => {
  const setup = await setUp();
  const ids = await waiting(setup, 3);
  expect((await recover(setup, { dryRun: true })).body).toMatchObject({
    total: 3,
    counts: [{ state: 'retrying', type: 'Open', count: 3 }],
  });
  const first = (await recover(setup, { states: ['retrying'] })).body;
  expect(await ended(first.id)).toMatchObject({ state: 'completed', total: 3, recovered: 3, skipped: 0 });
  for (const id of ids) {
    const { attemptCount, redeliveries, schedule } = await attempted(id, 2);
    expect({ attemptCount, redeliveries, next: schedule[0].position }).toEqual({
      attemptCount: 2,
      redeliveries: 0,
      next: 1,
    });
  }
  receiver.reply(200);
  const [late] = await failed(setup, 1);
  const second = (await recover(setup)).body;
  expect(await ended(second.id)).toMatchObject({ state: 'completed', total: 4, recovered: 4, skipped: 0 });
  expect(await standOf([...ids, late!])).toEqual([...ids.map(() => ['delivered', 0]), ['delivered', 1]]);
  await saveWorkflowHistory(system.client, 'recovery-retrying', recoveryWorkflowId(setup.subscriptionId));
});

test('attempts no delivery twice when a page of waiting deliveries is repeated', async () => {
  const setup = await setUp();
  const [id] = (await waiting(setup, 1)) as [string];
  let finish = (): void => undefined;
  const inFlight = new Promise<void>((resolve) => {
    receiver.reply((response) => {
      finish = () => void response.writeHead(500).end();
      resolve();
    });
  });
  const { store } = system.database;
  const found = (await loadReceiver(store, setup.subscriptionId))!;
  const scope: RecoveryScope = { ...setup, from: 0, to: Date.now(), states: ['retrying'], types: [] };
  const { asOf } = await countRecoverable(store, found, scope);
  const question = { scope, asOf: asOf.getTime() + 1, phase: 'waiting', afterId: '', limit: 10 } as const;
  const { items } = await findPage(store, found, question, () => undefined);
  const context: RecoverContext = {
    store,
    starter: { client: system.client, eager: false },
    heartbeat: () => undefined,
    warn: (_instead, _deliveryId, error) => {
      throw error;
    },
  };
  const repeat = () => recoverPage(context, found, { scope, phase: 'waiting', items });
  expect(await repeat()).toBe(1);
  await inFlight;
  expect(await repeat()).toBe(1);
  finish();
  await attempted(id, 2);
  // The workflow has applied both commands once it has recorded the next attempt twice.
  await eventually(
    () => completed(`delivery-${id}`, 'changeState'),
    (times) => times === 2,
  );
  expect(await repeat()).toBe(1);
  const { attemptCount, nextAttemptAt } = await attempted(id, 2);
  expect([attemptCount, receiver.received.length]).toEqual([2, 1]);
  expect(Date.parse(nextAttemptAt)).toBeGreaterThan(Date.now() + 30_000);
});

test('limits a recovery to its window, types and states', async () => {
  const setup = await setUp();
  const opens = await failed(setup, 2);
  const [bounce] = await failed(setup, 1, 'Bounce');
  const { createdAt } = (await system.ask('GET', `/v1/deliveries/${bounce}`)).body;
  const total = async (body: object) => (await recover(setup, { dryRun: true, ...body })).body.total;
  expect(await total({ from: createdAt })).toBe(1);
  expect(await total({ to: createdAt })).toBe(2);
  expect(await total({ types: ['Bounce'] })).toBe(1);
  expect(await total({ states: ['delivered', 'cancelled'], allowDelivered: true })).toBe(0);
  const { body } = await recover(setup, { to: createdAt });
  expect(await ended(body.id)).toMatchObject({ total: 2, recovered: 2 });
  expect(await standOf([...opens, bounce!])).toEqual([
    ['delivered', 1],
    ['delivered', 1],
    ['failed', 0],
  ]);
});

test('delivers missed events, but no test events of other subscriptions and no foreign types', async () => {
  const setup = await setUp();
  const path = `/v1/subscriptions/${setup.subscriptionId}`;
  await system.ask('PATCH', path, { enabled: false });
  expect(await emit(setup, 3)).toEqual([]);
  await emit(setup, 1, 'Click');
  const other = { url: `${receiver.url}/other`, eventTypes: ['Open'], messageStream: 'outbound' };
  const { body: neighbour } = await system.ask('POST', `/v1/accounts/${setup.accountId}/subscriptions`, other);
  receiver.reply(200);
  await system.ask('POST', `/v1/subscriptions/${neighbour.id}/test`, {});
  await receiver.waitFor(1);
  receiver.clear();
  await system.ask('PATCH', path, { enabled: true });

  const states = ['failed', 'missing'];
  expect((await recover(setup, { states, dryRun: true })).body).toMatchObject({
    total: 3,
    counts: [{ state: 'missing', type: 'Open', count: 3 }],
  });
  const { body } = await recover(setup, { states });
  expect(await ended(body.id)).toMatchObject({ total: 3, recovered: 3, skipped: 0 });
  await receiver.waitFor(3);
  expect(receiver.received.map(({ path }) => path)).toEqual(['/in', '/in', '/in']);
  await saveWorkflowHistory(system.client, 'recovery-missing', recoveryWorkflowId(setup.subscriptionId));
  expect((await recover(setup, { states, dryRun: true })).body.total).toBe(0);
});

test('rejects a second recovery while one is running; cancel finishes the page in progress', async () => {
  const setup = await setUp();
  const ids = await failed(setup, 30);
  const { body } = await recover(setup, { ratePerSecond: 1 });
  expect(await recover(setup)).toMatchObject({ status: 409, body: { code: 'conflict', recoveryId: body.id } });
  await receiver.waitFor(2);
  expect((await system.ask('POST', `/v1/recoveries/${body.id}/cancel`)).status).toBe(202);
  const { state, recovered } = await ended(body.id);
  expect(state).toBe('cancelled');
  const stands = await standOf(ids);
  expect(stands.filter(([state]) => state === 'delivered')).toHaveLength(recovered);
  expect(recovered).toBeLessThan(30);
  expect(await system.ask('POST', `/v1/recoveries/${body.id}/cancel`)).toMatchObject({ status: 409 });
  await saveWorkflowHistory(system.client, 'recovery-cancelled', recoveryWorkflowId(setup.subscriptionId));
});

test('continues after a restart of the worker, and sends each delivery exactly once', async () => {
  const setup = await setUp();
  const ids = await failed(setup, 30);
  const { body } = await recover(setup, { ratePerSecond: 10 });
  await receiver.waitFor(5);
  await system.restartWorker();
  expect(await ended(body.id)).toMatchObject({ state: 'completed', recovered: 30, skipped: 0 });
  expect(await standOf(ids)).toEqual(ids.map(() => ['delivered', 1]));
  expect(receiver.received).toHaveLength(30);
});

test('continues a long recovery as a new run with its progress', async () => {
  const setup = await setUp();
  const ids = await failed(setup, 5);
  const found = (await loadReceiver(system.database.store, setup.subscriptionId))!;
  const recoveryId = newRecoveryId(setup.subscriptionId);
  const scope: RecoveryScope = { ...setup, from: 0, to: Date.now(), states: ['failed'], types: [] };
  const input = { recoveryId, scope, ratePerSecond: 1_000, pageSize: 1, pagesPerRun: 2 };
  expect(await startRecovery(system.client, found, input)).toBe(true);
  const workflowId = recoveryWorkflowId(setup.subscriptionId);
  const { runId } = await system.client.workflow.getHandle(workflowId).describe();
  const result = await ended(recoveryId);
  expect(result).toMatchObject({ state: 'completed', total: 5, recovered: 5, skipped: 0 });
  expect(result.temporalUrl).not.toContain(runId);
  expect(await standOf(ids)).toEqual(ids.map(() => ['delivered', 1]));
  const { body } = await eventually(
    () => system.ask('GET', `/v1/subscriptions/${setup.subscriptionId}/recoveries`),
    ({ body }) => body.data[0]?.state === 'completed',
  );
  expect(body.data).toHaveLength(1);
  await saveWorkflowHistory(system.client, 'recovery-continued', workflowId);
});

test('reports what cannot be recovered', async () => {
  const setup = await setUp();
  expect(await recover({ ...setup, subscriptionId: 'sub_nothing' })).toMatchObject({ status: 404 });
  expect(await system.ask('GET', '/v1/recoveries/rec_nothing')).toMatchObject({ status: 404 });
  expect(await system.ask('GET', `/v1/recoveries/${newRecoveryId(setup.subscriptionId)}`)).toMatchObject({
    status: 404,
  });
  for (const body of [
    { states: ['pending'] },
    { states: [] },
    { types: ['NoSuchEvent'] },
    { from: '2999-01-01T00:00:00Z' },
    { to: LONG_AGO },
    { ratePerSecond: 1_001 },
    { ratePerSecond: 0 },
  ]) {
    expect(await recover(setup, body)).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
  }
});
