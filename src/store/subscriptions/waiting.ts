/** Deliveries that wait for a subscription that is disabled or paused. */
import { ACCOUNT_PAUSED, SUBSCRIPTION_PAUSED } from '../../workflows/types.js';
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
    // Subscription by subscription, so that the many deliveries of one that is paused are not read.
    `WITH RECURSIVE waiting AS (
       SELECT (SELECT min(subscription_id) FROM deliveries WHERE state = 'paused') AS id
       UNION ALL
       SELECT (SELECT min(subscription_id) FROM deliveries WHERE state = 'paused' AND subscription_id > waiting.id)
       FROM waiting WHERE id IS NOT NULL
     )
     SELECT d.id FROM waiting JOIN subscriptions s ON s.id = waiting.id JOIN accounts a ON a.id = s.account_id
     CROSS JOIN LATERAL (
       SELECT id, state_reason FROM deliveries
       WHERE subscription_id = s.id AND state = 'paused' AND state_reason = ANY($1) AND id > $2
         AND NOT (state_reason = '${SUBSCRIPTION_PAUSED}' AND s.resume_rate IS NOT NULL)
         AND NOT (state_reason = '${ACCOUNT_PAUSED}' AND a.resume_rate IS NOT NULL)
       ORDER BY id LIMIT $3
     ) d
     WHERE s.enabled AND s.deleted_at IS NULL AND s.paused_at IS NULL AND a.paused_at IS NULL
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
