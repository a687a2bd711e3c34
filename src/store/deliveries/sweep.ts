/** The deliveries that the sweep recovers after crashes and deletions. */
import type { Store } from '../store.js';

/** Pending deliveries without a workflow, not for senders, that are older than `olderThan` seconds; the oldest first. */
export async function ownerlessDeliveries(
  store: Store,
  { olderThan, limit }: { olderThan: number; limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM deliveries
     WHERE NOT owned AND state = 'pending' AND sender_id IS NULL AND NOT direct AND updated_at < now() - make_interval(secs => $1)
     ORDER BY updated_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows.map(({ id }) => id);
}

/** A delivery and when its next or first attempt was due. */
export interface OverdueDelivery {
  readonly id: string;
  /** As PostgreSQL's text, which is more precise than a Date. */
  readonly due: string;
}

/** Deliveries whose next or first attempt is overdue by more than `overdueBy` seconds, the most overdue first. */
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

/** Paused deliveries of a subscription with this reason, at most `limit`. */
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
 * Cancels open deliveries whose workflow was terminated. Skips those that changed after that: they were redelivered, or an
 * attempt was in flight whose outcome may follow. Returns the provider of each that was cancelled.
 */
export async function cancelTerminated(
  store: Store,
  terminated: readonly { id: string; closedAt: Date }[],
  reason: string,
): Promise<string[]> {
  const { rows } = await store.pool.query<{ provider: string }>(
    `UPDATE deliveries d SET state = 'cancelled', state_reason = $3, next_attempt_at = NULL, owned = true,
       settled_at = now(), updated_at = now()
     FROM unnest($1::text[], $2::timestamptz[]) AS terminated (id, closed_at)
     WHERE d.id = ANY($1) AND d.id = terminated.id AND d.state IN ('pending', 'retrying', 'paused') AND d.updated_at < terminated.closed_at
     RETURNING d.provider`,
    [terminated.map(({ id }) => id), terminated.map(({ closedAt }) => closedAt), reason],
  );
  return rows.map(({ provider }) => provider);
}

/** Records that a sweep was completed, and how many open deliveries it found without a workflow that should have one. */
export async function recordSweep(store: Store, unreconciled: number): Promise<void> {
  await store.pool.query('UPDATE last_sweep SET completed_at = now(), unreconciled = $1', [unreconciled]);
}
