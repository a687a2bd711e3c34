/** Subscriptions that fail for too long, their waiting deliveries, and the operational events about them. */
import { Webhook } from 'standardwebhooks';
import { TASK_QUEUE } from '../../src/workflows/names.js';
import { countFailure } from '../../src/store/subscriptions/changes.js';
import { FIVE_DAYS_OF_FAILURES } from '../../src/contract/failing.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { emitExample } from '../support/subscriptions.js';
import { startSystem, type TestSystem } from '../support/system.js';

const H = 3_600_000;

let system: TestSystem;
let receiver: Receiver;
let operators: Receiver;
beforeAll(async () => {
  [system, receiver, operators] = await Promise.all([startSystem(), startReceiver(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await Promise.all([receiver.close(), operators.close()]);
});
beforeEach(() => {
  receiver.clear();
  operators.clear();
  receiver.reply(500);
  operators.reply(200);
});

const query = (text: string, values: unknown[]) => system.database.store.pool.query(text, values);
const shown = async (id: string) => (await system.ask('GET', `/v1/subscriptions/${id}`)).body;
const retry = (id: string) => system.ask('POST', `/v1/deliveries/${id}/retry`);
let sweeps = 0;
const sweep = () =>
  system.client.workflow.execute('maintenance', { taskQueue: TASK_QUEUE, workflowId: `sweep-${(sweeps += 1)}` });

/** A delivery whose first attempt was refused, and a subscription that is disabled by its next failure. */
async function failingForDays() {
  const emitted = await emitExample(system.ask, 'standard', 'user.created', { url: `${receiver.url}/in?key=hidden` });
  await system.settled(emitted.deliveryId, 'retrying');
  const { subscriptionId } = emitted;
  await eventually(
    () => shown(subscriptionId),
    ({ health }) => health.consecutiveFailures === 1,
  );
  await query('UPDATE subscriptions SET failing = NULL WHERE id = $1', [subscriptionId]);
  for (const hours of [135, 121]) {
    const at = new Date(Date.now() - hours * H);
    await countFailure(system.database.store, subscriptionId, at, FIVE_DAYS_OF_FAILURES);
  }
  return emitted;
}

async function operationsAccount() {
  const account = await system.ask('POST', '/v1/accounts', {
    provider: 'standard',
    name: 'Ops',
    receivesOperationalEvents: true,
  });
  expect(account.status).toBe(201);
  const body = { url: `${operators.url}/ops`, eventTypes: [] };
  return (await system.ask('POST', `/v1/accounts/${account.body.id}/subscriptions`, body)).body;
}

test('disables a subscription with a failed attempt, pauses its deliveries, and sends them when it is enabled', async () => {
  const { deliveryId, subscriptionId } = await failingForDays();
  await retry(deliveryId);
  await eventually(
    () => shown(subscriptionId),
    ({ enabled, disabledReason }) => !enabled && disabledReason === 'every attempt has failed for 5 days',
  );
  await retry(deliveryId);
  expect(await system.settled(deliveryId, 'paused')).toMatchObject({
    stateReason: 'the subscription is disabled',
    attemptCount: 2,
  });
  receiver.reply(200);
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: true });
  await system.settled(deliveryId, 'delivered');
  expect((await shown(subscriptionId)).health).toMatchObject({ failingSince: null, consecutiveFailures: 0 });
});

test('ends a series of failures with an accepted attempt', async () => {
  const { deliveryId, subscriptionId } = await failingForDays();
  receiver.reply(200);
  await retry(deliveryId);
  await system.settled(deliveryId, 'delivered');
  expect(await shown(subscriptionId)).toMatchObject({ enabled: true, health: { failingSince: null } });
});

/** A delivery that waits because its subscription is disabled. */
async function paused() {
  const emitted = await emitExample(system.ask, 'postmark', 'Open', { url: `${receiver.url}/in` });
  await system.settled(emitted.deliveryId, 'retrying');
  await system.ask('PATCH', `/v1/subscriptions/${emitted.subscriptionId}`, { enabled: false });
  await retry(emitted.deliveryId);
  await system.settled(emitted.deliveryId, 'paused');
  return emitted;
}

test('resumes deliveries in the sweep when the process that enabled the subscription did not', async () => {
  const { deliveryId, subscriptionId } = await paused();
  receiver.reply(200);
  // As if the API had died right after the commit.
  await query('UPDATE subscriptions SET enabled = true WHERE id = $1', [subscriptionId]);
  expect(await sweep()).toMatchObject({ resumed: 1 });
  await system.settled(deliveryId, 'delivered');
});

test('drops waiting deliveries', async () => {
  const { deliveryId, subscriptionId } = await paused();
  const { body } = await system.ask('POST', `/v1/subscriptions/${subscriptionId}/drop-waiting`, { reason: 'too old' });
  expect(body).toEqual({ dropped: 1, more: false });
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ stateReason: 'too old' });
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: true });
  expect(await sweep()).toMatchObject({ resumed: 0 });
});

test('notifies operators once, signed, and without secrets', async () => {
  await sweep();
  const { id, secret } = await operationsAccount();
  const { deliveryId, eventId, accountId, subscriptionId } = await failingForDays();
  receiver.reply(410);
  await retry(deliveryId);
  await system.settled(deliveryId, 'failed');
  await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: true });
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/rotate-secret`);
  expect(await sweep()).toMatchObject({ emitted: 4 });
  expect(await sweep()).toMatchObject({ emitted: 0 });
  const notifications = (await operators.waitFor(4)).map(
    ({ body, headers }) => new Webhook(secret).verify(body, headers) as { type: string; data: object },
  );
  const about = { accountId, provider: 'standard', subscriptionId, host: `127.0.0.1:${receiver.port}` };
  expect(notifications).toHaveLength(4);
  const outcome = { attempts: 2, lastStatus: 410, lastReason: 'status' };
  expect(new Map(notifications.map(({ type, data }) => [type, data]))).toEqual(
    new Map<string, object>([
      ['pigeonpost.delivery.exhausted', { ...about, deliveryId, eventId, eventType: 'user.created', ...outcome }],
      ['pigeonpost.subscription.disabled', { ...about, reason: 'the receiver responded with 410 Gone' }],
      ['pigeonpost.subscription.enabled', { ...about, reason: null }],
      ['pigeonpost.subscription.secret_rotated', about],
    ]),
  );
  expect(JSON.stringify(operators.received)).not.toContain('hidden');

  // Changes of the operators' own subscription are not reported.
  operators.clear();
  operators.reply(410);
  await system.ask('POST', `/v1/subscriptions/${id}/test`);
  await operators.waitFor(1);
  await system.ask('POST', `/v1/subscriptions/${id}/rotate-secret`);
  await sweep();
  const { rows } = await query(
    'SELECT count(*)::int AS events FROM events WHERE account_id = (SELECT account_id FROM subscriptions WHERE id = $1)',
    [id],
  );
  expect(rows[0].events).toBe(5);
});
