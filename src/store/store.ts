/** What every store function works on: a pool of connections to PostgreSQL and the box that keeps secrets. */
import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import type { SecretBox } from './secret-box.js';

export interface Store {
  readonly pool: Pool;
  readonly box: SecretBox;
}

/** A pool, or one connection of it inside a transaction. */
export type Queryable = Pick<PoolClient, 'query'>;

export interface StoreSettings {
  readonly databaseUrl: string;
  readonly box: SecretBox;
  /** Connections at most. */
  readonly maxConnections?: number;
  /** Called for errors of idle connections, which the pool replaces by itself. */
  readonly onIdleError?: (error: Error) => void;
}

/** Opens a store. Connections are made when they are first needed and given up on after 5 s. */
export function openStore({ databaseUrl, box, maxConnections = 20, onIdleError }: StoreSettings): Store {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    application_name: 'pigeonpost',
  });
  pool.on('error', (error) => onIdleError?.(error));
  return { pool, box };
}

/** Runs `work` in one transaction on one connection; rolls back and rethrows when it throws. */
export async function inTransaction<T>(
  store: Pick<Store, 'pool'>,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await store.pool.connect();
  let broken: Error | undefined;
  // The pool listens to idle connections only. That this one broke is told by the query that fails; without a listener
  // it would end the process.
  const onError = (error: Error): void => void (broken = error);
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => (broken = rollbackError));
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** The only row of a result, or undefined. */
export function onlyRow<Row extends QueryResultRow>(result: { rows: Row[] }): Row | undefined {
  return result.rows[0];
}

/** A row that travelled as JSON: bytes are hex text there and times ISO text. */
export function fromJson<Row extends { secrets: Buffer; created_at: Date }>(row: Row): Row {
  return {
    ...row,
    secrets: Buffer.from(String(row.secrets).slice('\\x'.length), 'hex'),
    created_at: new Date(row.created_at),
  };
}
