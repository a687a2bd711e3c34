/** How many subscriptions an account has and may have. */
import { lockAccount } from '../accounts/accounts.js';
import { onlyRow, type Queryable } from '../store.js';

export interface SubscriptionQuota {
  readonly count: number;
  /** What the account is allowed; null for what the installation's setting says. */
  readonly max: number | null;
}

/** Reads it while nobody else can add a subscription, until the transaction ends; undefined when there is no account. */
export async function lockSubscriptionQuota(
  client: Queryable,
  accountId: string,
): Promise<SubscriptionQuota | undefined> {
  await lockAccount(client, accountId);
  // A statement of its own: it sees what was committed while the lock was waited for.
  return onlyRow(
    await client.query<SubscriptionQuota>(
      `SELECT max_subscriptions AS max,
              (SELECT count(*)::integer FROM subscriptions WHERE account_id = $1 AND deleted_at IS NULL) AS count
       FROM accounts WHERE id = $1 AND deleted_at IS NULL`,
      [accountId],
    ),
  );
}
