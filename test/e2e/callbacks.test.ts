/** Callbacks: the end of a delivery is reported to another subscription, also when processes die. */
import { Webhook } from 'standardwebhooks';
import { eventually } from '../support/eventually.js';
import { startProcess } from '../support/process.js';
import type { Death } from '../support/process-plan.js';
import { startReceiver, type Received, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
let callbacks: Receiver;
beforeAll(async () => {
  [system, receiver, callbacks] = await Promise.all([startSystem(), startReceiver(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await Promise.all([receiver.close(), callbacks.close()]);
});
beforeEach(() => {
  for (const each of [receiver, callbacks]) {
    each.clear();
    each.reply(200);
  }
});

const post = async (path: string, body: object = {}) => {
  const { status, body: response } = await system.ask('POST', path, body);
  if (status >= 300) throw new Error(JSON.stringify(response));
  return response;
};
const subscribe = (accountId: string, fields: object) =>
  post(`/v1/accounts/${accountId}/subscriptions`, {
    url: `${receiver.url}/in`,
    eventTypes: ['user.created'],
    ...fields,
  });

/** Ends a delivery that gets status 404. */
const STOP_ON_404 = { policy: { stopStatuses: [404] } };

/** An account with a subscription that takes callbacks, and one whose deliveries have them. */
async function subscribed(fields: object = {}) {
  const account = await post('/v1/accounts', { provider: 'standard', name: 'Acme' });
  const target = await subscribe(account.id, { url: `${callbacks.url}/ends`, eventTypes: ['pigeonpost.delivery.*'] });
  const both = { onDelivered: target.id, onExhausted: target.id, ...STOP_ON_404 };
  const subscription = await subscribe(account.id, { ...both, ...fields });
  return { accountId: String(account.id), subscription, target };
}

async function emit(accountId: string, fields: object = {}) {
  const event = await post(`/v1/accounts/${accountId}/events`, { type: 'user.created', data: { n: 1 }, ...fields });
  return { eventId: String(event.id), id: String(event.deliveries[0].id) };
}

/** The body of a callback, verified as its receiver would. */
function verified({ headers, body }: Received, secret: string) {
  return new Webhook(secret).verify(body, headers) as {
    type: string;
    timestamp: string;
    data: Record<string, unknown>;
  };
}

/** All deliveries of an account that have not ended, and its callbacks that are not emitted. */
async function untilQuiet(accountId: string): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await system.database.store.pool.query(
        `SELECT (SELECT count(*) FROM deliveries WHERE account_id = $1 AND settled_at IS NULL)
              + (SELECT count(*) FROM callbacks WHERE account_id = $1) AS open`,
        [accountId],
      );
      return Number(rows[0].open);
    },
    (open) => open === 0,
  );
}

test('an accepted delivery is reported with a signed event, which is a delivery like any other', async () => {
  const { accountId, subscription, target } = await subscribed();
  const { id, eventId } = await emit(accountId);
  const [request] = await callbacks.waitFor(1);
  const { type, timestamp, data } = verified(request!, target.secret);
  const delivery = await system.settled(id, 'delivered');
  expect({ type, timestamp }).toEqual({ type: 'pigeonpost.delivery.delivered', timestamp: delivery.settledAt });
  expect(data).toEqual({
    ...{ accountId, subscriptionId: subscription.id, host: new URL(receiver.url).host, deliveryId: id, eventId },
    ...{ eventType: 'user.created', state: 'delivered', reason: null, attempts: 1, redelivery: 0 },
    ...{ lastStatus: 200, lastReason: null, createdAt: delivery.createdAt, endedAt: delivery.settledAt },
  });
  const own = await system.ask('GET', `/v1/deliveries?subscriptionId=${target.id}`);
  expect(own.body.data).toMatchObject([{ type: 'pigeonpost.delivery.delivered', accountId }]);
  // It is redelivered like any other.
  await post(`/v1/deliveries/${own.body.data[0].id}/redeliver`, { allowDelivered: true });
  await callbacks.waitFor(2);
  await system.settled(own.body.data[0].id, 'delivered');
});

test('a delivery that fails for good is reported with its reason, and again when it is redelivered', async () => {
  const { accountId, target } = await subscribed();
  receiver.reply(404, 404, 200);
  const { id } = await emit(accountId);
  await callbacks.waitFor(1);
  await post(`/v1/deliveries/${id}/redeliver`);
  await callbacks.waitFor(2);
  await post(`/v1/deliveries/${id}/redeliver`);
  const bodies = (await callbacks.waitFor(3)).map((request) => verified(request, target.secret));
  expect(bodies.map(({ type, data }) => [type, data.redelivery, data.attempts, data.lastStatus])).toEqual([
    ['pigeonpost.delivery.exhausted', 0, 1, 404],
    ['pigeonpost.delivery.exhausted', 1, 2, 404],
    ['pigeonpost.delivery.delivered', 2, 3, 200],
  ]);
  expect(bodies[0]!.data).toMatchObject({
    state: 'failed',
    lastReason: 'status',
    reason: expect.stringMatching(/404/),
  });
  expect(new Set(callbacks.received.map(({ headers }) => headers['webhook-id'])).size).toBe(3);
});

test('an expired delivery counts as exhausted; one that is cancelled is not reported', async () => {
  const { accountId, target } = await subscribed();
  receiver.reply(500);
  const cancelled = await emit(accountId);
  await system.settled(cancelled.id, 'retrying');
  await post(`/v1/deliveries/${cancelled.id}/cancel`);
  await system.settled(cancelled.id, 'cancelled');
  const expired = await emit(accountId, { expiresAt: new Date(Date.now() + 2_000).toISOString() });
  const [request] = await callbacks.waitFor(1);
  expect(verified(request!, target.secret).data).toMatchObject({ deliveryId: expired.id, reason: 'expired' });
  await untilQuiet(accountId);
  expect(callbacks.received).toHaveLength(1);
});

test('a failing callback is retried by the schedule and can be recovered; a callback has no callbacks', async () => {
  const { accountId, target } = await subscribed();
  const third = await subscribe(accountId, { url: `${callbacks.url}/third`, eventTypes: ['pigeonpost.delivery.*'] });
  const policy = { schedule: { waits: [1] } };
  await system.ask('PATCH', `/v1/subscriptions/${target.id}`, { policy, onDelivered: third.id, onExhausted: third.id });
  callbacks.reply(500, 500, 200);
  const from = new Date(Date.now() - 60_000).toISOString();
  await emit(accountId);
  await callbacks.waitFor(2);
  await untilQuiet(accountId);
  const [failed] = (await system.ask('GET', `/v1/deliveries?subscriptionId=${target.id}`)).body.data;
  expect(failed).toMatchObject({ state: 'failed', attemptCount: 2 });
  await post(`/v1/subscriptions/${target.id}/recover`, { from });
  await callbacks.waitFor(3);
  await untilQuiet(accountId);
  expect(callbacks.received.map(({ path }) => path)).toEqual(['/ends', '/ends', '/ends']);
});

test('an event names other receivers, or none', async () => {
  const { accountId } = await subscribed();
  const own = await subscribe(accountId, {
    url: `${callbacks.url}/own`,
    eventTypes: ['pigeonpost.delivery.delivered'],
  });
  await emit(accountId, { onDelivered: null });
  await emit(accountId, { onDelivered: own.id });
  await callbacks.waitFor(1);
  await untilQuiet(accountId);
  expect(callbacks.received.map(({ path }) => path)).toEqual(['/own']);
});

test('a callback for a disabled subscription waits until it is enabled; that of a deleted one is an event only', async () => {
  const { accountId, target } = await subscribed();
  await system.ask('PATCH', `/v1/subscriptions/${target.id}`, { enabled: false });
  await emit(accountId);
  const [waiting] = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries?subscriptionId=${target.id}`)).body.data,
    (deliveries) => deliveries.length > 0,
  );
  expect(waiting).toMatchObject({ state: 'paused', stateReason: 'the subscription is disabled' });
  await system.ask('PATCH', `/v1/subscriptions/${target.id}`, { enabled: true });
  const [request] = await callbacks.waitFor(1);
  expect(verified(request!, target.secret).type).toBe('pigeonpost.delivery.delivered');
  await system.settled(waiting.id, 'delivered');
  await system.ask('DELETE', `/v1/subscriptions/${target.id}`);
  await emit(accountId);
  const reports = await eventually(
    async () =>
      (await system.ask('GET', `/v1/accounts/${accountId}/events?type=pigeonpost.delivery.delivered`)).body.data,
    (events) => events.length === 2,
  );
  expect(reports[0].deliveries).toEqual({ delivered: 0, failed: 0, cancelled: 0, open: 0 });
});

describe('a worker that dies', () => {
  afterEach(() => system.restartWorker());

  const at = (when: Death['when'], matching: string): Death => ({ point: 'statement', when, matching });

  test.each<[where: string, death: Death]>([
    ['after it has recorded the end', at('after', 'record-accepted-at-once')],
    ['before it claims the callback', at('before', 'claim-callbacks')],
    ['with the callback claimed', at('after', 'claim-callbacks')],
    ['with the event of the callback written, before the commit', at('after', 'insert-events')],
  ])('%s loses no callback and repeats none', async (_where, death) => {
    const { accountId, target } = await subscribed();
    await system.stopWorker();
    const dying = await startProcess(system, 'worker', death);
    const { id } = await emit(accountId);
    expect(await dying.ended).toBe('SIGKILL');
    await system.restartWorker();
    const requests = await callbacks.waitFor(1);
    await system.settled(id, 'delivered');
    await untilQuiet(accountId);
    expect(requests.map((request) => verified(request, target.secret).data.deliveryId)).toEqual([id]);
  });
});
