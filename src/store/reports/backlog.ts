/** The backlog of open deliveries, for metrics and alerts. */
import { ORDERING_CLAIM } from '../deliveries/ordering.js';
import type { Store } from '../store.js';

/**
 * With the names of the metrics: a delivery that is pending in the database is `waiting` there, for its workflow or for a
 * sender.
 */
export interface BacklogMetrics {
  /** Open deliveries, each state counted up to `MAX_COUNTED`. */
  readonly counts: Readonly<Record<'waiting' | 'retrying' | 'paused', number>>;
  /** How long the most overdue attempt has been due, in seconds; 0 when none is due. */
  readonly overdueS: Readonly<Record<'waiting' | 'retrying', number>>;
  /** How long ago the maintenance sweep was last completed, in seconds. */
  readonly sweepAgeS: number;
  /** Open deliveries that the last sweep found without a running workflow that should have one. */
  readonly unreconciled: number;
  /** Subscriptions whose circuit breaker is open or closing, counted up to `MAX_COUNTED`. */
  readonly openBreakers: number;
}

/** Beyond this the exact size costs more to count than it is worth. */
const MAX_COUNTED = 100_000;

/** Open deliveries of one subscription that are read, the oldest ones. */
const MAX_READ = 1_000;

/** Since when the most overdue delivery of an account has been due; undefined when none is, or the account is deleted. */
export async function accountDueSince(
  store: Store,
  accountId: string,
): Promise<{ readonly since: Date; readonly accountName: string } | undefined> {
  const { rows } = await store.pool.query<{ since: Date | null; accountName: string }>({
    name: 'account-due-since',
    text: `
      SELECT a.name AS "accountName", (
        SELECT min(open.due) FROM subscriptions s CROSS JOIN LATERAL (
          SELECT state, sender_id, coalesce(next_attempt_at, updated_at) AS due FROM deliveries
          WHERE subscription_id = s.id AND state IN ('pending', 'retrying', 'paused') ORDER BY id LIMIT ${MAX_READ}
        ) open
        WHERE s.account_id = $1 AND s.deleted_at IS NULL AND open.state <> 'paused' AND open.due <= now()
          AND (open.sender_id IS NULL OR open.sender_id <> '${ORDERING_CLAIM}')
      ) AS since
      FROM accounts a WHERE a.id = $1 AND a.deleted_at IS NULL`,
    values: [accountId],
  });
  const { since = null, accountName = '' } = rows[0] ?? {};
  return since ? { since, accountName } : undefined;
}

/** Loads the backlog. Every part of the statement reads the oldest entry or a limited number of entries of a partial index. */
export async function loadBacklog(store: Store): Promise<BacklogMetrics> {
  const { rows } = await store.pool.query<Record<string, number>>({
    name: 'load-backlog',
    text: `
      SELECT unowned.count + started.count AS waiting, retrying.count AS retrying, paused.count AS paused,
             greatest(extract(epoch FROM now() - least(
               (SELECT min(updated_at) FROM deliveries WHERE NOT owned AND state = 'pending' AND sender_id IS NULL),
               (SELECT min(updated_at) FROM deliveries WHERE NOT owned AND state = 'pending' AND sender_id IS NOT NULL
                AND sender_id <> '${ORDERING_CLAIM}'),
               (SELECT min(coalesce(next_attempt_at, updated_at)) FROM deliveries WHERE owned AND state = 'pending')
             )), 0)::float8 AS waiting_due,
             greatest(extract(epoch FROM now() - (SELECT min(next_attempt_at) FROM deliveries WHERE state = 'retrying')), 0)::float8
               AS retrying_due,
             (SELECT greatest(extract(epoch FROM now() - completed_at), 0)::float8 FROM last_sweep WHERE singleton) AS sweep_age,
             (SELECT unreconciled FROM last_sweep WHERE singleton) AS unreconciled,
             breakers.count AS open_breakers
      FROM
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE NOT owned AND state = 'pending' LIMIT $1) AS limited) unowned,
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE owned AND state = 'pending' LIMIT $1) AS limited) started,
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE state = 'retrying' LIMIT $1) AS limited) retrying,
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE state = 'paused' LIMIT $1) AS limited) paused,
        (SELECT count(*)::int FROM (SELECT FROM subscriptions WHERE breaker_opened_at IS NOT NULL AND deleted_at IS NULL
                                    LIMIT $1) AS limited) breakers`,
    values: [MAX_COUNTED],
  });
  const {
    waiting = 0,
    retrying = 0,
    paused = 0,
    waiting_due: waitingDue = 0,
    retrying_due: retryingDue = 0,
    sweep_age: sweepAgeS = 0,
    unreconciled = 0,
    open_breakers: openBreakers = 0,
  } = rows[0]!;
  return {
    counts: { waiting: Math.min(waiting, MAX_COUNTED), retrying, paused },
    overdueS: { waiting: waitingDue, retrying: retryingDue },
    sweepAgeS,
    unreconciled,
    openBreakers,
  };
}
