/** The store that every store function gets: a pool of connections to PostgreSQL, and the box that encrypts secrets. */
import { Pool, type PoolClient, type QueryConfig, type QueryResultRow } from 'pg';
import { errorCode } from '../lib/errors.js';
import type { DeliveryPolicy } from '../contract/delivery-policy.js';
import type { SecretBox } from './secret-box.js';

export interface Store {
  readonly pool: Pool;
  readonly box: SecretBox;
  /** Whether payloads are sealed when they are written (src/store/payloads.ts). */
  readonly sealsPayloads?: boolean;
  /** The installation's delivery policy; accounts are read with it. */
  readonly deliveryPolicy?: DeliveryPolicy;
}

/** A pool, or one connection of it inside a transaction. */
export type Queryable = Pick<PoolClient, 'query'>;

export interface StoreSettings {
  readonly databaseUrl: string;
  readonly box: SecretBox;
  /** Whether payloads are sealed when they are written. */
  readonly sealsPayloads?: boolean;
  /** The installation's delivery policy. */
  readonly deliveryPolicy?: DeliveryPolicy;
  /** Maximum number of connections. */
  readonly maxConnections?: number;
  /** How long a statement may take, in milliseconds; see {@link longQuery} for those that may take longer. */
  readonly queryTimeoutMs?: number;
  /** Called for errors of idle connections, which the pool replaces by itself. */
  readonly onIdleError?: (error: Error) => void;
}

/**
 * Query timeout in milliseconds: longer than any statement takes that uses an index, so that after it the database hangs or
 * is unreachable.
 */
const QUERY_TIMEOUT_MS = 10_000;
/** The same for statements that read many rows. */
const LONG_QUERY_TIMEOUT_MS = 120_000;

/**
 * Opens a store. Connections are opened on demand, with a timeout of 5 s. After a query timeout the connection is closed,
 * but the database may still execute the statement.
 */
export function openStore({
  databaseUrl,
  box,
  sealsPayloads = false,
  deliveryPolicy,
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
  // The pool handles errors of idle connections only. Those of connections in use are reported by the failing query, but
  // without a listener the error event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return { pool, box, sealsPayloads, ...(deliveryPolicy ? { deliveryPolicy } : {}) };
}

/** A statement that may take two minutes. */
export function longQuery(text: string, values: unknown[]): QueryConfig {
  // The driver also reads query_timeout from the query, but its types omit that.
  const query: QueryConfig & { query_timeout: number } = { text, values, query_timeout: LONG_QUERY_TIMEOUT_MS };
  return query;
}

/** Whether an error is the driver's query timeout. */
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

/** SQLSTATE of a row that a unique index refuses. */
const UNIQUE_VIOLATION = '23505';

/** Whether an error is the refusal of a row by this unique index. */
export function violatesUniqueIndex(error: unknown, index: string): boolean {
  return errorCode(error) === UNIQUE_VIOLATION && (error as { constraint?: unknown }).constraint === index;
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
    // A connection that timed out would not respond to ROLLBACK either; closing it rolls back as well.
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

/** Converts a row that was read as JSON, where bytes are hex text and times are ISO text. */
export function fromJson<Row extends { secrets: Buffer; created_at: Date }>(row: Row): Row {
  return {
    ...row,
    secrets: Buffer.from(String(row.secrets).slice('\\x'.length), 'hex'),
    created_at: new Date(row.created_at),
  };
}
