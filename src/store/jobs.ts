/** Jobs: one command for many deliveries, with its progress. */
import { newId } from '../contract/ids.js';
import type { JobAction, JobProgress, JobState } from '../workflows/job-types.js';
import type { BulkFilter } from './deliveries/bulk.js';
import { onlyRow, type Queryable, type Store } from './store.js';

/** Which deliveries a job is for; `beforeId` excludes those that are created after it. */
export type JobFilter = Omit<BulkFilter, 'afterId'> & { readonly beforeId: string };

/** What starts a job. */
export interface NewJob {
  /** The account whose key starts it; null for an operator. */
  readonly accountId: string | null;
  readonly action: JobAction;
  readonly filter: JobFilter;
  /** Shown with deliveries that are paused or cancelled. */
  readonly reason: string;
  readonly ratePerSecond: number;
}

export interface StoredJob extends NewJob, JobProgress {
  readonly id: string;
  readonly state: JobState;
  /** The last delivery that is counted as done or skipped; empty at the start. */
  readonly afterId: string;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

const COLUMNS = `id, account_id AS "accountId", action, filter, reason, rate_per_second AS "ratePerSecond", state, total,
  done, skipped, after_id AS "afterId", created_at AS "createdAt", ended_at AS "endedAt"`;
const IS_OPEN = `state IN ('running', 'paused')`;

/**
 * Inserts a job in a transaction. Undefined when the account, or for null all operators together, has `maxOpen` jobs that
 * have not ended.
 */
export async function insertJob(client: Queryable, job: NewJob, maxOpen: number): Promise<StoredJob | undefined> {
  const { accountId, action, filter, reason, ratePerSecond } = job;
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`jobs ${accountId ?? ''}`]);
  const result = await client.query<StoredJob>(
    `INSERT INTO jobs (id, account_id, action, filter, reason, rate_per_second)
     SELECT $1, $2, $3, $4, $5, $6
     WHERE (SELECT count(*) FROM jobs WHERE account_id IS NOT DISTINCT FROM $2 AND ${IS_OPEN}) < $7
     RETURNING ${COLUMNS}`,
    [newId('job'), accountId, action, JSON.stringify(filter), reason, ratePerSecond, maxOpen],
  );
  return onlyRow(result);
}

export async function findJob(store: Store, id: string): Promise<StoredJob | undefined> {
  return onlyRow(await store.pool.query<StoredJob>(`SELECT ${COLUMNS} FROM jobs WHERE id = $1`, [id]));
}

/** Jobs, the newest first: those of an account, or all. */
export async function listJobs(
  store: Store,
  { accountId, before, limit }: { accountId?: string | undefined; before?: string | undefined; limit: number },
): Promise<StoredJob[]> {
  const { rows } = await store.pool.query<StoredJob>(
    `SELECT ${COLUMNS} FROM jobs
     WHERE ($1::text IS NULL OR account_id = $1) AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [accountId ?? null, before ?? null, limit],
  );
  return rows;
}

/** Changes state and rate of a job that has not ended; undefined when it has. */
export async function changeJob(
  store: Store,
  id: string,
  { state, ratePerSecond }: { readonly state: 'running' | 'paused' | 'cancelled'; readonly ratePerSecond?: number },
): Promise<StoredJob | undefined> {
  const result = await store.pool.query<StoredJob>(
    `UPDATE jobs SET state = $2, rate_per_second = coalesce($3, rate_per_second),
       ended_at = CASE WHEN $2 = 'cancelled' THEN now() END
     WHERE id = $1 AND ${IS_OPEN} RETURNING ${COLUMNS}`,
    [id, state, ratePerSecond ?? null],
  );
  return onlyRow(result);
}

/** Records how many deliveries a job has, unless that is recorded. */
export async function recordTotal(store: Store, id: string, total: number): Promise<void> {
  await store.pool.query('UPDATE jobs SET total = $2 WHERE id = $1 AND total IS NULL', [id, total]);
}

/** The result of a page. */
export interface PageResult {
  readonly jobId: string;
  /** The positions before and after the page. */
  readonly afterId: string;
  readonly lastId: string;
  readonly isLast: boolean;
  readonly done: number;
  readonly skipped: number;
}

/**
 * Adds the result of a page to a job; ignored when it was added before. After the last page the job is completed, and what
 * was counted and not found again is skipped.
 */
export async function recordPage(store: Store, page: PageResult): Promise<void> {
  const { jobId, afterId, lastId, isLast, done, skipped } = page;
  await store.pool.query(
    `UPDATE jobs SET after_id = $3, done = done + $5,
       skipped = CASE WHEN $4 THEN greatest(coalesce(total, 0) - done - $5, skipped + $6) ELSE skipped + $6 END,
       state = CASE WHEN $4 AND ${IS_OPEN} THEN 'completed' ELSE state END,
       ended_at = CASE WHEN $4 AND ${IS_OPEN} THEN now() ELSE ended_at END
     WHERE id = $1 AND after_id = $2 AND state <> 'completed'`,
    [jobId, afterId, lastId, isLast, done, skipped],
  );
}

/** Jobs that have not ended, after an id. */
export async function openJobs(
  store: Store,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<StoredJob[]> {
  const { rows } = await store.pool.query<StoredJob>(
    `SELECT ${COLUMNS} FROM jobs WHERE ${IS_OPEN} AND id > $1 ORDER BY id LIMIT $2`,
    [after, limit],
  );
  return rows;
}

/** Deletes jobs that ended before so many days. */
export async function deleteEndedJobs(store: Store, days: number): Promise<void> {
  await store.pool.query('DELETE FROM jobs WHERE ended_at < now() - make_interval(days => $1)', [days]);
}
