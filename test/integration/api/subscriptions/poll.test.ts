/** Subscriptions that are polled, over the API with a real PostgreSQL. */
import { newId } from '../../../../src/contract/ids.js';
import { insertEvents, type NewEvent } from '../../../../src/store/events/events.js';
import { readMessages } from '../../../../src/store/messages/messages.js';
import { deleteExpired } from '../../../../src/store/retention.js';
import { startApiWithDatabase, type ApiResponse, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { eventually } from '../../../support/eventually.js';
import { idAt } from '../../../support/past.js';
import { emitted, expectStatus, newAccount, paths, plainSubscription, samples } from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

async function polled(fields: object = {}) {
  const account = await newAccount(api.ask, 'standard');
  const body = { receivesBy: 'poll', eventTypes: ['user.created'], ...fields };
  const response = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  return { account, subscription: expectStatus(response, 201).body };
}
const emit = (accountId: string, data: unknown = {}, type = 'user.created') =>
  api.ask('POST', `/v1/accounts/${accountId}/events`, { type, data });
const poll = (id: string, query = '') => api.ask('GET', `/v1/subscriptions/${id}/poll?${query}`);
const dataOf = ({ body }: ApiResponse): unknown[] =>
  (body.data as { payload: { data: unknown } }[]).map(({ payload }) => payload.data);

test('a message has the bytes and the id that an attempt would have had, and no delivery', async () => {
  const { account, subscription } = await polled();
  expect(subscription).toMatchObject({ url: null, receivesBy: 'poll', secret: expect.any(String) });
  const text = '{"type":"user.created","occurredAt":"2026-11-01T00:00:00Z","data":{"b":1.0,"a":"é"}}';
  const { body: event } = expectStatus(await api.ask('POST', `/v1/accounts/${account.id}/events`, text), 202);
  expect(event.deliveries).toEqual([]);
  const response = expectStatus(await poll(subscription.id), 200);
  expect(response.body).toMatchObject({
    iterator: expect.any(String),
    done: true,
    data: [{ id: event.id.replace('evt_', 'msg_'), eventType: 'user.created', timestamp: '2026-11-01T00:00:00.000Z' }],
  });
  expect(response.text).toContain(
    '"payload":{"type":"user.created","timestamp":"2026-11-01T00:00:00.000Z","data":{"b":1.0,"a":"é"}}',
  );
  const { body: list } = await api.ask('GET', `/v1/accounts/${account.id}/events`);
  expect(list.data).toMatchObject([{ id: event.id, messages: 1, deliveries: { open: 0 } }]);
  expect((await api.ask('GET', `/v1/accounts/${account.id}/events?undelivered=true`)).body.data).toEqual([]);
});

test('pages continue after a cursor, and others of the account get their own events', async () => {
  const { account, subscription } = await polled();
  const pushed = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, plainSubscription('standard'));
  expectStatus(pushed, 201);
  for (const n of [1, 2, 3]) expect((await emit(account.id, n)).body.deliveries).toHaveLength(1);
  await emit(account.id, 'other', 'invoice.paid');
  const first = await poll(subscription.id, 'limit=2');
  expect([dataOf(first), first.body.done]).toEqual([[1, 2], false]);
  const second = await poll(subscription.id, `limit=2&cursor=${first.body.iterator}`);
  expect([dataOf(second), second.body.done]).toEqual([[3], true]);
  const none = await poll(subscription.id, `cursor=${second.body.iterator}`);
  expect([dataOf(none), none.body.done, none.body.iterator]).toEqual([[], true, second.body.iterator]);
  await emit(account.id, 4);
  expect(dataOf(await poll(subscription.id, `cursor=${none.body.iterator}`))).toEqual([4]);
});

test('a page of large bodies ends at 4 MiB, and a test event is a message too', async () => {
  const { account, subscription } = await polled();
  for (let n = 0; n < 6; n += 1) expectStatus(await emit(account.id, 'x'.repeat(1_000_000)), 202);
  const first = await poll(subscription.id);
  expect([first.body.data.length, first.body.done]).toEqual([5, false]);
  expectStatus(await api.ask('POST', `/v1/subscriptions/${subscription.id}/test`), 202);
  const second = await poll(subscription.id, `cursor=${first.body.iterator}`);
  expect([second.body.data.length, second.body.done]).toEqual([2, true]);
});

describe('a consumer', () => {
  test('gets a page again until the next request commits it', async () => {
    const { account, subscription } = await polled();
    for (const n of [1, 2, 3]) await emit(account.id, n);
    const page = (query = '') => poll(subscription.id, `consumer=one&limit=2${query}`);
    const first = await page();
    expect(dataOf(first)).toEqual([1, 2]);
    expect(dataOf(await page())).toEqual([1, 2]);
    const second = await page(`&cursor=${first.body.iterator}`);
    expect(dataOf(second)).toEqual([3]);
    expect(dataOf(await page())).toEqual([3]);
    await page(`&cursor=${second.body.iterator}`);
    expect(dataOf(await page())).toEqual([]);
    // A late repetition of an older request does not move it back.
    expect(dataOf(await page(`&cursor=${first.body.iterator}`))).toEqual([3]);
    expect(dataOf(await page())).toEqual([]);
    expect(dataOf(await poll(subscription.id, 'consumer=two'))).toEqual([1, 2, 3]);
    const { body } = await api.ask('GET', `/v1/subscriptions/${subscription.id}/consumers`);
    expect(body.data).toMatchObject([
      { name: 'one', behind: 0, cursor: second.body.iterator },
      { name: 'two', behind: 3 },
    ]);
    expectStatus(await api.ask('DELETE', `/v1/subscriptions/${subscription.id}/consumers/one`), 204);
    expect(dataOf(await page())).toEqual([1, 2]);
  });

  test('is one of at most 100, also when they are created at the same time', async () => {
    const { subscription } = await polled();
    const responses = await Promise.all(Array.from({ length: 105 }, (_, n) => poll(subscription.id, `consumer=c${n}`)));
    const codes = responses.map(({ status, body }) => (status === 200 ? 'ok' : body.code));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(100);
    expect(codes.filter((code) => code === 'quota_exceeded')).toHaveLength(5);
  });
});

test('nothing is skipped when commits overlap and end in another sequence', async () => {
  const { account, subscription } = await polled();
  const { store } = api.database;
  const eventNow = (): NewEvent => ({
    event: { id: newId('evt'), type: 'user.created', occurredAt: new Date(), channels: [], text: '{}' },
    accountId: account.id,
    provider: 'standard',
    addressed: false,
    bodies: new Map([['', '{}']]),
    deliveries: [],
    messages: [{ subscriptionId: subscription.id, bodyVariant: '' }],
  });
  const read = async (after: number) =>
    readMessages(store, subscription.id, { after, limit: 250, maxBytes: 1_000_000 });
  const [older, newer] = [eventNow(), eventNow()];
  const [one, two] = [await store.pool.connect(), await store.pool.connect()];
  try {
    await one.query('BEGIN');
    await insertEvents(store, one, [older]);
    const second = insertEvents(store, two, [newer]);
    const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    await eventually(
      async () => (await store.pool.query(waiting)).rows.length,
      (count) => count > 0,
    );
    // The newer one must not be visible before the older one is.
    expect((await read(0)).messages).toEqual([]);
    await one.query('COMMIT');
    await second;
    expect((await read(0)).messages.map(({ eventId }) => eventId)).toEqual([older.event.id, newer.event.id]);
    // A position that is rolled back is used again.
    await one.query('BEGIN');
    await insertEvents(store, one, [eventNow()]);
    await one.query('ROLLBACK');
    const last = eventNow();
    await insertEvents(store, two, [last]);
    expect(await read(2)).toMatchObject({ position: 3, messages: [{ eventId: last.event.id }] });
  } finally {
    one.release();
    two.release();
  }
});

test('a reader beside many writers gets every message once', async () => {
  const { account, subscription } = await polled();
  const other = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    receivesBy: 'poll',
    eventTypes: ['user.created'],
  });
  const ids = [subscription.id, expectStatus(other, 201).body.id];
  const total = 200;
  const writers = Promise.all(
    Array.from({ length: 20 }, async (_, writer) => {
      for (let n = 0; n < total / 20; n += 1) expectStatus(await emit(account.id, `${writer}-${n}`), 202);
    }),
  );
  const readers = ids.map(async (id) => {
    const seen: unknown[] = [];
    for (let cursor = ''; seen.length < total;) {
      const response = expectStatus(await poll(id, `limit=7${cursor}`), 200);
      seen.push(...dataOf(response));
      cursor = `&cursor=${response.body.iterator}`;
    }
    return seen;
  });
  await writers;
  for (const seen of await Promise.all(readers)) expect(new Set(seen).size).toBe(total);
});

test('messages are deleted with their events, and a reader passes over them', async () => {
  const { account, subscription } = await polled();
  const { store } = api.database;
  await api.ask('PATCH', `/v1/accounts/${account.id}`, { retentionDays: 7 });
  const time = new Date(Date.now() - 30 * 86_400_000);
  await insertEvents(store, store.pool, [
    {
      event: { id: idAt('evt', time), type: 'user.created', occurredAt: time, channels: [], text: '"old"' },
      accountId: account.id,
      provider: 'standard',
      addressed: false,
      bodies: new Map([['', '{"data":"old"}']]),
      deliveries: [],
      messages: [{ subscriptionId: subscription.id, bodyVariant: '' }],
    },
  ]);
  await emit(account.id, 'new');
  expect(dataOf(await poll(subscription.id))).toEqual(['old', 'new']);
  expect(await deleteExpired(store, { days: 7, defaultDays: 90 }, new Date(), 100)).toBe(1);
  const { rows } = await store.pool.query('SELECT FROM messages WHERE subscription_id = $1', [subscription.id]);
  expect(rows).toHaveLength(1);
  expect(dataOf(await poll(subscription.id))).toEqual(['new']);
});

test('wrong requests say what to change', async () => {
  const { account, subscription } = await polled();
  await emit(account.id);
  const { body: page } = await poll(subscription.id);
  const other = (await polled()).subscription;
  for (const [field, query] of [
    ['cursor', 'cursor=x'],
    ['cursor', `cursor=${Buffer.from(`${subscription.id.slice(4)}.2`).toString('base64url')}`],
    ['limit', 'limit=251'],
    ['consumer', 'consumer=a%20b'],
    ['consumer', `consumer=${'x'.repeat(65)}`],
  ]) {
    const response = await poll(subscription.id, query);
    expect([query, response.status, paths(response)]).toEqual([query, 422, [field]]);
  }
  expect(paths(await poll(other.id, `cursor=${page.iterator}`))).toEqual(['cursor']);

  const edit = (body: object) => api.ask('PATCH', `/v1/subscriptions/${subscription.id}`, body);
  expect(paths(await edit({ receivesBy: 'push' }))).toEqual(['receivesBy']);
  expect(paths(await edit({ url: 'https://hooks.example.com' }))).toEqual(['url']);
  expectStatus(await edit({ description: 'mine', headers: { 'X-A': 'b' }, url: null }), 200);
  const create = (body: object) =>
    api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, { eventTypes: ['user.created'], ...body });
  for (const body of [{}, { url: null }, { url: 'https://hooks.example.com', receivesBy: 'poll' }])
    expect(paths(await create(body))).toEqual(['url']);
  const recover = { from: '2026-01-01T00:00:00Z', dryRun: true };
  const recovery = await api.ask('POST', `/v1/subscriptions/${subscription.id}/recover`, recover);
  expect([recovery.status, recovery.body.code]).toEqual([409, 'conflict']);
});

describe.each(samples)('of $provider', ({ provider }) => {
  test('a subscription with a URL is not polled', async () => {
    const { subscription } = await emitted(api.ask, provider);
    const response = await poll(subscription.id);
    expect([response.status, response.body.code]).toEqual([409, 'conflict']);
  });

  test('receivesBy is refused unless the contract has it', async () => {
    const account = await newAccount(api.ask, provider);
    const body = { ...plainSubscription(provider), url: undefined, receivesBy: 'poll' };
    const response = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
    if (provider === 'standard' || provider === 'postack') expectStatus(response, 201);
    else expect([response.status, paths(response).sort()]).toEqual([422, ['receivesBy', 'url']]);
  });
});

test('an account reads its own messages only', async () => {
  const [mine, other] = [await polled(), await polled()];
  await emit(mine.account.id, 'mine');
  const own = (id: string, path = 'poll', method = 'GET') =>
    api.ask(method, `/v1/subscriptions/${id}/${path}`, undefined, { authorization: `Bearer ${mine.account.apiKey}` });
  expect(dataOf(await own(mine.subscription.id))).toEqual(['mine']);
  expectStatus(await poll(other.subscription.id, 'consumer=one'), 200);
  for (const path of ['poll', 'poll?consumer=two', 'consumers'])
    expectStatus(await own(other.subscription.id, path), 404);
  expectStatus(await own(other.subscription.id, 'consumers/one', 'DELETE'), 404);
  const { body } = await api.ask('GET', `/v1/subscriptions/${other.subscription.id}/consumers`);
  expect(body.data).toMatchObject([{ name: 'one' }]);
});
