/** What every store function works on: a pool of connections to PostgreSQL and the box that keeps secrets. */
import { Pool, type PoolClient, type QueryConfig, type QueryResultRow } from 'pg';
import { errorCode } from '../lib/errors.js';
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
  /** How long a statement may take, in milliseconds; see {@link longQuery} for those that may take longer. */
  readonly queryTimeoutMs?: number;
  /** Called for errors of idle connections, which the pool replaces by itself. */
  readonly onIdleError?: (error: Error) => void;
}

/**
 * Longer than any statement takes that finds its rows by an index; what has no answer by then waits for a database that
 * stands still, or for one that is gone without a word. In milliseconds.
 */
const QUERY_TIMEOUT_MS = 10_000;
/** The same for statements that go through many rows. */
const LONG_QUERY_TIMEOUT_MS = 120_000;

/**
 * Opens a store. Connections are made when they are first needed and given up on after 5 s; one whose statement takes too
 * long is closed. The database may carry that statement out nevertheless.
 */
export function openStore({
  databaseUrl,
  box,
  maxConnections = 20,
  queryTimeoutMs = QUERY_TIMEOUT_MS,
  onIdleError,
}: StoreSettings): Store {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    query_timeout: queryTimeoutMs,
    application_name: 'pigeonpost',
  });
  pool.on('error', (error) => onIdleError?.(error));
  // The pool listens to idle connections only. That one broke while it was lent is told by the query that fails; without a
  // listener it would end the process, even before the borrower can listen.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return { pool, box };
}

/** A statement that may take two minutes. */
export function longQuery(text: string, values: unknown[]): QueryConfig {
  // The driver reads the field from the statement too, which its types leave out.
  const query: QueryConfig & { query_timeout: number } = { text, values, query_timeout: LONG_QUERY_TIMEOUT_MS };
  return query;
}

/** Whether an error says that a statement had no answer in time, in the driver's words. */
export function isQueryTimeout(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}

/**
 * Whether the database refuses the content of a row: SQLSTATE classes 22 (data) and 23 (constraints). A retry cannot
 * succeed.
 */
export function isRefused(error: unknown): boolean {
  return /^2[23]/.test(errorCode(error) ?? '');
}

/** Runs `work` in one transaction on one connection; rolls back and rethrows when it throws. */
export async function inTransaction<T>(
  store: Pick<Store, 'pool'>,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await store.pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // A connection that does not answer would not answer this either; closing it rolls back as well.
    if (isQueryTimeout(error)) broken = error;
    else await client.query('ROLLBACK').catch((rollbackError: Error) => (broken = rollbackError));
    throw error;
  } finally {
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
