/** Counting the failed attempts of a subscription. */
import { afterFailure, disabledBecause, type FailingRule } from '../../contract/failing.js';
import { inTransaction, onlyRow, type Store } from '../store.js';
import { disableSubscription } from './changes.js';
import { readFailing, type FailingJson } from './subscriptions.js';

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
