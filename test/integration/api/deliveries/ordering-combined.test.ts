/** Ordering keys together with times, priorities, pauses, subscriptions that are polled, and transformations. */
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import { newAccount } from '../../../support/samples.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const TYPE = 'user.created';
const URL = 'https://hooks.example.com/in';

type Shown = Record<string, unknown> & { readonly id: string };

async function newOwner(...fields: object[]) {
  const account = await newAccount(api.ask, 'standard');
  const subscriptions: string[] = [];
  for (const each of fields) {
    const { body } = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, { eventTypes: [TYPE], ...each });
    subscriptions.push(body.id);
  }
  const emit = (...events: readonly object[]) =>
    api.ask('POST', `/v1/accounts/${account.id}/events`, {
      events: events.map((event) => ({ type: TYPE, data: {}, ...event })),
    });
  /** The deliveries of events to a subscription. */
  const deliveries = async (subscriptionId: string, ...events: readonly object[]): Promise<Shown[]> => {
    const { body } = await emit(...events);
    const ids = body.results.map(
      (result: { deliveries: { id: string; subscriptionId: string }[] }) =>
        result.deliveries.find((delivery) => delivery.subscriptionId === subscriptionId)!.id,
    );
    return Promise.all(ids.map(show));
  };
  return { accountId: account.id as string, subscriptions, emit, deliveries };
}

const show = async (id: string): Promise<Shown> => (await api.ask('GET', `/v1/deliveries/${id}`)).body;

const later = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();

test.each([
  ['future', 'deliverAt', later(1)],
  ['past', 'deliverAt', later(-1)],
  ['future', 'expiresAt', later(1)],
  ['key', 'supersedes', 'a'],
])('refuses an ordering key together with a %s as %s', async (_, field, value) => {
  const { emit } = await newOwner({ url: URL });
  const { body } = await emit({ orderingKey: 'a', [field]: value }, { orderingKey: 'a' });
  expect(body.results).toMatchObject([
    { status: 422, errors: [{ path: field, message: 'cannot be combined with orderingKey yet' }] },
    { deliveries: [{ id: expect.any(String) }] },
  ]);
});

test('priorities, times and order share a commit', async () => {
  const { subscriptions, deliveries } = await newOwner({ url: URL });
  const deliverAt = later(1);
  const [head, blocked, timed, plain] = await deliveries(
    subscriptions[0]!,
    { orderingKey: 'a' },
    { orderingKey: 'a', priority: 'high' },
    { deliverAt, supersedes: 'b' },
    {},
  );
  expect(head).toMatchObject({ blocked: false, state: 'pending', priority: 'normal', deliverAt: null });
  expect(blocked).toMatchObject({ blocked: true, blockedBy: head!.id, state: 'pending', priority: 'high' });
  expect(timed).toMatchObject({
    blocked: false,
    orderingKey: null,
    deliverAt,
    nextAttemptAt: deliverAt,
    supersedes: 'b',
  });
  expect(plain).toMatchObject({ blocked: false, orderingKey: null, deliverAt: null, priority: 'normal' });
});

test.each([{}, { priority: 'low' }])(
  'messages of polled subscriptions have no order beside ordered deliveries %j',
  async (fields) => {
    const { subscriptions, deliveries } = await newOwner({ url: URL }, { receivesBy: 'poll' });
    const events = ['a', 'a', undefined].map((orderingKey, n) => ({ data: { n }, orderingKey, ...fields }));
    const [head, blocked, plain] = await deliveries(subscriptions[0]!, ...events);
    expect([head, blocked, plain].map((delivery) => delivery!.blocked)).toEqual([false, true, false]);
    const { body } = await api.ask('GET', `/v1/subscriptions/${subscriptions[1]}/poll`);
    expect(JSON.stringify(body).match(/"n":\d/g)).toEqual(['"n":0', '"n":1', '"n":2']);
  },
);

test('only polled subscriptions: nothing is ordered', async () => {
  const { subscriptions, emit } = await newOwner({ receivesBy: 'poll' });
  expect((await emit({ orderingKey: 'a' }, { orderingKey: 'a' })).body.results).toMatchObject([
    { deliveries: [] },
    { deliveries: [] },
  ]);
  expect((await api.ask('GET', `/v1/subscriptions/${subscriptions[0]}/ordering`)).body.data).toEqual([]);
});

test.each(['subscriptions', 'accounts'] as const)(
  'while %s are paused a head is paused and the others are blocked',
  async (scope) => {
    const { accountId, subscriptions, deliveries } = await newOwner({ url: URL });
    const id = scope === 'accounts' ? accountId : subscriptions[0]!;
    expect((await api.ask('POST', `/v1/${scope}/${id}/pause`)).status).toBe(200);
    const [head, blocked, plain] = await deliveries(subscriptions[0]!, { orderingKey: 'a' }, { orderingKey: 'a' }, {});
    expect(head).toMatchObject({ state: 'paused', blocked: false });
    expect(head!.stateReason).toContain('is paused');
    expect(blocked).toMatchObject({ state: 'pending', stateReason: null, blocked: true, blockedBy: head!.id });
    expect(plain).toMatchObject({ state: 'paused', blocked: false });
    const { body } = await api.ask('GET', `/v1/subscriptions/${subscriptions[0]}/ordering`);
    expect(body.data).toMatchObject([{ orderingKey: 'a', head: head!.id, state: 'paused', waiting: 1 }]);
  },
);

test('parking a head of a paused subscription releases the next one', async () => {
  const { subscriptions, deliveries } = await newOwner({ url: URL });
  await api.ask('POST', `/v1/subscriptions/${subscriptions[0]}/pause`);
  const [head, next] = await deliveries(subscriptions[0]!, { orderingKey: 'a' }, { orderingKey: 'a' });
  expect((await api.ask('POST', `/v1/deliveries/${head!.id}/park`)).status).toBe(202);
  expect(await show(next!.id)).toMatchObject({ state: 'pending', blocked: false });
});

test('transformed bodies stay with their deliveries', async () => {
  const { subscriptions, deliveries } = await newOwner(
    { url: URL, transformation: '{"twice": data.n * 2}' },
    { url: `${URL}2` },
  );
  const events = [1, 2].map((n) => ({ data: { n }, orderingKey: 'a' }));
  const [head, blocked] = await deliveries(subscriptions[0]!, ...events);
  expect([head!.blocked, blocked!.blocked]).toEqual([false, true]);
  const requests = await Promise.all([head!, blocked!].map(({ id }) => api.ask('GET', `/v1/deliveries/${id}/request`)));
  expect(requests.map(({ body }) => JSON.parse(body.body).data)).toEqual([{ twice: 2 }, { twice: 4 }]);
});

test('an event for one subscription has its key there only', async () => {
  const { subscriptions, emit } = await newOwner({ url: URL }, { url: `${URL}2` });
  const { body } = await emit({ orderingKey: 'a' }, { orderingKey: 'a', subscriptionId: subscriptions[1] });
  expect(body.results[1].deliveries).toHaveLength(1);
  expect(await show(body.results[1].deliveries[0].id)).toMatchObject({ blocked: true });
  const first = await api.ask('GET', `/v1/subscriptions/${subscriptions[0]}/ordering`);
  expect(first.body.data).toEqual([]);
});
