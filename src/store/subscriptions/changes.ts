/** Changes of a subscription that are not an edit by its owner, and the lock for edits. */
import { afterFailure, disabledBecause, type FailingRule } from '../../contract/failing.js';
import { isReported, Operation, recordOperationalEvent, Report } from '../events/operational-events.js';
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';
import {
  readFailing,
  toSubscription,
  type FailingJson,
  type StoredSubscription,
  type SubscriptionRow,
} from './subscriptions.js';

/** Disables a subscription by a rule of its contract; the reason is shown to its owner. */
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
 * Counts failed attempts, and disables the subscription when it has failed for as long as the rule allows. The row is
 * locked, so that concurrent failures are all counted. A disabled subscription is not changed.
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

/** Loads a subscription and locks it until the transaction ends; undefined when it was deleted. */
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

/** Records that the secret of a subscription was rotated. */
export function recordRotated(client: Queryable, id: string): Promise<void> {
  return recordOperationalEvent(client, Operation.secretRotated, id);
}

/** Replaces the contract's own fields of a subscription unless they were changed in the meantime. */
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

/** Deletes a subscription; false when it does not exist. */
export async function deleteSubscription(store: Store, id: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    `WITH deleted AS (
       UPDATE subscriptions SET deleted_at = now(), updated_at = now() WHERE id = $1 AND deleted_at IS NULL
       RETURNING id, account_id
     ), reported AS (
       INSERT INTO operational_events (type, subscription_id, facts)
       SELECT '${Report.deleted}', id, '{}' FROM deleted WHERE ${isReported('deleted.account_id')}
     )
     SELECT FROM deleted`,
    [id],
  );
  return rowCount === 1;
}
