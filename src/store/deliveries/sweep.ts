/** Deliveries that something must be done about although nothing calls for it: what crashes and deletions leave. */
import type { Store } from '../store.js';

/** Pending deliveries that no batch is to carry and without a known owner that are older than `seconds`, the oldest first. */
export async function ownerlessDeliveries(
  store: Store,
  { olderThan, limit }: { olderThan: number; limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM deliveries
     WHERE NOT owned AND state = 'pending' AND NOT batch AND updated_at < now() - make_interval(secs => $1)
     ORDER BY updated_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows.map(({ id }) => id);
}

/** A delivery with the time at which its next attempt, or its first, was due. */
export interface OverdueDelivery {
  readonly id: string;
  /** In PostgreSQL's words, which are more exact than a Date. */
  readonly due: string;
}

/** Deliveries whose next attempt, or whose first, is overdue by more than `seconds`, the most overdue first. */
export async function overdueDeliveries(
  store: Store,
  { overdueBy, after, limit }: { overdueBy: number; after?: OverdueDelivery; limit: number },
): Promise<OverdueDelivery[]> {
  const { rows } = await store.pool.query<OverdueDelivery>(
    `SELECT id, due::text FROM (
       SELECT id, next_attempt_at AS due FROM deliveries WHERE state = 'retrying'
       UNION ALL
       SELECT id, coalesce(next_attempt_at, updated_at) FROM deliveries WHERE owned AND state = 'pending'
     ) expected
     WHERE due < now() - make_interval(secs => $1) AND due >= $2 AND (due, id) > ($2, $3)
     ORDER BY due, id LIMIT $4`,
    [overdueBy, after?.due ?? '-infinity', after?.id ?? '', limit],
  );
  return rows;
}

/** Open deliveries of deleted subscriptions. */
export async function deliveriesOfDeletedSubscriptions(store: Store, limit: number): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT d.id FROM subscriptions s JOIN deliveries d ON d.subscription_id = s.id
     WHERE s.deleted_at IS NOT NULL AND d.state IN ('pending', 'retrying', 'paused') LIMIT $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}

/** Deliveries that are held because their subscription is disabled, of one subscription; at most `limit`. */
export async function pausedDeliveries(
  store: Store,
  subscriptionId: string,
  reason: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM deliveries WHERE subscription_id = $1 AND state = 'paused' AND state_reason = $2
     ORDER BY id LIMIT $3`,
    [subscriptionId, reason, limit],
  );
  return rows.map(({ id }) => id);
}

/**
 * Cancels open deliveries whose workflow was terminated. One that was touched after that is left alone: it has been
 * redelivered, or an attempt that was under way has yet to be judged. Returns the provider of each that was cancelled.
 */
export async function cancelTerminated(
  store: Store,
  terminated: readonly { id: string; closedAt: Date }[],
  reason: string,
): Promise<string[]> {
  const { rows } = await store.pool.query<{ provider: string }>(
    `UPDATE deliveries d SET state = 'cancelled', state_reason = $3, next_attempt_at = NULL, owned = true,
       settled_at = now(), updated_at = now()
     FROM unnest($1::text[], $2::timestamptz[]) AS gone (id, closed_at)
     WHERE d.id = ANY($1) AND d.id = gone.id AND d.state IN ('pending', 'retrying', 'paused') AND d.updated_at < gone.closed_at
     RETURNING d.provider`,
    [terminated.map(({ id }) => id), terminated.map(({ closedAt }) => closedAt), reason],
  );
  return rows.map(({ provider }) => provider);
}

/** Records that a sweep was completed. */
export async function recordSweep(store: Store): Promise<void> {
  await store.pool.query('UPDATE last_sweep SET completed_at = now()');
}
