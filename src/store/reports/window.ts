/** Deliveries of a stretch of time, all of them or a sample: what figures are made of, at a cost that has a bound. */
import type { Store } from '../store.js';

const LIMITS = {
  /** Above this many deliveries a window is sampled. */
  maxCounted: 200_000,
  /** How many rows of the table a sample reads, about. */
  sampledRows: 400_000,
};

/** Which deliveries figures are about; ids bound their time. */
export interface Window {
  readonly fromId: string;
  /** Ids before this one. */
  readonly beforeId: string;
  readonly accountId?: string;
}

/** A window that is ready to be read. */
export interface WindowRows {
  /** Text of a FROM and WHERE over `deliveries d`; its parameters come first. */
  readonly source: string;
  readonly values: readonly unknown[];
  /** How many rows are read, about. */
  readonly rows: number;
  /** Which share of the deliveries the rows are; 1 when they are all. */
  readonly share: number;
}

/**
 * Prepares to read a window. Up to 200,000 deliveries are read each, by a range of the primary key or of the index by
 * account and id. More are sampled: PostgreSQL reads whole pages at random, as many as hold some 400,000 rows of the
 * table, so that the cost stops growing with the table. Of ten million rows that is one in 25; a window of 200,000 then
 * yields 8,000 rows, whose shares are right to about one in a hundred.
 */
export async function openWindow(
  store: Store,
  { fromId, beforeId, accountId }: Window,
  { maxCounted: countedAtMost, sampledRows } = LIMITS,
): Promise<WindowRows> {
  const values = accountId === undefined ? [fromId, beforeId] : [fromId, beforeId, accountId];
  const where = `WHERE d.id >= $1 AND d.id < $2${accountId === undefined ? '' : ' AND d.account_id = $3'}`;
  const { rows } = await store.pool.query<{ rows: number }>(
    `SELECT count(*)::int AS rows FROM (SELECT FROM deliveries d ${where} LIMIT ${countedAtMost + 1}) counted`,
    values,
  );
  const counted = rows[0]!.rows;
  if (counted <= countedAtMost) return { source: `deliveries d ${where}`, values, rows: counted, share: 1 };
  const share = Math.min(sampledRows / Math.max(await tableRows(store), counted), 1);
  const sample = `TABLESAMPLE SYSTEM (${share * 100}) REPEATABLE (1)`;
  return { source: `deliveries d ${sample} ${where}`, values, rows: sampledRows, share };
}

/** How many deliveries there are, as PostgreSQL last estimated; over all partitions where there are such. */
async function tableRows(store: Store): Promise<number> {
  const { rows } = await store.pool.query<{ estimate: number }>(
    `SELECT coalesce(sum(greatest(reltuples, 0)), 0)::float8 AS estimate FROM pg_class
     WHERE relkind = 'r' AND (oid = 'deliveries'::regclass
       OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'deliveries'::regclass))`,
  );
  return rows[0]!.estimate;
}
