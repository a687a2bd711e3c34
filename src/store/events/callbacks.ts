/** Callbacks that wait to be emitted. A trigger writes them in the statement that records the end of a delivery. */
import { Callback, type CallbackType } from '../../contract/callbacks.js';
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import type { Queryable, Store } from '../store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from '../subscriptions/subscriptions.js';

/** Accounts per claim. */
const ACCOUNTS = 10;
/** Callbacks of an account per claim. */
const CALLBACKS_PER_ACCOUNT = 50;

/** What a callback says of its delivery. */
export interface CallbackFacts {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly state: 'delivered' | 'failed';
  readonly reason: string | null;
  readonly attempts: number;
  readonly redelivery: number;
  readonly lastStatus: number | null;
  readonly lastReason: string | null;
  /** As PostgreSQL writes a time in JSON. */
  readonly endedAt: string;
}

export interface WaitingCallback {
  readonly type: CallbackType;
  readonly accountId: string;
  /** The subscription that gets it. */
  readonly receiverId: string;
  /** The subscription of the delivery, and its URL; empty if it has none. */
  readonly subscriptionId: string;
  readonly url: string;
  readonly facts: CallbackFacts;
}

/** The callbacks of one claim, and the account after which the next one continues; empty to start with the first again. */
export interface ClaimedCallbacks {
  readonly callbacks: readonly WaitingCallback[];
  readonly nextAfter: string;
}

/** Whether callbacks wait. */
export async function hasCallbacks(store: Store): Promise<boolean> {
  const { rowCount } = await store.pool.query({ name: 'has-callbacks', text: 'SELECT FROM callbacks LIMIT 1' });
  return rowCount !== 0;
}

/** The first account after `after` with callbacks. */
export async function nextAccountWithCallbacks(store: Store, after: string): Promise<string | undefined> {
  const { rows } = await store.pool.query<{ id: string }>(
    'SELECT account_id AS id FROM callbacks WHERE account_id > $1 ORDER BY account_id LIMIT 1',
    [after],
  );
  return rows[0]?.id;
}

/**
 * Removes and returns the oldest callbacks of the accounts after `after`: a part of each, so that no account waits for the
 * many of another one. Concurrent calls get different ones.
 */
export async function claimCallbacks(client: Queryable, after: string, accounts = ACCOUNTS): Promise<ClaimedCallbacks> {
  const { rows } = await client.query<{ account_id: string; receiver_id: string; url: string } & ClaimedRow>({
    name: 'claim-callbacks',
    text: `
      WITH RECURSIVE turn (account_id, number) AS (
        (SELECT account_id, 1 FROM callbacks WHERE account_id > $1 ORDER BY account_id LIMIT 1)
        UNION ALL
        SELECT (SELECT c.account_id FROM callbacks c WHERE c.account_id > turn.account_id ORDER BY c.account_id LIMIT 1),
               number + 1
        FROM turn WHERE turn.account_id IS NOT NULL AND number < $2
      ), oldest AS MATERIALIZED (
        SELECT turn.account_id, each.id FROM turn CROSS JOIN LATERAL (
          SELECT id FROM callbacks c WHERE c.account_id = turn.account_id ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) each
      )
      DELETE FROM callbacks c USING oldest, subscriptions s
      WHERE c.account_id = oldest.account_id AND c.id = oldest.id AND s.id = c.subscription_id
      RETURNING c.account_id, c.id, c.receiver_id, c.subscription_id, s.url, c.facts`,
    values: [after, accounts, CALLBACKS_PER_ACCOUNT],
  });
  rows.sort((one, other) => Number(BigInt(one.id) - BigInt(other.id)));
  const accountIds = rows.map(({ account_id }) => account_id).sort();
  return {
    callbacks: rows.map(({ account_id, receiver_id, subscription_id, url, facts }) => ({
      type: facts.state === 'delivered' ? Callback.delivered : Callback.exhausted,
      accountId: account_id,
      receiverId: receiver_id,
      subscriptionId: subscription_id,
      url,
      facts,
    })),
    nextAfter: accountIds.at(-1) ?? '',
  };
}

interface ClaimedRow {
  readonly id: string;
  readonly subscription_id: string;
  readonly facts: CallbackFacts;
}

/** Accounts and subscriptions by id, without those that are deleted. */
export interface CallbackTargets {
  readonly accounts: ReadonlyMap<string, StoredAccount>;
  readonly subscriptions: ReadonlyMap<string, StoredSubscription>;
}

/** Loads the accounts and receivers of callbacks. */
export async function loadTargets(
  store: Store,
  client: Queryable,
  callbacks: readonly WaitingCallback[],
): Promise<CallbackTargets> {
  const accounts = await client.query<AccountRow>('SELECT * FROM accounts WHERE id = ANY($1) AND deleted_at IS NULL', [
    [...new Set(callbacks.map(({ accountId }) => accountId))],
  ]);
  const subscriptions = await client.query<SubscriptionRow>(
    'SELECT * FROM subscriptions WHERE id = ANY($1) AND deleted_at IS NULL',
    [[...new Set(callbacks.map(({ receiverId }) => receiverId))]],
  );
  return {
    accounts: new Map(accounts.rows.map((row) => [row.id, toAccount(store, row)])),
    subscriptions: new Map(subscriptions.rows.map((row) => [row.id, toSubscription(store, row)])),
  };
}
