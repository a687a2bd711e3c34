/** The deliveries of a time window, all of them or a sample, so that the cost of reports is limited. */
import type { Store } from '../store.js';

const LIMITS = {
  /** Above this many deliveries a window is sampled. */
  maxCounted: 200_000,
  /** Approximate number of rows that a sample reads. */
  sampledRows: 400_000,
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
 * Prepares to read a window. Up to 200,000 deliveries are all read, by a range of the primary key or of the index by account
 * or subscription and id. A larger window is sampled: PostgreSQL reads random pages with about 400,000 rows of the table, so that the cost
 * stops growing with the table. Of ten million rows that is one in 25; a window of 200,000 then yields 8,000 rows, whose
 * shares are accurate to about 1 %.
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
  const share = Math.min(sampledRows / Math.max(await tableRows(store), counted), 1);
  const sample = `TABLESAMPLE SYSTEM (${share * 100}) REPEATABLE (1)`;
  return { source: `deliveries d ${sample} ${where}`, values, rows: sampledRows, share };
}

/** PostgreSQL's last estimate of the number of deliveries, over all partitions. */
async function tableRows(store: Store): Promise<number> {
  const { rows } = await store.pool.query<{ estimate: number }>(
    `SELECT coalesce(sum(greatest(reltuples, 0)), 0)::float8 AS estimate FROM pg_class
     WHERE relkind = 'r' AND (oid = 'deliveries'::regclass
       OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'deliveries'::regclass))`,
  );
  return rows[0]!.estimate;
}
