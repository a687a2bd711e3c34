/** Erasure of events and accounts, on a real Temporal server with real requests. */
import { eventually } from '../support/eventually.js';
import { sweepOnce } from '../support/process-faults.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

/** Part of every payload and response; nothing may contain it after an erasure. */
const PERSONAL = 'kim-4711@example.com';
const reason = 'request of the customer, ticket 815';

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
  receiver.reply((response) => response.writeHead(200, { 'x-user': PERSONAL }).end(`hello ${PERSONAL}`));
});

async function newSubscription() {
  const { id: accountId } = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscription = { url: `${receiver.url}/in`, eventTypes: [] };
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, subscription);
  return { accountId: accountId as string, subscriptionId: body.id as string };
}

async function emit(accountId: string) {
  const event = { type: 'user.created', data: { email: PERSONAL } };
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, event);
  return { eventId: body.id as string, deliveryId: body.deliveries[0].id as string };
}

/** Every row of the database that has the personal data. */
async function rowsWithPersonalData(): Promise<string[]> {
  const found: string[] = [];
  for (const table of ['events', 'event_bodies', 'deliveries', 'attempts', 'messages']) {
    const { rows } = await system.database.store.pool.query<{ text: string }>(
      `SELECT t::text AS text FROM ${table} t WHERE t::text LIKE $1`,
      [`%${PERSONAL}%`],
    );
    found.push(...rows.map(({ text }) => `${table} ${text}`));
  }
  return found;
}

test('a delivered event loses its content at once, and cannot be redelivered', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const { eventId, deliveryId } = await emit(accountId);
  const before = await system.settled(deliveryId, 'delivered');
  expect(await rowsWithPersonalData()).not.toEqual([]);

  const { status, body } = await system.ask('POST', `/v1/events/${eventId}/erase`, { reason });
  expect([status, body]).toMatchObject([
    200,
    { accountId, eventId, reason, erasedBy: 'operator', events: 1, deliveries: 1, attempts: 1, messages: 0 },
  ]);
  expect(await rowsWithPersonalData()).toEqual([]);
  expect((await system.ask('GET', `/v1/events/${eventId}`)).body).toMatchObject({
    ...{ id: eventId, type: 'user.created', data: null, erasedAt: expect.any(String) },
  });
  const after = (await system.ask('GET', `/v1/deliveries/${deliveryId}`)).body;
  expect(after).toMatchObject({ state: 'delivered', settledAt: before.settledAt });
  expect(after.attempts).toMatchObject([{ outcome: 'accepted', status: 200, responseExcerpt: null }]);
  expect((await system.ask('GET', `/v1/deliveries/${deliveryId}/request`)).body.code).toBe('erased');

  const redelivered = await system.ask('POST', `/v1/deliveries/${deliveryId}/redeliver`, { allowDelivered: true });
  expect([redelivered.status, redelivered.body.code]).toEqual([409, 'erased']);
  const filter = { subscriptionId, states: ['delivered'] };
  const bulk = await system.ask('POST', '/v1/deliveries/bulk', {
    action: 'redeliver',
    filter,
    allowDelivered: true,
  });
  expect(bulk.body).toMatchObject({ matched: 1, done: 0, refused: 1 });
  expect(receiver.received).toHaveLength(1);
});

test('an open delivery is cancelled with the reason erased', async () => {
  const { accountId } = await newSubscription();
  receiver.reply(500);
  const { eventId, deliveryId } = await emit(accountId);
  await system.settled(deliveryId, 'retrying');
  expect((await system.ask('POST', `/v1/events/${eventId}/erase`, { reason })).status).toBe(200);
  expect(await system.settled(deliveryId, 'cancelled')).toMatchObject({ stateReason: 'erased' });
  expect(await rowsWithPersonalData()).toEqual([]);
  expect(receiver.received).toHaveLength(1);
});

test('what an attempt in flight records after the erasure is erased by the sweep', async () => {
  const { accountId } = await newSubscription();
  const responding: (() => void)[] = [];
  receiver.reply((response) => void responding.push(() => response.writeHead(500).end(`sorry ${PERSONAL}`)));
  const { eventId, deliveryId } = await emit(accountId);
  await receiver.waitFor(1);
  expect((await system.ask('POST', `/v1/events/${eventId}/erase`, { reason })).status).toBe(200);
  responding[0]!();
  await system.settled(deliveryId, 'cancelled');
  expect(await rowsWithPersonalData()).toHaveLength(1);
  await sweepOnce(system.database.store, system.client);
  expect(await rowsWithPersonalData()).toEqual([]);
});

test('an account is erased with its paused deliveries and polled messages, and again without effect', async () => {
  const { accountId, subscriptionId } = await newSubscription();
  const poll = { receivesBy: 'poll', eventTypes: [] };
  const { body: polled } = await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, poll);
  await system.settled((await emit(accountId)).deliveryId, 'delivered');
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`, {});
  const waiting = await emit(accountId);
  const other = await newSubscription();
  const kept = await emit(other.accountId);
  await system.settled(kept.deliveryId, 'delivered');

  const erase = () => system.ask('POST', `/v1/accounts/${accountId}/erase`, { reason });
  expect((await erase()).body).toMatchObject({
    ...{ eventId: null, events: 2, deliveries: 2, attempts: 1, messages: 2, more: false, nextCursor: null },
  });
  expect(await system.settled(waiting.deliveryId, 'cancelled')).toMatchObject({ stateReason: 'erased' });
  expect((await system.ask('GET', `/v1/subscriptions/${polled.id}/poll`)).body).toMatchObject({ data: [], done: true });
  expect((await erase()).body).toMatchObject({ events: 0, deliveries: 0, attempts: 0, messages: 0, more: false });
  // What belongs to others stays.
  expect((await system.ask('GET', `/v1/events/${kept.eventId}`)).body).toMatchObject({ data: { email: PERSONAL } });
  await eventually(
    async () => (await system.ask('GET', `/v1/erasures?accountId=${accountId}`)).body.data,
    (data) => data.length === 2,
  );
});

test('the recovery of a subscription ignores erased events', async () => {
  const { accountId } = await newSubscription();
  const { eventId, deliveryId } = await emit(accountId);
  await system.settled(deliveryId, 'delivered');
  await system.ask('POST', `/v1/events/${eventId}/erase`, { reason });
  const later = { url: `${receiver.url}/later`, eventTypes: [] };
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, later);
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const scope = { from, dryRun: true, states: ['missing'] };
  const recovery = await system.ask('POST', `/v1/subscriptions/${body.id}/recover`, scope);
  expect(recovery.body).toMatchObject({ total: 0 });
});
