/** Filters and transformations of subscriptions: the fields, what they do to accepted events, and the dry runs. */
import { startApiWithDatabase } from '../../../support/api.js';
import {
  emitted,
  expectStatus,
  newAccount,
  newSubscription,
  paths,
  plainSubscription,
  samples,
} from '../../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase({ maxCommitBytes: 65_536 });
});
afterAll(() => api.close());

const EUROPE = { 'data.country': { in: ['DK', 'FR'] }, not: { 'data.test': true } };
const SHORT = '{"id": data.id, "kind": $uppercase(type)}';

const subscribe = (accountId: string, fields: object = {}) =>
  newSubscription(api.ask, accountId, 'standard', { eventTypes: [], channels: [], ...fields });
const emit = async (accountId: string, data: unknown, type = 'user.created') =>
  expectStatus(await api.ask('POST', `/v1/accounts/${accountId}/events`, { type, data }), 202).body;
const receiversOf = ({ deliveries }: { deliveries: { subscriptionId: string }[] }) =>
  deliveries.map(({ subscriptionId }) => subscriptionId).sort();
const edit = (id: string, body: object) => api.ask('PATCH', `/v1/subscriptions/${id}`, body);

async function bodies(eventId: string) {
  const { rows } = await api.database.store.pool.query<{ body: string; error: string | null }>(
    'SELECT body, error FROM event_bodies WHERE event_id = $1 ORDER BY length(variant), body',
    [eventId],
  );
  return rows;
}

test('are shown as they were given, kept by other edits and removed by null', async () => {
  const account = await newAccount(api.ask, 'standard');
  const created = await subscribe(account.id, { filter: EUROPE, transformation: SHORT });
  expect(created).toMatchObject({ filter: EUROPE, transformation: SHORT });
  expect(Object.keys(created.filter)).toEqual(Object.keys(EUROPE));
  expectStatus(await edit(created.id, { description: 'Europe' }), 200);
  const { body } = await api.ask('GET', `/v1/subscriptions/${created.id}`);
  expect(body).toMatchObject({ filter: EUROPE, transformation: SHORT, description: 'Europe' });
  const removed = await edit(created.id, { filter: null, transformation: null });
  expect(removed.body).toMatchObject({ filter: null, transformation: null });
});

test.each([
  [{ filter: {} }, 'filter'],
  [{ filter: [] }, 'filter'],
  [{ filter: { total: 1 } }, 'filter.total'],
  [{ filter: { 'data.total': { above: 1 } } }, 'filter["data.total"].above'],
  [{ filter: { any: [{ 'data.total': { gt: [] } }] } }, 'filter.any[0]["data.total"].gt'],
  [{ transformation: 'data.' }, 'transformation'],
  [{ transformation: '$eval("1")' }, 'transformation'],
  [{ transformation: 'a'.repeat(8_193) }, 'transformation'],
])('are refused by their path: %j', async (fields, path) => {
  const account = await newAccount(api.ask, 'standard');
  const refused = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    ...plainSubscription('standard'),
    ...fields,
  });
  expect(refused.status).toBe(422);
  expect(paths(refused)).toEqual([path]);
  const { id } = await subscribe(account.id);
  expect(paths(await edit(id, fields))).toEqual([path]);
});

test.each(samples.filter(({ provider }) => provider !== 'standard'))('$provider has neither', async ({ provider }) => {
  const { account, subscription } = await emitted(api.ask, provider);
  for (const fields of [{ filter: EUROPE }, { transformation: SHORT }, { filter: null }]) {
    const created = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
      ...plainSubscription(provider),
      ...fields,
    });
    expect(created.status).toBe(422);
    expect(created.body.detail).toMatch(/has no (filters|transformations); remove the field$/);
    expect((await edit(subscription.id, fields)).status).toBe(422);
  }
  const tried = await api.ask('POST', `/v1/accounts/${account.id}/filters/test`, { filter: EUROPE });
  expect(tried.body.detail).toMatch(/^filter: .* has no filters/);
  const event = { type: 'a', data: {} };
  const made = await api.ask('POST', `/v1/accounts/${account.id}/transformations/test`, { expression: SHORT, event });
  expect(made.body.detail).toMatch(/^expression: .* has no transformations/);
  const shown = (await api.ask('GET', `/v1/subscriptions/${subscription.id}`)).body;
  expect(shown).not.toHaveProperty('filter');
  const { data } = (await api.ask('GET', '/v1/contracts')).body;
  const { subscriptionSchema } = data.find((contract: { provider: string }) => contract.provider === provider);
  expect(subscriptionSchema.properties).not.toHaveProperty('filter');
});

test('a filter decides who receives an event, from the response to an edit on', async () => {
  const account = await newAccount(api.ask, 'standard');
  const filtered = await subscribe(account.id, { filter: EUROPE });
  const same = await subscribe(account.id, { filter: EUROPE });
  const all = await subscribe(account.id);
  const everyone = [filtered.id, same.id, all.id].sort();
  expect(receiversOf(await emit(account.id, { country: 'DK' }))).toEqual(everyone);
  expect(receiversOf(await emit(account.id, { country: 'US' }))).toEqual([all.id]);
  expect(receiversOf(await emit(account.id, { country: 'FR', test: true }))).toEqual([all.id]);
  await edit(filtered.id, { filter: { 'data.country': 'US' } });
  expect(receiversOf(await emit(account.id, { country: 'US' }))).toEqual([filtered.id, all.id].sort());
});

test('an event that every filter rejects is accepted and shown', async () => {
  const account = await newAccount(api.ask, 'standard');
  await subscribe(account.id, { filter: { 'data.country': 'DK' } });
  const event = await emit(account.id, { country: 'US' });
  expect(event.deliveries).toEqual([]);
  expect((await api.ask('GET', `/v1/events/${event.id}`)).body).toMatchObject({ data: { country: 'US' } });
});

test('a test event is sent whatever the filter', async () => {
  const account = await newAccount(api.ask, 'standard');
  const { id } = await subscribe(account.id, { filter: { 'data.country': 'DK' } });
  const tested = expectStatus(await api.ask('POST', `/v1/subscriptions/${id}/test`, {}), 202).body;
  expect(tested.deliveries).toHaveLength(1);
});

test('subscriptions with the same transformation share one body; others get theirs unchanged', async () => {
  const account = await newAccount(api.ask, 'standard');
  await subscribe(account.id);
  await subscribe(account.id, { transformation: SHORT });
  await subscribe(account.id, { transformation: SHORT });
  await subscribe(account.id, { transformation: 'data.id' });
  const { id, deliveries } = await emit(account.id, { id: 7, name: 'Kim' });
  expect(deliveries).toHaveLength(4);
  const made = (await bodies(id)).map(({ body }) => JSON.parse(body));
  expect(made).toEqual([
    { type: 'user.created', timestamp: expect.any(String), data: { id: 7, name: 'Kim' } },
    { type: 'user.created', timestamp: made[0].timestamp, data: 7 },
    { type: 'user.created', timestamp: made[0].timestamp, data: { id: 7, kind: 'USER.CREATED' } },
  ]);
});

test('an expression that fails, or makes too much, prevents no event and no other delivery', async () => {
  const account = await newAccount(api.ask, 'standard');
  await subscribe(account.id);
  await subscribe(account.id, { transformation: '$error("no " & data.id)' });
  await subscribe(account.id, { transformation: '$pad("", 60000, "x")' });
  await subscribe(account.id, { transformation: '$pad("", 60001, "x")' });
  const { id, deliveries } = await emit(account.id, { id: 7 });
  expect(deliveries).toHaveLength(4);
  const made = await bodies(id);
  expect(made.map(({ error }) => error)).toEqual(
    expect.arrayContaining([
      null,
      null,
      'transformation failed: no 7',
      'transformation failed: the bodies of the request would be too large in total',
    ]),
  );
  expect(made.every(({ body, error }) => (error === null) === (body !== ''))).toBe(true);
});

test('events in one request have bodies of their own, also with an idempotency key', async () => {
  const account = await newAccount(api.ask, 'standard');
  const { id } = await subscribe(account.id, { filter: { 'data.n': { lt: 3 } }, transformation: 'data.n * 10' });
  const events = [1, 2, 3].map((n) => ({ type: 'user.created', data: { n } }));
  const send = () =>
    api.ask('POST', `/v1/accounts/${account.id}/events`, { events }, { 'idempotency-key': 'payload-1' });
  const { results } = expectStatus(await send(), 202).body;
  expect(results.map(receiversOf)).toEqual([[id], [id], []]);
  expect((await send()).body.results).toEqual(results);
  const made = await Promise.all(results.slice(0, 2).map((result: { id: string }) => bodies(result.id)));
  expect(made.map(([first]) => JSON.parse(first.body).data)).toEqual([10, 20]);
});

test('the dry run of a filter says which of the last events pass', async () => {
  const account = await newAccount(api.ask, 'standard');
  for (let n = 0; n < 3; n += 1) await emit(account.id, { n });
  await emit(account.id, { n: 9 }, 'user.deleted');
  const other = await newAccount(api.ask, 'standard');
  await emit(other.id, { n: 1 });
  const ask = (body: object) => api.ask('POST', `/v1/accounts/${account.id}/filters/test`, body);
  const { body } = expectStatus(await ask({ filter: { 'data.n': { gte: 1 } } }), 200);
  expect(body).toMatchObject({ passed: 3, rejected: 1 });
  expect(body.events.map(({ type, passes }: { type: string; passes: boolean }) => [type, passes])).toEqual([
    ['user.deleted', true],
    ['user.created', true],
    ['user.created', true],
    ['user.created', false],
  ]);
  const narrowed = await ask({ filter: { 'data.n': { gte: 1 } }, eventType: 'user.deleted' });
  expect(narrowed.body).toMatchObject({ passed: 1, rejected: 0 });
  expect(paths(await ask({ filter: { 'data.n': { above: 1 } } }))).toEqual(['filter["data.n"].above']);
});

test('the dry run of a transformation makes the body, or says why not', async () => {
  const account = await newAccount(api.ask, 'standard');
  const event = { type: 'user.created', occurredAt: '2026-11-29T12:00:00Z', data: { id: 7 } };
  const ask = (body: object, key?: string) =>
    api.ask(
      'POST',
      `/v1/accounts/${account.id}/transformations/test`,
      { event, ...body },
      key === undefined ? {} : { authorization: `Bearer ${key}` },
    );
  const made = '{"type":"user.created","timestamp":"2026-11-29T12:00:00.000Z","data":{"id":7,"kind":"USER.CREATED"}}';
  expect((await ask({ expression: SHORT }, account.apiKey)).body).toEqual({ body: made, error: null });
  expect((await ask({ expression: 'data.none' })).body).toEqual({
    body: null,
    error: 'transformation failed: the expression gives no value',
  });
  expect(paths(await ask({ expression: 'data.' }))).toEqual(['expression']);
});
