/** Ordering keys in the API: the field of an event, what is shown, the list of blocked keys, and what is refused. */
import { contracts } from '../../../../src/providers/registry.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import { exampleOf, newAccount, plainSubscription, sampleOf } from '../../../support/samples.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const TYPE = 'user.created';

async function subscribed() {
  const account = await newAccount(api.ask, 'standard');
  const body = { url: 'https://hooks.example.com/in', eventTypes: [TYPE] };
  const subscription = (await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body;
  const emit = (...keys: readonly (string | undefined)[]): Promise<string[]> =>
    api
      .ask('POST', `/v1/accounts/${account.id}/events`, {
        events: keys.map((orderingKey) => ({ type: TYPE, data: {}, orderingKey })),
      })
      .then(({ body: { results } }) =>
        results.map((result: { deliveries: [{ id: string }] }) => result.deliveries[0].id),
      );
  return { accountId: account.id as string, subscriptionId: subscription.id as string, emit };
}

const show = (id: string) => api.ask('GET', `/v1/deliveries/${id}`).then(({ body }) => body);

test('a delivery shows its key and what it waits for', async () => {
  const { emit } = await subscribed();
  const [head, second, unordered] = await emit('order-1', 'order-1', undefined);
  expect(await show(head!)).toMatchObject({ orderingKey: 'order-1', blocked: false, blockedBy: null });
  expect(await show(second!)).toMatchObject({ orderingKey: 'order-1', blocked: true, blockedBy: head, workflow: null });
  expect(await show(unordered!)).toMatchObject({ orderingKey: null, blocked: false, blockedBy: null });
});

test('a single event may have a key, and is blocked by an earlier request', async () => {
  const { accountId } = await subscribed();
  const event = { type: TYPE, data: {}, orderingKey: 'a' };
  const ids: string[] = [];
  for (let n = 0; n < 2; n += 1) {
    const { body } = await api.ask('POST', `/v1/accounts/${accountId}/events`, event, { 'idempotency-key': `k-${n}` });
    ids.push(body.deliveries[0].id);
  }
  const repeated = await api.ask('POST', `/v1/accounts/${accountId}/events`, event, { 'idempotency-key': 'k-1' });
  expect(repeated.body.deliveries[0].id).toBe(ids[1]);
  expect(await show(ids[1]!)).toMatchObject({ blocked: true, blockedBy: ids[0] });
});

test('keys of different subscriptions do not block each other', async () => {
  const { accountId, emit } = await subscribed();
  const body = { url: 'https://hooks.example.com/other', eventTypes: [TYPE] };
  await api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, body);
  const [head] = await emit('a');
  expect(await show(head!)).toMatchObject({ blocked: false });
  const { body: found } = await api.ask('GET', `/v1/deliveries?accountId=${accountId}&orderingKey=a`);
  expect(found.data.map(({ blocked }: { blocked: boolean }) => blocked)).toEqual([false, false]);
});

test('lists blocked keys page by page, with their heads', async () => {
  const { subscriptionId, emit } = await subscribed();
  const [a, , b, , , alone] = await emit('a', 'a', 'ü 💌', 'ü 💌', 'ü 💌', 'alone');
  const path = `/v1/subscriptions/${subscriptionId}/ordering`;
  const first = await api.ask('GET', `${path}?limit=1`);
  expect(first.body.data).toMatchObject([{ orderingKey: 'a', head: a, state: 'pending', attemptCount: 0, waiting: 1 }]);
  const second = await api.ask('GET', `${path}?limit=1&cursor=${first.body.nextCursor}`);
  expect(second.body).toMatchObject({ data: [{ orderingKey: 'ü 💌', head: b, waiting: 2 }], nextCursor: null });
  expect(Date.parse(second.body.data[0].oldestAt)).toBeGreaterThan(0);
  expect((await api.ask('GET', path)).text).not.toContain(alone);
  expect((await api.ask('GET', `${path}?cursor=AAAA`)).body).toMatchObject({ errors: [{ path: 'cursor' }] });
});

test('lists the deliveries of a key', async () => {
  const { accountId, subscriptionId, emit } = await subscribed();
  const [first, second] = await emit('a', 'a', 'b');
  for (const owner of [`accountId=${accountId}`, `subscriptionId=${subscriptionId}`]) {
    const { body } = await api.ask('GET', `/v1/deliveries?${owner}&orderingKey=a`);
    expect(body.data.map(({ id }: { id: string }) => id).sort()).toEqual([first, second].sort());
  }
  const { status, body } = await api.ask('GET', '/v1/deliveries?orderingKey=a');
  expect({ status, errors: body.errors }).toMatchObject({ status: 422, errors: [{ path: 'orderingKey' }] });
});

test.each(['pause', 'retry', 'park'])('cannot %s a blocked delivery', async (command) => {
  const { emit } = await subscribed();
  const [head, next] = await emit('a', 'a');
  const { status, body } = await api.ask('POST', `/v1/deliveries/${next}/${command}`);
  expect({ status, detail: body.detail }).toEqual({
    status: 409,
    detail: `cannot ${command} a delivery that waits for ${head} of the same ordering key; cancel it, or park that one`,
  });
});

test('parks only heads of keys', async () => {
  const { emit } = await subscribed();
  const [unordered] = await emit(undefined);
  const { status, body } = await api.ask('POST', `/v1/deliveries/${unordered}/park`);
  expect({ status, detail: body.detail }).toEqual({
    status: 409,
    detail: 'it has no ordering key; pause or cancel it',
  });
});

test.each(['', 'x'.repeat(129), 'a\u0000b', '\ud800', 7])('refuses the key %j', async (orderingKey) => {
  const { accountId } = await subscribed();
  const reply = await api.ask('POST', `/v1/accounts/${accountId}/events`, { type: TYPE, data: {}, orderingKey });
  expect({ status: reply.status, path: reply.body.errors?.[0].path }).toEqual({ status: 422, path: 'orderingKey' });
});

describe.each(contracts.filter(({ hasOrderingKeys }) => !hasOrderingKeys).map(({ provider }) => provider))(
  'an account of %s',
  (provider) => {
    test('has no ordering keys', async () => {
      const account = await newAccount(api.ask, provider);
      const path = `/v1/accounts/${account.id}/subscriptions`;
      const { body: subscription } = await api.ask('POST', path, plainSubscription(provider));
      const event = { type: sampleOf(provider).eventType, data: exampleOf(provider), orderingKey: 'a' };
      const emitted = await api.ask('POST', `/v1/accounts/${account.id}/events`, event);
      expect({ status: emitted.status, path: emitted.body.errors[0].path }).toEqual({
        status: 422,
        path: 'orderingKey',
      });
      expect((await api.ask('GET', `/v1/subscriptions/${subscription.id}/ordering`)).status).toBe(422);
      const edited = await api.ask('PATCH', `/v1/subscriptions/${subscription.id}`, { onOrderedFailure: 'block' });
      expect({ status: edited.status, path: edited.body.errors[0].path }).toEqual({
        status: 422,
        path: 'onOrderedFailure',
      });
    });
  },
);
