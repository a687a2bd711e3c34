/** Figures about the deliveries of a time window, for operators and account owners. */
import type { DeliveryState } from '../deliveries/deliveries.js';
import type { Store } from '../store.js';
import { MAX_LISTED, type SubscriptionCount } from './groups.js';
import type { Window, WindowRows } from './window.js';

/** Approximate number of deliveries whose attempts are read; fifty of them are slower than the 99th percentile. */
const SAMPLED_DELIVERIES = 5_000;
/** Above this many waiting deliveries they are no longer counted. */
const MAX_BACKLOG = 100_000;

/** What a report is about: everything, or an account, a subscription, a provider. */
export type ReportScope = Pick<Window, 'accountId' | 'subscriptionId' | 'provider'>;

/** SQL conditions of a scope, each after AND, and all values of the statement. */
function scopeConditions(
  scope: ReportScope,
  before: readonly unknown[],
  conditions: Readonly<Record<keyof ReportScope, string>>,
): { readonly where: string; readonly values: unknown[] } {
  const values = [...before];
  const where = (['accountId', 'subscriptionId', 'provider'] as const)
    .filter((name) => scope[name] !== undefined)
    .map((name) => `AND ${conditions[name].replace('?', `$${values.push(scope[name])}`)}`)
    .join(' ');
  return { where, values };
}

/** Number of deliveries that were created in a bucket, by their present state. */
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

/** The attempts of a provider or of a bucket, for a sample of deliveries. */
export interface AttemptSample {
  /** Null for those of a bucket. */
  readonly provider: string | null;
  /** From 0, the oldest first; null for those of a provider. */
  readonly bucket: number | null;
  readonly attempts: number;
  readonly accepted: number;
  /** Attempts that were the first of their delivery. */
  readonly firstAttempts: number;
  readonly firstAccepted: number;
  /** Durations of attempts with a response, in milliseconds; null when there are none. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/**
 * Attempts by provider, and by the bucket in which their delivery was created, of about 5,000 deliveries, the same ones each
 * time, without interrupted attempts. OFFSET 0 makes the attempts of each delivery one index look-up; PostgreSQL cannot
 * estimate the small sample and would read all attempts.
 */
export async function sampleAttempts(
  store: Store,
  { source, values, rows: read }: WindowRows,
  bounds: readonly string[],
): Promise<AttemptSample[]> {
  const share = Math.min(SAMPLED_DELIVERIES / Math.max(read, 1), 1);
  const { rows } = await store.pool.query<AttemptSample>(
    `SELECT provider, bucket, attempts, accepted, "firstAttempts", "firstAccepted",
            took[1] AS "p50Ms", took[2] AS "p95Ms", took[3] AS "p99Ms"
     FROM (
       SELECT d.provider, d.bucket, count(*)::int AS attempts, count(*) FILTER (WHERE a.outcome = 'accepted')::int AS accepted,
              count(*) FILTER (WHERE a.number = 1)::int AS "firstAttempts",
              count(*) FILTER (WHERE a.number = 1 AND a.outcome = 'accepted')::int AS "firstAccepted",
              percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY a.duration_ms)
                FILTER (WHERE a.outcome IN ('accepted', 'refused')) AS took
       FROM (SELECT d.id, d.provider, width_bucket(d.id, $${values.length + 2}::text[] COLLATE "C") - 1 AS bucket
             FROM ${source} AND abs(hashtext(d.id)::bigint) < $${values.length + 1}::float8 * 2147483648) d
       CROSS JOIN LATERAL (
         SELECT number, outcome, duration_ms FROM attempts
         WHERE delivery_id = d.id AND outcome <> 'interrupted' OFFSET 0
       ) a
       GROUP BY GROUPING SETS ((d.provider), (d.bucket))
     ) sampled`,
    [...values, share, bounds],
  );
  return rows;
}

/** A subscription and the results of its attempts. */
export interface SubscriptionFigures {
  readonly subscriptionId: string;
  readonly accountId: string;
  readonly provider: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly disabledAt: Date | null;
  /** Since when every attempt has failed; null when the last attempt was accepted. */
  readonly failingSince: Date | null;
  readonly attempts: number;
  readonly failures: number;
  /** Null without attempts. */
  readonly failureRate: number | null;
  readonly lastStatus: number | null;
  readonly lastReason: string | null;
}

/**
 * The subscriptions of {@link countGroups}, unless they were deleted. Then up to ten others that were disabled because of their
 * receiver, the latest first: these make no attempts any more. `lastStatus` and `lastReason` are those of the newest
 * delivery with a failure.
 */
export async function worstSubscriptions(
  store: Store,
  counted: readonly SubscriptionCount[],
  share: number,
  scope: ReportScope,
): Promise<SubscriptionFigures[]> {
  const { where, values } = scopeConditions(scope, [JSON.stringify(counted), share], {
    accountId: 'account_id = ?',
    subscriptionId: 'id = ?',
    provider: '(SELECT provider FROM accounts WHERE accounts.id = account_id) = ?',
  });
  const { rows } = await store.pool.query<SubscriptionFigures>(
    `WITH worst AS (
       SELECT entry ->> 'subscriptionId' AS id, (entry ->> 'attempts')::float8 AS attempts,
              (entry ->> 'failures')::float8 AS failures, entry ->> 'lastId' AS last_id, position
       FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS listed (entry, position)
     ), disabled AS (
       SELECT id FROM subscriptions
       WHERE NOT enabled AND disabled_reason IS NOT NULL AND deleted_at IS NULL ${where}
         AND id NOT IN (SELECT id FROM worst)
       ORDER BY disabled_at DESC LIMIT ${MAX_LISTED}
     )
     SELECT s.id AS "subscriptionId", s.account_id AS "accountId", a.provider, s.url, s.enabled,
            s.disabled_reason AS "disabledReason", s.disabled_at AS "disabledAt",
            (s.failing ->> 'since')::timestamptz AS "failingSince",
            round(coalesce(w.attempts, 0) / $2::float8) AS attempts, round(coalesce(w.failures, 0) / $2::float8) AS failures,
            w.failures / w.attempts AS "failureRate",
            last.last_status AS "lastStatus", last.last_reason AS "lastReason"
     FROM (SELECT id FROM worst UNION ALL SELECT id FROM disabled) listed
     JOIN subscriptions s ON s.id = listed.id AND s.deleted_at IS NULL
     JOIN accounts a ON a.id = s.account_id
     LEFT JOIN worst w ON w.id = listed.id
     LEFT JOIN deliveries last ON last.id = w.last_id
     ORDER BY w.position NULLS LAST, s.disabled_at DESC, s.id`,
    values,
  );
  return rows;
}

/** The deliveries that wait for an attempt now. */
export interface Backlog {
  readonly waiting: number;
  /** How many of them had an attempt that was not accepted. */
  readonly afterFailure: number;
  /** Whether there are more than were counted. */
  readonly more: boolean;
  /** The oldest counted delivery; null when none waits. */
  readonly oldestId: string | null;
}

/** Counts pending and retrying deliveries by the partial index of open deliveries. */
export async function countBacklog(store: Store, scope: ReportScope = {}): Promise<Backlog> {
  const { where, values } = scopeConditions(scope, [], {
    accountId: 'subscription_id IN (SELECT id FROM subscriptions WHERE account_id = ?)',
    subscriptionId: 'subscription_id = ?',
    provider: 'provider = ?',
  });
  const { rows } = await store.pool.query<Omit<Backlog, 'more'>>(
    `SELECT count(*)::int AS waiting, count(last_reason)::int AS "afterFailure", min(id) AS "oldestId" FROM (
       SELECT id, last_reason FROM deliveries WHERE state IN ('pending', 'retrying') ${where} LIMIT ${MAX_BACKLOG + 1}
     ) open`,
    values,
  );
  const { waiting, ...others } = rows[0]!;
  return { ...others, waiting: Math.min(waiting, MAX_BACKLOG), more: waiting > MAX_BACKLOG };
}
