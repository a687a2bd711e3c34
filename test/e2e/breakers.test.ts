/** Circuit breakers on a real Temporal server with real requests. */
import { eventually } from '../support/eventually.js';
import { saveWorkflowHistory } from '../support/histories.js';
import { sweepOnce } from '../support/process-faults.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([
    startSystem(undefined, undefined, { workflows: 'on_retry' }),
    startReceiver(),
  ]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

/** Opens after one failure, and probes once an hour unless a test says otherwise. */
const BREAKER = { minAttempts: 1, probeAfterS: 3_600, stages: 3 };

async function newSubscription(breaker: object | null = BREAKER, fields: object = {}) {
  const { id: accountId } = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, {
    url: `${receiver.url}/in`,
    eventTypes: [],
    policy: { schedule: { waits: [3_600, 3_600] }, breaker },
    ...fields,
  });
  return { accountId: accountId as string, subscriptionId: body.id as string };
}

async function emit(accountId: string, number: number, fields: object = {}): Promise<string> {
  const body = { type: 'user.created', data: { number }, ...fields };
  return (await system.ask('POST', `/v1/accounts/${accountId}/events`, body)).body.deliveries[0].id;
}

async function emitMany(accountId: string, count: number, first = 1): Promise<string[]> {
  const ids: string[] = [];
  for (let number = first; number < first + count; number += 1) ids.push(await emit(accountId, number));
  return ids;
}

const subscription = async (id: string) => (await system.ask('GET', `/v1/subscriptions/${id}`)).body;
const delivery = async (id: string) => (await system.ask('GET', `/v1/deliveries/${id}`)).body;
const untilBreaker = (id: string, state: string | undefined, waiting?: number) =>
  eventually(
    () => subscription(id),
    ({ breaker }) => breaker?.state === state && (waiting === undefined || breaker.waiting === waiting),
  );
const numbersSent = () => receiver.received.map(({ body }) => JSON.parse(body).data.number as number);

/** Emits an event that fails, so that the breaker opens, and three that wait; returns their deliveries. */
async function open(accountId: string, subscriptionId: string): Promise<string[]> {
  receiver.reply(503);
  const first = await emit(accountId, 1);
  await untilBreaker(subscriptionId, 'open', 1);
  return [first, ...(await emitMany(accountId, 3, 2))];
}

test('opens on failures, keeps what waits without workflows, and sends it oldest first when closed by hand', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const [failed, ...waiting] = await open(accountId, subscriptionId);
  const { breaker } = await untilBreaker(subscriptionId, 'open', 4);
  expect(breaker).toMatchObject({ attempts: 1, failures: 1, failedProbes: 0, atOnce: 1 });
  expect(receiver.received).toHaveLength(1);
  expect(await delivery(failed!)).toMatchObject({
    state: 'paused',
    stateReason: 'the circuit breaker is open',
    attemptCount: 1,
    workflowId: null,
  });
  for (const id of waiting)
    expect(await delivery(id)).toMatchObject({ state: 'paused', attemptCount: 0, workflowId: null });
  receiver.clear();
  receiver.reply(200);
  const closed = await system.ask('POST', `/v1/subscriptions/${subscriptionId}/breaker/close`);
  expect(closed).toMatchObject({ status: 200, body: { breaker: null } });
  for (const id of [failed!, ...waiting]) await system.settled(id, 'delivered');
  expect(numbersSent().sort()).toEqual([1, 2, 3, 4]);
  expect(await delivery(failed!)).toMatchObject({ attemptCount: 2, workflowId: null });
  await system.client.workflow.getHandle(`breaker-${subscriptionId}`).result();
  await saveWorkflowHistory(system.client, 'breaker-closed-by-hand', `breaker-${subscriptionId}`);
  expect((await system.ask('POST', `/v1/subscriptions/${subscriptionId}/breaker/close`)).status).toBe(409);
});

test('probes with one delivery, then tries 2 and 4 at once, and closes', async () => {
  const { accountId, subscriptionId } = await newSubscription({ ...BREAKER, probeAfterS: 1 });
  const failed = await open(accountId, subscriptionId);
  const waiting = await emitMany(accountId, 8, 5);
  // The first probe fails or the second one does; each sends one delivery.
  await eventually(
    () => subscription(subscriptionId),
    ({ breaker }) => breaker?.failedProbes >= 1,
  );
  const probed = receiver.received.length - 1;
  receiver.clear();
  receiver.reply(200);
  for (const id of [...failed, ...waiting]) await system.settled(id, 'delivered');
  expect(probed).toBeGreaterThanOrEqual(1);
  await untilBreaker(subscriptionId, undefined);
  await system.client.workflow.getHandle(`breaker-${subscriptionId}`).result();
  await saveWorkflowHistory(system.client, 'breaker-closed-by-trials', `breaker-${subscriptionId}`);
});

test('a worker that restarts knows the open breaker, and the sweep advances one whose workflow is lost', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const ids = [...(await open(accountId, subscriptionId)), await emit(accountId, 5)];
  await system.restartWorker();
  ids.push(await emit(accountId, 6));
  await untilBreaker(subscriptionId, 'open', 6);
  expect(receiver.received).toHaveLength(1);
  await system.client.workflow.getHandle(`breaker-${subscriptionId}`).terminate('lost');
  const { store } = system.database;
  await store.pool.query(`UPDATE subscriptions SET breaker = jsonb_set(breaker, '{nextProbeAt}', '0') WHERE id = $1`, [
    subscriptionId,
  ]);
  receiver.reply(200);
  await sweepOnce(store, system.client);
  for (const id of ids) await system.settled(id, 'delivered');
});

test('a retry by hand is made although the breaker is open, and counts as a probe', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const [first, second, ...others] = await open(accountId, subscriptionId);
  await system.ask('POST', `/v1/deliveries/${first}/retry`);
  const { breaker } = await eventually(
    () => subscription(subscriptionId),
    ({ breaker }) => breaker?.failedProbes === 1,
  );
  expect(new Date(breaker.nextProbeAt).getTime()).toBeGreaterThan(Date.now() + 3_590_000);
  // It failed at its position, whose wait goes on in the workflow that the command has started.
  receiver.reply(200);
  await system.ask('POST', `/v1/deliveries/${second}/retry`);
  for (const id of [second!, ...others]) await system.settled(id, 'delivered');
  await untilBreaker(subscriptionId, undefined);
  expect(await delivery(first!)).toMatchObject({ attemptCount: 2 });
});

test('cancel ends a waiting delivery without a workflow, and deleting the subscription all of them', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const [first, ...others] = await open(accountId, subscriptionId);
  await system.ask('POST', `/v1/deliveries/${first}/cancel`);
  expect(await delivery(first!)).toMatchObject({ state: 'cancelled', workflowId: null });
  await system.ask('DELETE', `/v1/subscriptions/${subscriptionId}`);
  await sweepOnce(system.database.store, system.client);
  for (const id of others)
    expect(await delivery(id)).toMatchObject({
      state: 'cancelled',
      stateReason: 'the subscription was deleted',
      workflowId: null,
    });
});

test('a pause wins over the breaker, whose probes wait for its end', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const waiting = await open(accountId, subscriptionId);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`);
  const paused = await emit(accountId, 5);
  expect(await delivery(paused)).toMatchObject({ stateReason: 'the subscription is paused' });
  receiver.clear();
  receiver.reply(200);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/breaker/close`);
  await system.client.workflow.getHandle(`breaker-${subscriptionId}`).result();
  expect(receiver.received).toHaveLength(0);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/resume`);
  await system.settled(paused, 'delivered');
  await sweepOnce(system.database.store, system.client);
  for (const id of waiting) await system.settled(id, 'delivered');
});

test('what has times waits in a workflow: it expires in time and is delivered at its time', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  await open(accountId, subscriptionId);
  const expiring = await emit(accountId, 5, { expiresAt: new Date(Date.now() + 2_000).toISOString() });
  const later = await emit(accountId, 6, { deliverAt: new Date(Date.now() + 1_000).toISOString() });
  expect(await system.settled(expiring, 'failed')).toMatchObject({ stateReason: 'expired' });
  receiver.reply(200);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/breaker/close`);
  await system.settled(later, 'delivered');
});

test('a head that waits for the breaker blocks its ordering key, and the key is sent in order afterwards', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  await open(accountId, subscriptionId);
  const ids: string[] = [];
  for (let number = 5; number < 9; number += 1) ids.push(await emit(accountId, number, { orderingKey: 'k' }));
  expect(await delivery(ids[0]!)).toMatchObject({ state: 'paused', blocked: false });
  expect(await delivery(ids[1]!)).toMatchObject({ state: 'pending', blocked: true });
  receiver.clear();
  receiver.reply(200);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/breaker/close`);
  for (const id of ids) await system.settled(id, 'delivered');
  expect(numbersSent().filter((number) => number >= 5)).toEqual([5, 6, 7, 8]);
});

test('a redelivery waits like any other delivery', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const delivered = await emit(accountId, 0);
  await system.settled(delivered, 'delivered');
  await open(accountId, subscriptionId);
  await system.ask('POST', `/v1/deliveries/${delivered}/redeliver`, { allowDelivered: true });
  expect(await system.settled(delivered, 'paused')).toMatchObject({ stateReason: 'the circuit breaker is open' });
  receiver.reply(200);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/breaker/close`);
  expect(await system.settled(delivered, 'delivered')).toMatchObject({ redeliveries: 1 });
});
