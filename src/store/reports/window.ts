/** The deliveries of a time window, all of them or a sample, so that the cost of reports is limited. */
import { idTime } from '../../contract/ids.js';
import { listPartitions } from '../partitions.js';
import type { Store } from '../store.js';

const LIMITS = {
  /** Above this many deliveries a window is sampled. */
  maxCounted: 50_000,
  /** Approximate number of rows that a sample reads. */
  sampledRows: 60_000,
};

/** The deliveries of a report. A range of ids is a range of creation times. */
export interface Window {
  readonly fromId: string;
  /** Ids before this one. */
  readonly beforeId: string;
  readonly accountId?: string | undefined;
  readonly provider?: string | undefined;
  readonly subscriptionId?: string | undefined;
}

/** A window that can be read. */
export interface WindowRows {
  /** SQL of the FROM and WHERE over `deliveries d`; its parameters are the first ones. */
  readonly source: string;
  readonly values: readonly unknown[];
  /** Approximate number of rows that are read. */
  readonly rows: number;
  /** The share of the deliveries that are read; 1 when all are. */
  readonly share: number;
}

/**
 * Prepares to read a window. Up to 50,000 deliveries are all read, by a range of the primary key or of the index by account
 * or subscription and id. A larger window is sampled: PostgreSQL reads random pages with about 60,000 rows of the weeks that
 * it touches, so that the cost stops growing with the table. Of ten million rows that is one in 170; an account with
 * 100,000 of them then yields 600 rows, whose shares are accurate to about 4 %.
 */
export async function openWindow(
  store: Store,
  { fromId, beforeId, accountId, provider, subscriptionId }: Window,
  { maxCounted, sampledRows } = LIMITS,
): Promise<WindowRows> {
  const values: string[] = [];
  const conditions: string[] = [];
  const add = (condition: string, value: string | undefined): void => {
    if (value !== undefined) conditions.push(`${condition} $${values.push(value)}`);
  };
  add('d.id >=', fromId);
  add('d.id <', beforeId);
  add('d.account_id =', accountId);
  add('d.subscription_id =', subscriptionId);
  add('d.provider =', provider);
  const where = `WHERE ${conditions.join(' AND ')}`;
  const { rows } = await store.pool.query<{ rows: number }>(
    `SELECT count(*)::int AS rows FROM (SELECT FROM deliveries d ${where} LIMIT ${maxCounted + 1}) counted`,
    values,
  );
  const counted = rows[0]!.rows;
  if (counted <= maxCounted) return { source: `deliveries d ${where}`, values, rows: counted, share: 1 };
  const share = Math.min(sampledRows / Math.max(await rowsBetween(store, fromId, beforeId), counted), 1);
  const sample = `TABLESAMPLE SYSTEM (${share * 100}) REPEATABLE (1)`;
  return { source: `deliveries d ${sample} ${where}`, values, rows: sampledRows, share };
}

/** PostgreSQL's last estimate of the number of deliveries in the partitions of a range of ids, and in the default one. */
async function rowsBetween(store: Store, fromId: string, beforeId: string): Promise<number> {
  const partitions = await listPartitions(store.pool);
  const [from, before] = [idTime(fromId), idTime(beforeId)];
  const outside = partitions.filter(
    (partition) => partition.until <= from || (partition.from && partition.from >= before),
  );
  const { rows } = await store.pool.query<{ estimate: number }>(
    `SELECT coalesce(sum(greatest(reltuples, 0)), 0)::float8 AS estimate FROM pg_class
     JOIN pg_inherits ON inhrelid = pg_class.oid
     WHERE inhparent = 'deliveries'::regclass AND relname <> ALL($1)`,
    [outside.map(({ name }) => name)],
  );
  return rows[0]!.estimate;
}
