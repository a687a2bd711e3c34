/** The cache of accounts, and which changes give them a new version. */
import { createSubscriptionCache, loadEntry } from '../../../../src/store/subscriptions/subscription-cache.js';
import { startApiWithDatabase } from '../../../support/api.js';
import { emitExample } from '../../../support/subscriptions.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());
afterEach(() => jest.restoreAllMocks());

const store = () => api.database.store;
const account = () => emitExample(api.ask, 'standard', 'user.created');
const versionOf = async (accountId: string) => (await loadEntry(store(), accountId))?.version;

test('queries the database once when many requests need an account', async () => {
  const { accountId } = await account();
  const cache = createSubscriptionCache(store());
  const asked = jest.spyOn(store().pool, 'query');
  const entries = await Promise.all(Array.from({ length: 50 }, () => cache.find(accountId)));
  expect(new Set([...entries, await cache.find(accountId)]).size).toBe(1);
  expect(asked).toHaveBeenCalledTimes(1);
});

test('contains the account and its subscriptions as stored, including disabled ones', async () => {
  const { accountId, subscriptionId } = await account();
  await api.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: false, headers: { 'x-a': 'b' } });
  const entry = await createSubscriptionCache(store()).find(accountId);
  expect(entry?.account).toMatchObject({ id: accountId, provider: 'standard', createdAt: expect.any(Date) });
  expect(entry?.subscriptions).toMatchObject([
    { id: subscriptionId, enabled: false, headers: { 'x-a': 'b' }, updatedAt: expect.any(Date) },
  ]);
});

test('loads an account again after its entry was dropped, and does not drop a newer entry', async () => {
  const { accountId } = await account();
  const cache = createSubscriptionCache(store());
  const former = (await cache.find(accountId))!;
  cache.drop(former);
  const entry = await cache.find(accountId);
  expect(entry).not.toBe(former);
  cache.drop(former);
  expect(await cache.find(accountId)).toBe(entry);
});

test('drops the least recently used entries beyond the maximum', async () => {
  const [first, second, third] = [await account(), await account(), await account()];
  const cache = createSubscriptionCache(store(), 4);
  const kept = await cache.find(first.accountId);
  const dropped = await cache.find(second.accountId);
  await cache.find(first.accountId);
  await cache.find(third.accountId);
  expect(await cache.find(first.accountId)).toBe(kept);
  expect(await cache.find(second.accountId)).not.toBe(dropped);
});

test('queries again after a database error, and for an account that does not exist', async () => {
  const { accountId } = await account();
  const cache = createSubscriptionCache(store());
  jest.spyOn(store().pool, 'query').mockImplementationOnce(() => {
    throw new Error('away');
  });
  await expect(cache.find(accountId)).rejects.toThrow('away');
  expect(await cache.find(accountId)).toBeDefined();
  expect(await cache.find('acc_none')).toBeUndefined();
});

describe('the version of an account', () => {
  const fields = { url: 'https://hooks.example.com/2', eventTypes: ['user.created'] };
  test.each<[string, (of: { accountId: string; subscriptionId: string }) => Promise<unknown>]>([
    ['a new subscription', ({ accountId }) => api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, fields)],
    ['an edit', ({ subscriptionId }) => api.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: false })],
    ['a rotated secret', ({ subscriptionId }) => api.ask('POST', `/v1/subscriptions/${subscriptionId}/rotate-secret`)],
    ['a deletion', ({ subscriptionId }) => api.ask('DELETE', `/v1/subscriptions/${subscriptionId}`)],
    ['an edit of the account', ({ accountId }) => api.ask('PATCH', `/v1/accounts/${accountId}`, { name: 'Other' })],
    [
      'a change by whatever statement',
      ({ subscriptionId }) =>
        store().pool.query('UPDATE subscriptions SET event_types = $2 WHERE id = $1', [subscriptionId, ['a']]),
    ],
    ['its deletion', ({ accountId }) => api.ask('DELETE', `/v1/accounts/${accountId}`)],
  ])('changes with %s', async (_, change) => {
    const owner = await account();
    const before = await versionOf(owner.accountId);
    await change(owner);
    expect(await versionOf(owner.accountId)).not.toBe(before);
  });

  test('does not change when attempts fail, or when another account changes', async () => {
    const { accountId, subscriptionId } = await account();
    const before = await versionOf(accountId);
    await store().pool.query('UPDATE subscriptions SET failing = $2 WHERE id = $1', [
      subscriptionId,
      '{"attempts": 1}',
    ]);
    await account();
    expect(await versionOf(accountId)).toBe(before);
    await store().pool.query('UPDATE subscriptions SET failing = NULL WHERE id = $1', [subscriptionId]);
  });

  test('is locked last, so that transactions with a different lock sequence do not deadlock', async () => {
    const { accountId, subscriptionId } = await account();
    const [one, other] = [await store().pool.connect(), await store().pool.connect()];
    await one.query('BEGIN');
    await other.query('BEGIN');
    await one.query('UPDATE subscriptions SET enabled = enabled WHERE id = $1', [subscriptionId]);
    await other.query(`UPDATE accounts SET name = 'Other' WHERE id = $1`, [accountId]);
    const waiting = other.query('UPDATE subscriptions SET enabled = enabled WHERE id = $1', [subscriptionId]);
    await one.query('COMMIT');
    await waiting;
    await other.query('COMMIT');
    one.release();
    other.release();
  });
});
