/** Figures about the deliveries of a window, for whoever runs the installation or owns an account. */
import type { DeliveryState } from './deliveries.js';
import type { Store } from './store.js';
import type { WindowRows } from './window.js';

/** Deliveries whose latency is looked at, about; fifty of their attempts are then slower than the 99th percentile. */
const LATENCY_DELIVERIES = 5_000;
/** Above this many waiting deliveries they are no longer counted. */
const BACKLOG_AT_MOST = 100_000;
const WORST = 10;

/** How many deliveries were created in a bucket and are in a state now. */
export interface BucketCount {
  /** From 0, the oldest first. */
  readonly bucket: number;
  readonly state: DeliveryState;
  readonly count: number;
}

/** Counts a window by bucket and state; `bounds` are the lowest ids of the buckets, ascending. */
export async function countBuckets(
  store: Store,
  { source, values, share }: WindowRows,
  bounds: readonly string[],
): Promise<BucketCount[]> {
  const { rows } = await store.pool.query<BucketCount>(
    `SELECT width_bucket(d.id, $${values.length + 1}::text[] COLLATE "C") - 1 AS bucket, d.state,
            round(count(*) / ${share})::float8 AS count
     FROM ${source} GROUP BY 1, 2`,
    [...values, bounds],
  );
  return rows;
}

/** What became of a provider's deliveries. */
export interface ProviderCount {
  readonly provider: string;
  readonly deliveries: number;
  readonly delivered: number;
  readonly failed: number;
  readonly attempts: number;
}

export async function countProviders(store: Store, { source, values, share }: WindowRows): Promise<ProviderCount[]> {
  const { rows } = await store.pool.query<ProviderCount>(
    `SELECT d.provider, round(count(*) / ${share})::float8 AS deliveries,
            round(count(*) FILTER (WHERE d.state = 'delivered') / ${share})::float8 AS delivered,
            round(count(*) FILTER (WHERE d.state = 'failed') / ${share})::float8 AS failed,
            round(sum(d.attempts) / ${share})::float8 AS attempts
     FROM ${source} GROUP BY 1 ORDER BY 1`,
    [...values],
  );
  return rows;
}

/** How long attempts that were answered took, in milliseconds. */
export interface Latency {
  readonly provider: string;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/**
 * Latencies by provider, of some 5,000 deliveries picked at random. The attempts of each are one look-up in an index:
 * OFFSET 0 keeps PostgreSQL, which cannot know how few are picked, from reading all attempts there are.
 */
export async function latencies(store: Store, { source, values, rows: read }: WindowRows): Promise<Latency[]> {
  const share = Math.min(LATENCY_DELIVERIES / Math.max(read, 1), 1);
  const { rows } = await store.pool.query<{ provider: string; percentiles: number[] }>(
    `SELECT d.provider, percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY a.duration_ms) AS percentiles
     FROM (SELECT d.id, d.provider FROM ${source} AND random() < $${values.length + 1}) d
     CROSS JOIN LATERAL (
       SELECT duration_ms FROM attempts
       WHERE delivery_id = d.id AND outcome IN ('accepted', 'refused') OFFSET 0
     ) a
     GROUP BY 1`,
    [...values, share],
  );
  return rows.map(({ provider, percentiles: [p50Ms = 0, p95Ms = 0, p99Ms = 0] }) => ({
    provider,
    p50Ms,
    p95Ms,
    p99Ms,
  }));
}

/** A subscription and how its attempts went. */
export interface SubscriptionFigures {
  readonly subscriptionId: string;
  readonly accountId: string;
  readonly provider: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly attempts: number;
  readonly failures: number;
  readonly failureRate: number;
  readonly lastStatus: number | null;
  readonly lastReason: string | null;
}

/**
 * The ten subscriptions that are worst off, by failed attempts times their rate: neither one unlucky attempt nor sheer
 * volume counts for much. `lastStatus` and `lastReason` are of the newest delivery that is not well.
 */
export async function worstSubscriptions(
  store: Store,
  { source, values, share }: WindowRows,
): Promise<SubscriptionFigures[]> {
  const { rows } = await store.pool.query<SubscriptionFigures>(
    `WITH counted AS (
       SELECT d.subscription_id, sum(d.attempts) AS attempts,
              sum(d.attempts) - count(*) FILTER (WHERE d.state = 'delivered') AS failures,
              max(d.id) FILTER (WHERE d.last_reason IS NOT NULL) AS last_id
       FROM ${source} AND d.attempts > 0 GROUP BY 1
     ), worst AS (
       SELECT * FROM counted WHERE failures > 0
       ORDER BY failures::float8 * failures / attempts DESC, subscription_id LIMIT ${WORST}
     )
     SELECT s.id AS "subscriptionId", s.account_id AS "accountId", a.provider, s.url, s.enabled,
            s.disabled_reason AS "disabledReason", round(w.attempts / ${share})::float8 AS attempts,
            round(w.failures / ${share})::float8 AS failures, w.failures::float8 / w.attempts AS "failureRate",
            last.last_status AS "lastStatus", last.last_reason AS "lastReason"
     FROM worst w
     JOIN subscriptions s ON s.id = w.subscription_id AND s.deleted_at IS NULL
     JOIN accounts a ON a.id = s.account_id
     LEFT JOIN deliveries last ON last.id = w.last_id
     ORDER BY w.failures::float8 * w.failures / w.attempts DESC, s.id`,
    [...values],
  );
  return rows;
}

/** What waits for an attempt now. */
export interface Backlog {
  readonly waiting: number;
  /** Whether there are more, which were not counted. */
  readonly more: boolean;
  /** Of those that were counted; null when nothing waits. */
  readonly oldestId: string | null;
}

/** Counts what is pending or retrying, by the index of open deliveries, which finished ones have left. */
export async function countBacklog(store: Store, accountId: string | undefined): Promise<Backlog> {
  const ofAccount =
    accountId === undefined ? '' : 'AND subscription_id IN (SELECT id FROM subscriptions WHERE account_id = $1)';
  const { rows } = await store.pool.query<{ waiting: number; oldestId: string | null }>(
    `SELECT count(*)::int AS waiting, min(id) AS "oldestId" FROM (
       SELECT id FROM deliveries WHERE state IN ('pending', 'retrying') ${ofAccount} LIMIT ${BACKLOG_AT_MOST + 1}
     ) open`,
    accountId === undefined ? [] : [accountId],
  );
  const { waiting, oldestId } = rows[0]!;
  return { waiting: Math.min(waiting, BACKLOG_AT_MOST), more: waiting > BACKLOG_AT_MOST, oldestId };
}
