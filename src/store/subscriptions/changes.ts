/** Changes of a subscription that are not an edit by its owner, and what holds it still while it is edited. */
import { afterFailure, disabledBecause, type FailingRule } from '../../contract/failing.js';
import { recordOperationalEvent, Operation } from '../events/operational-events.js';
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';
import {
  readFailing,
  toSubscription,
  type FailingJson,
  type StoredSubscription,
  type SubscriptionRow,
} from './subscriptions.js';

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

/**
 * Counts attempts that failed at a time, and disables its subscription when that has lasted as long as the rule says.
 * The row is locked meanwhile, so that of failures at the same time none is lost. A disabled subscription is left alone.
 */
export async function countFailure(
  store: Store,
  subscriptionId: string,
  failedAt: Date,
  rule: FailingRule | undefined,
  attempts = 1,
): Promise<void> {
  await inTransaction(store, async (client) => {
    const row = onlyRow(
      await client.query<{ failing: FailingJson | null }>(
        'SELECT failing FROM subscriptions WHERE id = $1 AND enabled AND deleted_at IS NULL FOR NO KEY UPDATE',
        [subscriptionId],
      ),
    );
    if (!row) return;
    const failing = afterFailure(readFailing(row.failing), failedAt, rule, attempts);
    await client.query('UPDATE subscriptions SET failing = $2 WHERE id = $1', [
      subscriptionId,
      JSON.stringify(failing),
    ]);
    const reason = disabledBecause(failing, rule);
    if (reason !== undefined) await disableSubscription(client, subscriptionId, reason);
  });
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
