/**
 * Deliveries with an ordering key: one after the other for each subscription and key. The head of a key is the first that
 * has not ended; the others are blocked. A trigger (0008_ordering.sql) releases the next one when the head ends.
 */
import type { Queryable, Store } from '../store.js';
import { inTransaction } from '../store.js';
import { IS_HELD } from './breaker-waiting.js';
import type { DeliveryState } from './deliveries.js';

/** The claim (`deliveries.sender_id`) of blocked deliveries. It is no sender's, so they are not sent and get no workflow. */
export const ORDERING_CLAIM = 'ordering';

/** SQL condition: the delivery `d` is blocked. */
export const IS_BLOCKED = `(d.state = 'pending' AND NOT d.owned AND d.sender_id IS NOT DISTINCT FROM '${ORDERING_CLAIM}')`;

/** Locks the keys of deliveries before the deliveries themselves, always in the same sequence, so that nothing deadlocks. */
export async function lockOrderingKeys(client: Queryable, deliveryIds: readonly string[]): Promise<void> {
  await client.query({
    name: 'lock-ordering-keys',
    text: `SELECT FROM ordering_keys k JOIN deliveries d
             ON d.subscription_id = k.subscription_id AND d.ordering_key = k.ordering_key
           WHERE d.id = ANY($1) ORDER BY k.subscription_id, k.ordering_key FOR UPDATE OF k`,
    values: [deliveryIds],
  });
}

/**
 * Cancels a delivery that is blocked, or waits for a circuit breaker without a workflow; returns its provider then. Its
 * claim stays and shows that it had no workflow. Otherwise it is for a sender or a workflow to cancel.
 */
export async function cancelWithoutWorkflow(
  store: Store,
  deliveryId: string,
  reason: string,
): Promise<string | undefined> {
  return inTransaction(store, async (client) => {
    await lockOrderingKeys(client, [deliveryId]);
    const { rows } = await client.query<{ provider: string }>(
      `UPDATE deliveries d SET state = 'cancelled', state_reason = $2, owned = true, settled_at = now(),
         updated_at = now()
       WHERE d.id = $1 AND (${IS_BLOCKED} OR ${IS_HELD}) RETURNING d.provider`,
      [deliveryId, reason],
    );
    return rows[0]?.provider;
  });
}

/**
 * Takes the head of a key out of the order: when it has failed or is paused, the next delivery is released at once,
 * otherwise when it is paused or ends. False when it is not the head of a key.
 */
export async function parkHead(store: Store, deliveryId: string): Promise<boolean> {
  return inTransaction(store, async (client) => {
    await lockOrderingKeys(client, [deliveryId]);
    const { rowCount } = await client.query(
      `UPDATE deliveries d SET parked = true, updated_at = now()
       WHERE id = $1 AND EXISTS (SELECT FROM ordering_keys k WHERE k.subscription_id = d.subscription_id
                                   AND k.ordering_key = d.ordering_key AND k.head = d.id)`,
      [deliveryId],
    );
    return rowCount === 1;
  });
}

/** Ids of the heads that blocked deliveries wait for, by the id of the blocked one. */
export async function findHeads(store: Store, blockedIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await store.pool.query<{ id: string; head: string }>(
    `SELECT w.delivery_id AS id, k.head FROM ordering_waiting w JOIN ordering_keys k USING (subscription_id, ordering_key)
     WHERE w.delivery_id = ANY($1)`,
    [blockedIds],
  );
  return new Map(rows.map(({ id, head }) => [id, head]));
}

/** An ordering key with deliveries that wait for its head. */
export interface BlockedKey {
  readonly orderingKey: string;
  /** The delivery that the others wait for. */
  readonly head: string;
  readonly state: DeliveryState;
  readonly stateReason: string | null;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly lastReason: string | null;
  readonly nextAttemptAt: Date | null;
  /** Since when it has been the head. */
  readonly since: Date;
  /** Blocked deliveries, counted up to `MAX_WAITING_COUNTED`. */
  readonly waiting: number;
  /** When the oldest blocked delivery was accepted; null when none waits. */
  readonly oldestAt: Date | null;
}

/** Beyond this number the blocked deliveries of a key are not counted. */
export const MAX_WAITING_COUNTED = 10_000;

/** Keys of a subscription that have blocked deliveries or a failed head, sorted by key, after the key `after`. */
export async function listBlockedKeys(
  store: Store,
  { subscriptionId, after, limit }: { subscriptionId: string; after: string | undefined; limit: number },
): Promise<BlockedKey[]> {
  const { rows } = await store.pool.query<BlockedKey>(
    `SELECT k.ordering_key AS "orderingKey", k.head, d.state, d.state_reason AS "stateReason", d.attempts,
            d.last_status AS "lastStatus", d.last_reason AS "lastReason", d.next_attempt_at AS "nextAttemptAt",
            k.head_since AS since, waiting.count AS waiting,
            (SELECT o.created_at FROM ordering_waiting w JOIN deliveries o ON o.id = w.delivery_id
             WHERE w.subscription_id = k.subscription_id AND w.ordering_key = k.ordering_key
             ORDER BY w.position LIMIT 1) AS "oldestAt"
     FROM ordering_keys k JOIN deliveries d ON d.id = k.head
     CROSS JOIN LATERAL (
       SELECT count(*)::int FROM (
         SELECT FROM ordering_waiting w
         WHERE w.subscription_id = k.subscription_id AND w.ordering_key = k.ordering_key LIMIT ${MAX_WAITING_COUNTED}
       ) limited
     ) waiting
     WHERE k.subscription_id = $1 AND k.ordering_key > $2 AND (waiting.count > 0 OR d.state = 'failed')
     ORDER BY k.ordering_key LIMIT $3`,
    [subscriptionId, after ?? '', limit],
  );
  return rows;
}

/** Keys that are checked in one statement of {@link releaseEnded}. */
const CHECKED = 1_000;

/**
 * Releases the next deliveries of keys whose head blocks nothing any more although no end was recorded since: it was
 * deleted after its retention, or the subscription no longer blocks on failures. Returns how many keys.
 */
export async function releaseEnded(store: Store): Promise<number> {
  const { rows } = await store.pool.query<{ subscription_id: string; ordering_key: string }>(
    `SELECT subscription_id, ordering_key FROM ordering_keys WHERE NOT is_blocking_head(head) LIMIT ${CHECKED}`,
  );
  for (const { subscription_id: subscriptionId, ordering_key: key } of rows)
    await store.pool.query('SELECT release_next_ordered($1, $2)', [subscriptionId, key]);
  return rows.length;
}
