import { randomBytes } from 'node:crypto';
import { createSecretBox } from '../../../src/store/secret-box.js';
import { inTransaction, longQuery, openStore } from '../../../src/store/store.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('fails the transaction and not the process when its connection breaks', async () => {
  const { store } = database;
  const errors: unknown[] = [];
  const work = inTransaction(store, async (client) => {
    // Stands for the process, which an error event without a listener would end.
    const emit = client.emit.bind(client);
    client.emit = (name: string, ...args: unknown[]) => {
      if (name === 'error' && client.listenerCount('error') === 0) return errors.push(args[0]) > 0;
      return emit(name as never, ...(args as never[]));
    };
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const [{ pid }] = rows as [{ pid: number }];
    await store.pool.query('SELECT pg_terminate_backend($1)', [pid]);
    await eventually(
      async () => (await store.pool.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount,
      (count) => count === 0,
    );
    await client.query('SELECT 1');
  });
  await expect(work).rejects.toThrow(/connection/i);
  expect(errors).toEqual([]);
  expect((await store.pool.query('SELECT 1')).rowCount).toBe(1);
});

test('handles a connection that breaks before its caller listens', async () => {
  const client = await database.store.pool.connect();
  const gone = new Error('terminating connection due to administrator command');
  // Without a listener this would throw here, and end a process.
  expect(client.emit('error', gone)).toBe(true);
  client.release(gone);
});

describe('a database that does not respond', () => {
  /** Far longer than the query timeout of these stores. */
  const SLEEP = 'SELECT pg_sleep(600)';
  const impatient = () =>
    openStore({
      databaseUrl: database.url,
      box: createSecretBox([randomBytes(32)]),
      maxConnections: 1,
      queryTimeoutMs: 50,
    });

  test('lets a statement time out, and its connection is not used again', async () => {
    const store = impatient();
    await expect(store.pool.query(SLEEP)).rejects.toThrow('Query read timeout');
    expect((await store.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await store.pool.end();
  });

  test('lets a transaction and its ROLLBACK time out', async () => {
    const store = impatient();
    const work = inTransaction(store, (client) => client.query(SLEEP));
    await expect(work).rejects.toThrow('Query read timeout');
    expect((await store.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await store.pool.end();
  });

  test('has a longer timeout for statements that read many rows', async () => {
    const store = impatient();
    const { rows } = await store.pool.query(longQuery('SELECT $1::int AS one FROM pg_sleep(0.2)', [1]));
    expect(rows).toEqual([{ one: 1 }]);
    await store.pool.end();
  });
});
