/** Pauses of subscriptions and accounts, and superseded deliveries, on a real Temporal server with real requests. */
import { eventually } from '../support/eventually.js';
import { saveHistory, saveWorkflowHistory } from '../support/histories.js';
import { sweepOnce } from '../support/process-faults.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

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
  receiver.reply(200);
});

async function newSubscription() {
  const { id: accountId } = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const url = `${receiver.url}/in`;
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { url, eventTypes: [] });
  return { accountId: accountId as string, subscriptionId: body.id as string };
}

async function emit(
  accountId: string,
  data: unknown,
  fields: object = {},
): Promise<{ id: string; deliveryId: string }> {
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, {
    type: 'user.created',
    data,
    ...fields,
  });
  return { id: body.id, deliveryId: body.deliveries[0].id };
}

const emitMany = async (accountId: string, count: number) => {
  const ids: string[] = [];
  for (let number = 1; number <= count; number += 1) ids.push((await emit(accountId, { number })).deliveryId);
  return ids;
};

const numbersSent = () => receiver.received.map(({ body }) => JSON.parse(body).data.number as number);

test('a paused subscription keeps its deliveries, and sends them oldest first when it is resumed', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const paused = await system.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`, { reason: 'maintenance' });
  expect(paused).toMatchObject({ status: 200, body: { pausedReason: 'maintenance', enabled: true } });
  const ids = await emitMany(accountId, 3);
  for (const id of ids)
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({
      state: 'paused',
      stateReason: 'the subscription is paused',
      attemptCount: 0,
    });
  const resumed = await system.ask('POST', `/v1/subscriptions/${subscriptionId}/resume`, { ratePerSecond: 1 });
  expect(resumed.body).toMatchObject({ pausedAt: null, resumeRatePerSecond: 1 });
  await receiver.waitFor(3);
  expect(numbersSent()).toEqual([1, 2, 3]);
  for (const id of ids) await system.settled(id, 'delivered');
  await eventually(
    async () => (await system.ask('GET', `/v1/subscriptions/${subscriptionId}`)).body,
    ({ resumeRatePerSecond }) => resumeRatePerSecond === null,
  );
  await system.client.workflow.getHandle(`resume-${subscriptionId}`).result();
  await saveWorkflowHistory(system.client, 'resumed-after-a-pause', `resume-${subscriptionId}`);
  expect((await system.ask('POST', `/v1/subscriptions/${subscriptionId}/resume`)).status).toBe(409);
});

test('a restart of the worker during a resume loses and repeats nothing', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`);
  const ids = await emitMany(accountId, 6);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/resume`, { ratePerSecond: 2 });
  await receiver.waitFor(2);
  await system.restartWorker();
  for (const id of ids) await system.settled(id, 'delivered');
  expect(numbersSent().sort()).toEqual([1, 2, 3, 4, 5, 6]);
});

test('the sweep sends what waited when the resume was committed but its workflow not started', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`);
  const [id] = await emitMany(accountId, 1);
  const { store } = system.database;
  await store.pool.query('UPDATE subscriptions SET paused_at = NULL, resume_rate = 10 WHERE id = $1', [subscriptionId]);
  await sweepOnce(store, system.client);
  await system.settled(id!, 'delivered');
});

test('a delivery under retry waits during a pause of its account, and continues after it', async () => {
  receiver.reply(500);
  const { accountId, subscriptionId } = await newSubscription();
  const { deliveryId } = await emit(accountId, { number: 1 });
  await system.settled(deliveryId, 'retrying');
  await system.ask('POST', `/v1/accounts/${accountId}/pause`, { reason: 'unpaid' });
  await system.ask('POST', `/v1/deliveries/${deliveryId}/retry`);
  expect(await system.settled(deliveryId, 'paused')).toMatchObject({
    stateReason: 'the account is paused',
    attemptCount: 1,
  });
  const later = await emit(accountId, { number: 2 });
  receiver.reply(200);
  await system.ask('POST', `/v1/accounts/${accountId}/resume`, { ratePerSecond: 5 });
  await system.settled(deliveryId, 'delivered');
  await system.settled(later.deliveryId, 'delivered');
  expect((await system.ask('GET', `/v1/subscriptions/${subscriptionId}`)).body.enabled).toBe(true);
  await saveHistory(system.client, 'paused-with-its-account', deliveryId);
});

test('a newer event cancels a waiting delivery and its workflow', async () => {
  receiver.reply(500);
  const { accountId } = await newSubscription();
  const older = await emit(accountId, { number: 1 }, { supersedes: 'user-1' });
  await system.settled(older.deliveryId, 'retrying');
  receiver.reply(200);
  const newer = await emit(accountId, { number: 2 }, { supersedes: 'user-1' });
  const reason = `superseded by ${newer.id}`;
  expect((await system.ask('GET', `/v1/deliveries/${older.deliveryId}`)).body).toMatchObject({
    state: 'cancelled',
    stateReason: reason,
    nextAttemptAt: null,
  });
  await system.settled(newer.deliveryId, 'delivered');
  const handle = system.client.workflow.getHandle(`delivery-${older.deliveryId}`);
  await handle.result().catch(() => undefined);
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  expect(numbersSent()).toEqual([1, 2]);
  await saveHistory(system.client, 'superseded', older.deliveryId);
});

test('an attempt that is in flight when its delivery is superseded decides only by being accepted', async () => {
  for (const status of [200, 500]) {
    let finish = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      receiver.reply((response) => {
        finish = () => void response.writeHead(status).end();
        resolve();
      }, 200);
    });
    const { accountId } = await newSubscription();
    const older = await emit(accountId, { number: 1 }, { supersedes: 'k' });
    await asked;
    const newer = await emit(accountId, { number: 2 }, { supersedes: 'k' });
    finish();
    await system.settled(newer.deliveryId, 'delivered');
    const { state, stateReason } = await eventually(
      async () => (await system.ask('GET', `/v1/deliveries/${older.deliveryId}`)).body,
      ({ attemptCount }) => attemptCount === 1,
    );
    expect([state, stateReason]).toEqual(
      status === 200 ? ['delivered', null] : ['cancelled', `superseded by ${newer.id}`],
    );
  }
});

test('a superseded delivery whose workflow got no signal ends when it is about to make its next attempt', async () => {
  receiver.reply(500);
  const { accountId } = await newSubscription();
  const { deliveryId } = await emit(accountId, { number: 1 }, { supersedes: 'k' });
  await system.settled(deliveryId, 'retrying');
  await system.database.store.pool.query(
    `UPDATE deliveries SET state = 'cancelled', state_reason = 'superseded by evt_2' WHERE id = $1`,
    [deliveryId],
  );
  const handle = system.client.workflow.getHandle(`delivery-${deliveryId}`);
  await handle.signal('retryNow');
  await handle.result().catch(() => undefined);
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  expect(receiver.received).toHaveLength(1);
  await saveHistory(system.client, 'superseded-without-a-signal', deliveryId);
});

test('a superseded delivery that is paused, and whose workflow got no signal, can be redelivered', async () => {
  receiver.reply(500, 200);
  const { accountId } = await newSubscription();
  const { deliveryId } = await emit(accountId, { number: 1 }, { supersedes: 'k' });
  await system.settled(deliveryId, 'retrying');
  await system.ask('POST', `/v1/deliveries/${deliveryId}/pause`, {});
  await system.settled(deliveryId, 'paused');
  await system.database.store.pool.query(
    `UPDATE deliveries SET state = 'cancelled', state_reason = 'superseded by evt_2', settled_at = now() WHERE id = $1`,
    [deliveryId],
  );
  expect(await system.ask('POST', `/v1/deliveries/${deliveryId}/redeliver`)).toMatchObject({ status: 202 });
  await system.settled(deliveryId, 'delivered');
  expect(receiver.received).toHaveLength(2);
});
