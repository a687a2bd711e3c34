/** Deliveries that wait for their disabled subscription. */
import type { Store } from '../store.js';

/** Paused deliveries with this reason whose subscription is enabled, after the id `after`. */
export async function pausedOfEnabled(
  store: Store,
  { reason, after, limit }: { reason: string; after: string; limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT d.id FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id
     WHERE d.state = 'paused' AND d.state_reason = $1 AND d.id > $2 AND s.enabled AND s.deleted_at IS NULL
     ORDER BY d.id LIMIT $3`,
    [reason, after, limit],
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
