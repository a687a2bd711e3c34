/** Filtered and transformed deliveries on a real Temporal server, verified with the library of Standard Webhooks. */
import { Webhook } from 'standardwebhooks';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem({}, undefined, { workflows: 'adaptive' }), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

async function subscribed(...subscriptions: object[]) {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const made = [];
  for (const [n, fields] of subscriptions.entries()) {
    const body = { url: `${receiver.url}/${n}`, eventTypes: [], ...fields };
    made.push((await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body);
  }
  return { accountId: account.id as string, subscriptions: made as { id: string; secret: string }[] };
}

const emit = async (accountId: string, body: object) =>
  (await system.ask('POST', `/v1/accounts/${accountId}/events`, body)).body;
const verified = (n: number, secret: string) =>
  receiver.received
    .filter(({ path }) => path === `/${n}`)
    .map(({ body, headers }) => (new Webhook(secret).verify(body, headers) as { data: unknown }).data);

test('each receives what passes its filter, as its transformation makes it, with a valid signature', async () => {
  const { accountId, subscriptions } = await subscribed(
    {},
    { filter: { 'data.total': { gte: 100 } } },
    { filter: { 'data.total': { lt: 100 } }, transformation: '{"cents": data.total * 100, "of": type}' },
  );
  await emit(accountId, { type: 'invoice.paid', data: { total: 120 } });
  await emit(accountId, { type: 'invoice.paid', data: { total: 20 } });
  await receiver.waitFor(4);
  const [all, large, small] = subscriptions;
  expect(verified(0, all!.secret)).toEqual(expect.arrayContaining([{ total: 120 }, { total: 20 }]));
  expect(verified(1, large!.secret)).toEqual([{ total: 120 }]);
  expect(verified(2, small!.secret)).toEqual([{ cents: 2_000, of: 'invoice.paid' }]);
});

test('every attempt sends the body that was made when the event was accepted', async () => {
  receiver.reply(500, 200);
  const { accountId, subscriptions } = await subscribed({ transformation: '{"old": data.id}' });
  const event = await emit(accountId, { type: 'user.created', data: { id: 7 } });
  await receiver.waitFor(1);
  await system.ask('PATCH', `/v1/subscriptions/${subscriptions[0]!.id}`, { transformation: '{"new": data.id}' });
  await system.ask('POST', `/v1/deliveries/${event.deliveries[0].id}/retry-now`);
  await receiver.waitFor(2);
  expect(verified(0, subscriptions[0]!.secret)).toEqual([{ old: 7 }, { old: 7 }]);
});

test('direct deliveries have transformed bodies too', async () => {
  const { accountId, subscriptions } = await subscribed({ transformation: 'data.n + 1' });
  await emit(accountId, { events: Array.from({ length: 30 }, (_, n) => ({ type: 'user.created', data: { n } })) });
  await receiver.waitFor(30);
  const sent = verified(0, subscriptions[0]!.secret) as number[];
  expect(sent.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
});

test('direct deliveries have their transformed bodies beside a paused subscription', async () => {
  const { accountId, subscriptions } = await subscribed(
    {},
    { transformation: 'data.n + 1' },
    { transformation: 'data.n + 2' },
  );
  const [paused, one, two] = subscriptions;
  await system.ask('POST', `/v1/subscriptions/${paused!.id}/pause`, {});
  await emit(accountId, { events: Array.from({ length: 20 }, () => ({ type: 'user.created', data: { n: 1 } })) });
  await receiver.waitFor(40);
  expect(new Set(verified(1, one!.secret))).toEqual(new Set([2]));
  expect(new Set(verified(2, two!.secret))).toEqual(new Set([3]));
});

test('a transformation that was postponed is made before the first attempt', async () => {
  const { accountId, subscriptions } = await subscribed({ transformation: 'data.n + 1' });
  const { id, secret } = subscriptions[0]!;
  await system.ask('POST', `/v1/subscriptions/${id}/pause`, {});
  const { deliveries } = await emit(accountId, { type: 'user.created', data: { n: 1 } });
  await system.database.store.pool.query(
    `UPDATE event_bodies SET body = '', error = 'transformation postponed: no time' WHERE event_id =
       (SELECT event_id FROM deliveries WHERE id = $1)`,
    [deliveries[0].id],
  );
  await system.ask('POST', `/v1/subscriptions/${id}/resume`, {});
  await system.settled(deliveries[0].id, 'delivered');
  expect(verified(0, secret)).toEqual([2]);
});

test.each([1, 30])(
  'of %d events whose expression fails, the deliveries fail visibly and a redelivery makes the bodies again',
  async (count) => {
    const { accountId, subscriptions } = await subscribed({ transformation: '$error("no " & data.id)' });
    const { id } = subscriptions[0]!;
    const { results } = await emit(accountId, {
      events: Array.from({ length: count }, () => ({ type: 'user.created', data: { id: 7 } })),
    });
    const ids = results.map(({ deliveries }: { deliveries: { id: string }[] }) => deliveries[0]!.id) as string[];
    const [first] = await Promise.all(ids.map((delivery) => system.settled(delivery, 'failed')));
    expect(first).toMatchObject({
      stateReason: 'transformation failed: no 7',
      attempts: [{ number: 1, outcome: 'failed', reason: 'transformation', url: null, requestHeaders: null }],
    });
    expect(receiver.received).toEqual([]);
    const preview = await system.ask('GET', `/v1/deliveries/${ids[0]}/request`);
    expect(preview).toMatchObject({ status: 409, body: { detail: 'there is no body: transformation failed: no 7' } });
    // The receiver was not asked, so its health is not affected.
    const { body } = await system.ask('GET', `/v1/subscriptions/${id}`);
    expect(body.health).toMatchObject({ consecutiveFailures: 0 });
    const workflow = system.client.workflow.getHandle(`delivery-${ids[0]}`);
    await eventually(
      () => workflow.describe(),
      ({ status }) => status.name === 'FAILED',
    );

    const redeliver = () => system.ask('POST', `/v1/deliveries/${ids[0]}/redeliver`);
    await redeliver();
    await eventually(
      async () => (await system.ask('GET', `/v1/deliveries/${ids[0]}`)).body,
      ({ state, redeliveries, attemptCount }) => state === 'failed' && redeliveries === 1 && attemptCount === 2,
    );
    await system.ask('PATCH', `/v1/subscriptions/${id}`, { transformation: '{"id": data.id}' });
    await redeliver();
    await system.settled(ids[0]!, 'delivered');
    expect(verified(0, subscriptions[0]!.secret)).toEqual([{ id: 7 }]);
    const shown = await system.ask('GET', `/v1/deliveries/${ids[0]}/request`);
    expect(JSON.parse(shown.body.body)).toMatchObject({ data: { id: 7 } });
  },
);

test('a redelivery without a transformation sends the payload as it was emitted', async () => {
  const { accountId, subscriptions } = await subscribed({ transformation: '$error("no")' });
  const event = '{"type":"user.created","data":{"id":9007199254740993}}';
  const { deliveries } = (await system.ask('POST', `/v1/accounts/${accountId}/events`, event)).body;
  await system.settled(deliveries[0].id, 'failed');
  await system.ask('PATCH', `/v1/subscriptions/${subscriptions[0]!.id}`, { transformation: null });
  await system.ask('POST', `/v1/deliveries/${deliveries[0].id}/redeliver`);
  const [request] = await receiver.waitFor(1);
  expect(request!.body).toContain('"data":{"id":9007199254740993}');
});

test('a recovery of missing deliveries follows filter and transformation', async () => {
  const { accountId } = await subscribed();
  for (const total of [20, 120, 220]) await emit(accountId, { type: 'invoice.paid', data: { total } });
  const created = await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, {
    url: `${receiver.url}/0`,
    eventTypes: [],
    filter: { 'data.total': { gte: 100 } },
    transformation: 'data.total / 10',
  });
  const { id, secret } = created.body;
  const recover = (body: object) =>
    system.ask('POST', `/v1/subscriptions/${id}/recover`, {
      from: '2020-01-01T00:00:00Z',
      states: ['missing'],
      ...body,
    });
  expect((await recover({ dryRun: true })).body).toMatchObject({ total: 2 });
  await recover({});
  await receiver.waitFor(2);
  expect((verified(0, secret) as number[]).sort()).toEqual([12, 22]);
});
