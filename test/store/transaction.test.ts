import { inTransaction } from '../../src/store/store';
import { openTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('a connection that breaks in a transaction fails the transaction, not the process', async () => {
  const { store } = database;
  const work = inTransaction(store, async (client) => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const ended = new Promise((resolve) => client.once('end', resolve));
    await store.pool.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
    await ended;
    await client.query('SELECT 1');
  });
  await expect(work).rejects.toThrow(/connection/i);
  expect((await store.pool.query('SELECT 1')).rowCount).toBe(1);
});
