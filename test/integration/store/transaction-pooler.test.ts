/** A connection pooler in transaction mode is refused: in its place two connections take turns as PgBouncer's would. */
import { Pool, type PoolClient } from 'pg';
import { refuseTransactionPooler } from '../../../src/store/transaction-pooler.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** A pool as it is behind such a pooler: each transaction gets the server connection that was used last. */
function pooled(servers: PoolClient[]): Pick<Pool, 'connect'> {
  const connect = async () => {
    let held: PoolClient | undefined;
    const query = async (text: string, values?: unknown[]) => {
      const server = held ?? servers.pop()!;
      const result = await server.query(text, values);
      held = text === 'BEGIN' ? server : undefined;
      if (held === undefined) servers.push(server);
      return result;
    };
    return { query, release: () => undefined };
  };
  return { connect } as unknown as Pick<Pool, 'connect'>;
}

test('PostgreSQL itself is accepted, and no connection keeps a mark', async () => {
  await refuseTransactionPooler(database.store);
  const { rows } = await database.store.pool.query("SELECT current_setting('pigeonpost.session', true) AS mark");
  expect(rows[0].mark || null).toBeNull();
});

test('a pooler in transaction mode is refused with a line that says what to do', async () => {
  const pool = new Pool({ connectionString: database.url, max: 2 });
  const servers = [await pool.connect(), await pool.connect()];
  const refused = refuseTransactionPooler({ pool: pooled([...servers]) as Pool });
  await expect(refused).rejects.toThrow('a connection pooler that gives each transaction another connection');
  for (const server of servers) server.release(true);
  await pool.end();
});
