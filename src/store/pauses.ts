/** Pauses of subscriptions and accounts: which deliveries wait, and how they are sent afterwards at a rate. */
import { ACCOUNT_PAUSED, SUBSCRIPTION_PAUSED } from '../workflows/types.js';
import type { PauseScope } from '../workflows/resume-types.js';
import { toAccount, type AccountRow, type StoredAccount } from './accounts/accounts.js';
import { onlyRow, type Store } from './store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from './subscriptions/subscriptions.js';

/** A repeated pause keeps its time and gets the new reason. It also ends the sending of what waited before. */
const PAUSE = 'paused_at = coalesce(paused_at, now()), paused_reason = $2, resume_rate = NULL';
const RESUME = 'paused_at = NULL, paused_reason = NULL, resume_rate = $2';
/** Resuming again while what waited is sent changes the rate. */
const CAN_RESUME = 'deleted_at IS NULL AND (paused_at IS NOT NULL OR resume_rate IS NOT NULL)';

/** Pauses a subscription; undefined when it does not exist. */
export async function pauseSubscription(
  store: Store,
  id: string,
  reason: string | null,
): Promise<StoredSubscription | undefined> {
  const result = await store.pool.query<SubscriptionRow>(
    `UPDATE subscriptions SET ${PAUSE}, updated_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING *`,
    [id, reason],
  );
  const row = onlyRow(result);
  return row && toSubscription(store, row);
}

/** Resumes a subscription; undefined when it is not paused and nothing of a pause remains to be sent. */
export async function resumeSubscription(
  store: Store,
  id: string,
  ratePerSecond: number,
): Promise<StoredSubscription | undefined> {
  const result = await store.pool.query<SubscriptionRow>(
    `UPDATE subscriptions SET ${RESUME}, updated_at = now() WHERE id = $1 AND ${CAN_RESUME} RETURNING *`,
    [id, ratePerSecond],
  );
  const row = onlyRow(result);
  return row && toSubscription(store, row);
}

/** Pauses an account; undefined when it does not exist. */
export async function pauseAccount(
  store: Store,
  id: string,
  reason: string | null,
): Promise<StoredAccount | undefined> {
  const result = await store.pool.query<AccountRow>(
    `UPDATE accounts SET ${PAUSE} WHERE id = $1 AND deleted_at IS NULL RETURNING *`,
    [id, reason],
  );
  const row = onlyRow(result);
  return row && toAccount(store, row);
}

/** Resumes an account; undefined when it is not paused and nothing of a pause remains to be sent. */
export async function resumeAccount(
  store: Store,
  id: string,
  ratePerSecond: number,
): Promise<StoredAccount | undefined> {
  const result = await store.pool.query<AccountRow>(
    `UPDATE accounts SET ${RESUME} WHERE id = $1 AND ${CAN_RESUME} RETURNING *`,
    [id, ratePerSecond],
  );
  const row = onlyRow(result);
  return row && toAccount(store, row);
}

/** Where the pauses of a scope are, and which deliveries wait for it. */
interface ScopeText {
  readonly table: 'subscriptions' | 'accounts';
  readonly id: string;
  /** Condition with $1 for the id. */
  readonly deliveries: string;
  readonly reason: string;
}

const textOf = ({ accountId, subscriptionId }: PauseScope): ScopeText =>
  subscriptionId === null
    ? { table: 'accounts', id: accountId, deliveries: 'account_id = $1', reason: ACCOUNT_PAUSED }
    : { table: 'subscriptions', id: subscriptionId, deliveries: 'subscription_id = $1', reason: SUBSCRIPTION_PAUSED };

/** The deliveries per second that a scope sends now; undefined while it is paused, and when nothing remains to be sent. */
export async function findResumeRate(store: Store, scope: PauseScope): Promise<number | undefined> {
  const { table, id } = textOf(scope);
  const row = onlyRow(
    await store.pool.query<{ rate: number }>(
      `SELECT s.resume_rate AS rate FROM ${table} s
       WHERE s.id = $1 AND s.resume_rate IS NOT NULL AND s.deleted_at IS NULL
         AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = $2 AND a.paused_at IS NOT NULL)`,
      [id, scope.accountId],
    ),
  );
  return row?.rate;
}

/** Deliveries that wait for a scope to be resumed, the oldest first, and the time of the query. */
export async function nextPaused(
  store: Store,
  scope: PauseScope,
  limit: number,
): Promise<{ readonly ids: string[]; readonly asOf: Date }> {
  const { id, deliveries, reason } = textOf(scope);
  const row = onlyRow(
    await store.pool.query<{ ids: string[]; as_of: Date }>(
      `SELECT ARRAY(SELECT id FROM deliveries WHERE ${deliveries} AND state = 'paused' AND state_reason = $2
                    ORDER BY id LIMIT $3) AS ids, now() AS as_of`,
      [id, reason, limit],
    ),
  )!;
  return { ids: row.ids, asOf: row.as_of };
}

/**
 * Records deliveries as resumed whose workflows got the command. Those that never had a workflow have one now, which makes
 * the first attempt; the others record it themselves. Skips what has changed after a time, such as by another pause.
 */
export async function markResumed(store: Store, ids: readonly string[], asOf: Date): Promise<void> {
  await store.pool.query(
    `UPDATE deliveries SET state = CASE WHEN first_attempt_at IS NULL THEN 'pending' ELSE 'retrying' END,
       state_reason = NULL, next_attempt_at = greatest(now(), deliver_at), owned = true, updated_at = now()
     WHERE id = ANY($1) AND state = 'paused' AND updated_at <= $2`,
    [ids, asOf],
  );
}

/** Records that nothing of a pause remains to be sent; false when something does. */
export async function endResume(store: Store, scope: PauseScope): Promise<boolean> {
  const { table, id, deliveries, reason } = textOf(scope);
  const { rowCount } = await store.pool.query(
    `UPDATE ${table} SET resume_rate = NULL WHERE id = $1 AND NOT EXISTS (
       SELECT FROM deliveries WHERE ${deliveries} AND state = 'paused' AND state_reason = $2)`,
    [id, reason],
  );
  return rowCount === 1;
}

/** Subscriptions and accounts of which something remains to be sent after a pause, after an id. */
export async function resumingScopes(
  store: Store,
  { after, limit }: { after: string; limit: number },
): Promise<PauseScope[]> {
  const { rows } = await store.pool.query<PauseScope>(
    `SELECT "accountId", "subscriptionId" FROM (
       SELECT id AS "accountId", NULL AS "subscriptionId", id FROM accounts
       WHERE resume_rate IS NOT NULL AND deleted_at IS NULL
       UNION ALL
       SELECT s.account_id, s.id, s.id FROM subscriptions s JOIN accounts a ON a.id = s.account_id
       WHERE s.resume_rate IS NOT NULL AND s.deleted_at IS NULL AND a.paused_at IS NULL
     ) AS scope WHERE id > $1 ORDER BY id LIMIT $2`,
    [after, limit],
  );
  return rows;
}
