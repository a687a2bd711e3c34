/** Changes of a subscription that are not an edit by its owner, and what holds it still while it is edited. */
import { recordOperationalEvent, Operation } from '../events/operational-events.js';
import { onlyRow, type Queryable, type Store } from '../store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from './subscriptions.js';

/** Disables a subscription that its contract says shall take no more; the reason is shown to its owner. */
export async function disableSubscription(client: Queryable, id: string, reason: string): Promise<void> {
  await client.query(
    `WITH disabled AS (
       UPDATE subscriptions SET enabled = false, disabled_reason = $2, updated_at = now()
       WHERE id = $1 AND enabled RETURNING id
     )
     INSERT INTO operational_events (type, subscription_id, facts)
     SELECT $3, id, jsonb_build_object('reason', $2::text) FROM disabled`,
    [id, reason, Operation.disabled],
  );
}

/** A subscription as it is now, held against other changes until the transaction ends; undefined when it is gone. */
export async function lockSubscription(
  store: Store,
  client: Queryable,
  id: string,
): Promise<StoredSubscription | undefined> {
  const row = onlyRow(
    await client.query<SubscriptionRow>('SELECT * FROM subscriptions WHERE id = $1 AND deleted_at IS NULL FOR UPDATE', [
      id,
    ]),
  );
  return row && toSubscription(store, row);
}

/** Notes that the secret of a subscription was rotated. */
export function recordRotated(client: Queryable, id: string): Promise<void> {
  return recordOperationalEvent(client, Operation.secretRotated, id);
}

/** Replaces the contract's own fields of a subscription unless someone else has changed them meanwhile. */
export async function replaceOptions(
  store: Store,
  id: string,
  { from, to }: { from: unknown; to: unknown },
): Promise<void> {
  await store.pool.query(
    'UPDATE subscriptions SET options = $3, updated_at = now() WHERE id = $1 AND options = $2::jsonb',
    [id, JSON.stringify(from), JSON.stringify(to)],
  );
}

/** Deletes a subscription; false when there is none. */
export async function deleteSubscription(store: Store, id: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    'UPDATE subscriptions SET deleted_at = now(), updated_at = now() WHERE id = $1 AND deleted_at IS NULL',
    [id],
  );
  return rowCount === 1;
}
