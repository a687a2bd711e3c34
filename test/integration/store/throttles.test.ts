/** What a migration makes of rows that were written before it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApiWithDatabase, type TestApi } from '../../support/api';
import type { TestDatabase } from '../../support/database';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const MIGRATION = join(__dirname, '../../../src/store/migrations/0010_throttles.sql');

test('a throttle that was only kept becomes the rate, unless there is one', async () => {
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'postack', name: 'Acme' })).body;
  const subscribe = async (fields: object): Promise<string> => {
    const body = { url: 'https://hooks.example.com/in', eventTypes: [], ...fields };
    return (await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body.id;
  };
  const throttled = await subscribe({ maxConcurrentAttempts: 3 });
  const rated = await subscribe({ ratePerSecond: 2 });
  const free = await subscribe({});
  const { pool } = api.database.store;
  await pool.query(`UPDATE subscriptions SET options = options || '{"rateLimit": 7}' WHERE id = ANY($1)`, [
    [throttled, rated],
  ]);
  await pool.query(await readFile(MIGRATION, 'utf8'));
  const limitsOf = async (id: string) => {
    const { rows } = await pool.query('SELECT limits, options FROM subscriptions WHERE id = $1', [id]);
    expect(rows[0].options).not.toHaveProperty('rateLimit');
    return rows[0].limits as unknown;
  };
  expect(await limitsOf(throttled)).toEqual({ maxConcurrentAttempts: 3, ratePerSecond: 7 });
  expect(await limitsOf(rated)).toEqual({ ratePerSecond: 2 });
  expect(await limitsOf(free)).toEqual({});
});
