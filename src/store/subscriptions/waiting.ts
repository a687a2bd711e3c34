/** Deliveries that wait for a subscription that is disabled or paused. */
import type { Store } from '../store.js';

/**
 * Paused deliveries with one of these reasons although their subscription is enabled and neither it nor its account is
 * paused, after the id `after`. Omits those that a workflow is resuming at a rate.
 */
export async function pausedOfEnabled(
  store: Store,
  { reasons, after, limit }: { reasons: readonly string[]; after: string; limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT d.id FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id JOIN accounts a ON a.id = d.account_id
     WHERE d.state = 'paused' AND d.state_reason = ANY($1) AND d.id > $2 AND s.enabled AND s.deleted_at IS NULL
       AND s.paused_at IS NULL AND s.resume_rate IS NULL AND a.paused_at IS NULL AND a.resume_rate IS NULL
     ORDER BY d.id LIMIT $3`,
    [reasons, after, limit],
  );
  return rows.map(({ id }) => id);
}

/** Open deliveries of a subscription, the oldest first. */
export async function openDeliveries(
  store: Store,
  subscriptionId: string,
  limit: number,
): Promise<{ id: string; run: number }[]> {
  const { rows } = await store.pool.query<{ id: string; run: number }>(
    `SELECT id, run FROM deliveries
     WHERE subscription_id = $1 AND state IN ('pending', 'retrying', 'paused') ORDER BY id LIMIT $2`,
    [subscriptionId, limit],
  );
  return rows;
}
