import { randomBytes } from 'node:crypto';
import { createSecretBox } from '../../../src/store/secret-box';
import { inTransaction, longQuery, openStore } from '../../../src/store/store';
import { openTestDatabase, type TestDatabase } from '../../support/database';
import { eventually } from '../../support/eventually';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('a connection that breaks in a transaction fails the transaction, not the process', async () => {
  const { store } = database;
  const errors: unknown[] = [];
  const work = inTransaction(store, async (client) => {
    // Stands for the process: what nobody listens to would end it.
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

test('a connection may break before its borrower can listen', async () => {
  const client = await database.store.pool.connect();
  const gone = new Error('terminating connection due to administrator command');
  // Would throw here, and end the process elsewhere, were there no listener.
  expect(client.emit('error', gone)).toBe(true);
  client.release(gone);
});

describe('a database that does not answer', () => {
  /** Far longer than the time limit of these stores. */
  const SLEEP = 'SELECT pg_sleep(600)';
  const impatient = () =>
    openStore({
      databaseUrl: database.url,
      box: createSecretBox([randomBytes(32)]),
      maxConnections: 1,
      queryTimeoutMs: 50,
    });

  test('keeps no statement waiting, and its connection is not used again', async () => {
    const store = impatient();
    await expect(store.pool.query(SLEEP)).rejects.toThrow('Query read timeout');
    expect((await store.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await store.pool.end();
  });

  test('keeps no transaction waiting, nor its end', async () => {
    const store = impatient();
    const work = inTransaction(store, (client) => client.query(SLEEP));
    await expect(work).rejects.toThrow('Query read timeout');
    expect((await store.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await store.pool.end();
  });

  test('may take longer for a statement that goes through many rows', async () => {
    const store = impatient();
    const { rows } = await store.pool.query(longQuery('SELECT $1::int AS one FROM pg_sleep(0.2)', [1]));
    expect(rows).toEqual([{ one: 1 }]);
    await store.pool.end();
  });
});
