/** What is kept of accounts for those who emit, and that every change is heard of. */
import pino from 'pino';
import { keepingDirectory, plainDirectory, type Directory } from '../../src/store/directory';
import { startApiWithDatabase } from '../support/api';
import { eventually } from '../support/eventually';
import { emitExample } from '../support/subscriptions';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let directory: Directory;
beforeAll(async () => {
  api = await startApiWithDatabase();
  directory = keepingDirectory(api.database.store, api.database.url, pino({ level: 'silent' }));
});
afterAll(async () => {
  await directory.close();
  await api.close();
});

const queries = () => jest.spyOn(api.database.store.pool, 'query');
afterEach(() => jest.restoreAllMocks());

/** An account with one subscription, which is kept from now on. */
async function kept() {
  const emitted = await emitExample(api.ask, 'standard', 'user.created');
  await eventually(
    async () => {
      await directory.find(emitted.accountId);
      const asked = queries();
      await directory.find(emitted.accountId);
      const times = asked.mock.calls.length;
      asked.mockRestore();
      return times;
    },
    (times) => times === 0,
  );
  return emitted;
}

const subscriptionsOf = async (accountId: string) => (await directory.find(accountId))?.subscriptions.length;
const until = (accountId: string, count: number | undefined) =>
  eventually(
    () => subscriptionsOf(accountId),
    (found) => found === count,
  );

test('asks the database once', async () => {
  const { accountId } = await kept();
  const asked = queries();
  const entries = await Promise.all(Array.from({ length: 50 }, () => directory.find(accountId)));
  expect(new Set(entries).size).toBe(1);
  expect(asked).not.toHaveBeenCalled();
});

test('hears of subscriptions that are added, edited and deleted, by whomever', async () => {
  const { accountId, subscriptionId } = await kept();
  const fields = { url: 'https://hooks.example.com/2', eventTypes: ['user.created'] };
  await api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, fields);
  await until(accountId, 2);
  await api.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: false });
  await until(accountId, 1);
  await api.database.store.pool.query('UPDATE subscriptions SET enabled = true WHERE id = $1', [subscriptionId]);
  await until(accountId, 2);
  await api.ask('DELETE', `/v1/subscriptions/${subscriptionId}`);
  await until(accountId, 1);
});

test('hears of accounts that change and of those that go', async () => {
  const { accountId } = await kept();
  await api.ask('PATCH', `/v1/accounts/${accountId}`, { dispatchWeight: 7 });
  await eventually(
    async () => (await directory.find(accountId))?.account.dispatchWeight,
    (weight) => weight === 7,
  );
  await api.ask('DELETE', `/v1/accounts/${accountId}`);
  await until(accountId, undefined);
});

test('a failing receiver is nothing that it forgets an account for', async () => {
  const { accountId, subscriptionId } = await kept();
  const before = await directory.find(accountId);
  const failing = JSON.stringify({ since: new Date(), lastAt: new Date(), attempts: 1, spanSince: new Date() });
  await api.database.store.pool.query('UPDATE subscriptions SET failing = $2 WHERE id = $1', [subscriptionId, failing]);
  // Another account's change comes after it on the same connection.
  const other = await kept();
  await api.ask('PATCH', `/v1/accounts/${other.accountId}`, { dispatchWeight: 2 });
  await eventually(
    async () => (await directory.find(other.accountId))?.account.dispatchWeight,
    (weight) => weight === 2,
  );
  expect(await directory.find(accountId)).toBe(before);
});

test('forgets at once what the own process has changed', async () => {
  const { accountId } = await kept();
  const before = await directory.find(accountId);
  directory.forget(accountId);
  expect(await directory.find(accountId)).not.toBe(before);
});

test('keeps nothing while it cannot listen, and listens again', async () => {
  const { accountId } = await kept();
  const before = await directory.find(accountId);
  await api.database.store.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pigeonpost directory'
       AND datname = current_database()`,
  );
  await eventually(
    () => directory.find(accountId),
    (entry) => entry !== before,
  );
  await eventually(
    async () => (await directory.find(accountId)) === (await directory.find(accountId)),
    (same) => same,
  );
});

test('what the database cannot answer is asked again', async () => {
  const { accountId } = await kept();
  directory.forget(accountId);
  queries().mockImplementationOnce(() => {
    throw new Error('away');
  });
  await expect(directory.find(accountId)).rejects.toThrow('away');
  expect(await subscriptionsOf(accountId)).toBe(1);
});

test('a plain one asks each time', async () => {
  const { accountId } = await kept();
  const plain = plainDirectory(api.database.store);
  expect(await plain.find(accountId)).not.toBe(await plain.find(accountId));
  expect(await plain.find('acc_none')).toBeUndefined();
});
