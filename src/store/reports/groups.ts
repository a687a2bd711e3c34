/** The deliveries of a window by provider, account and subscription, all of which come from one read. */
import type { Store } from '../store.js';
import type { WindowRows } from './window.js';

/** Number of listed accounts and subscriptions that fail most. */
export const MAX_LISTED = 10;

/** The deliveries of a provider by outcome. */
export interface ProviderCount {
  readonly provider: string;
  readonly deliveries: number;
  readonly delivered: number;
  readonly failed: number;
  /** Open deliveries whose last attempt was not accepted. */
  readonly openAfterFailure: number;
  readonly attempts: number;
}

/** An account and the results of its attempts. */
export interface AccountFigures {
  readonly accountId: string;
  readonly name: string;
  readonly provider: string;
  readonly deliveries: number;
  readonly attempts: number;
  readonly failures: number;
  readonly failureRate: number;
  /** Open deliveries whose last attempt was not accepted. */
  readonly openAfterFailure: number;
}

/** A subscription and the results of its attempts in the window. */
export interface SubscriptionCount {
  readonly subscriptionId: string;
  readonly attempts: number;
  readonly failures: number;
  /** The newest delivery with a failure. */
  readonly lastId: string | null;
}

export interface Groups {
  readonly providers: readonly ProviderCount[];
  /**
   * The ten worst, by failed attempts times failure rate, so that neither a single failure nor volume alone counts much.
   */
  readonly accounts: readonly AccountFigures[];
  /** The same of subscriptions, deleted ones as well. */
  readonly subscriptions: readonly SubscriptionCount[];
}

/** A column of rows as a JSON list. */
const list = (name: string): string => `(SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') FROM ${name} r)`;

/** Counts a window by provider, account and subscription. */
export async function countGroups(store: Store, { source, values, share }: WindowRows): Promise<Groups> {
  const counts = (column: string, name = column): string => `round(${column} / ${share})::float8 AS "${name}"`;
  const { rows } = await store.pool.query<Groups>(
    `WITH counted AS MATERIALIZED (
       SELECT d.subscription_id, d.account_id, d.provider, count(*) AS deliveries, sum(d.attempts) AS attempts,
              count(*) FILTER (WHERE d.state = 'delivered') AS delivered,
              count(*) FILTER (WHERE d.state = 'failed') AS failed,
              count(*) FILTER (WHERE d.state IN ('pending', 'retrying', 'paused') AND d.last_reason IS NOT NULL) AS open,
              max(d.id) FILTER (WHERE d.last_reason IS NOT NULL AND d.attempts > 0) AS last_id
       FROM ${source} GROUP BY 1, 2, 3
     ), providers AS (
       SELECT provider, ${counts('sum(deliveries)', 'deliveries')}, ${counts('sum(delivered)', 'delivered')},
              ${counts('sum(failed)', 'failed')}, ${counts('sum(open)', 'openAfterFailure')},
              ${counts('sum(attempts)', 'attempts')}
       FROM counted GROUP BY 1 ORDER BY 1
     ), by_account AS (
       SELECT account_id AS id, sum(deliveries) AS deliveries, sum(attempts) AS attempts,
              sum(attempts) - sum(delivered) AS failures, sum(open) AS open
       FROM counted GROUP BY 1
     ), worst_accounts AS (
       SELECT a.id AS "accountId", a.name, a.provider, ${counts('c.deliveries', 'deliveries')},
              ${counts('c.attempts', 'attempts')}, ${counts('c.failures', 'failures')},
              c.failures::float8 / c.attempts::float8 AS "failureRate", ${counts('c.open', 'openAfterFailure')}
       FROM by_account c JOIN accounts a ON a.id = c.id
       WHERE c.failures > 0 AND a.deleted_at IS NULL
       ORDER BY c.failures::float8 * c.failures::float8 / c.attempts::float8 DESC, a.id LIMIT ${MAX_LISTED}
     ), worst_subscriptions AS (
       SELECT subscription_id AS "subscriptionId", attempts::float8, (attempts - delivered)::float8 AS failures,
              last_id AS "lastId"
       FROM counted WHERE attempts > delivered
       ORDER BY (attempts - delivered)::float8 * (attempts - delivered) / attempts DESC, subscription_id
       LIMIT ${MAX_LISTED}
     )
     SELECT ${list('providers')} AS providers, ${list('worst_accounts')} AS accounts,
            ${list('worst_subscriptions')} AS subscriptions`,
    [...values],
  );
  return rows[0]!;
}
