/**
 * Accounts and their subscriptions, cached in memory for accepting events.
 *
 * A cached entry may be outdated. Each has a version, which the statement that writes events compares
 * (`insertCurrentEvents`): on a mismatch nothing is written, and the entry is dropped and loaded again. So processes need
 * not notify each other of changes.
 */
import { toAccount, type AccountRow, type StoredAccount } from '../accounts/accounts.js';
import { fromJson, onlyRow, type Queryable, type Store } from '../store.js';
import { toSubscription, type StoredSubscription, type SubscriptionRow } from './subscriptions.js';

/** Maximum number of cached accounts and subscriptions together; beyond it the least recently used are dropped. */
const MAX_CACHED = 100_000;

/** An account and all its subscriptions, including disabled ones, in one snapshot. */
export interface CachedSubscriptions {
  readonly account: StoredAccount;
  readonly subscriptions: readonly StoredSubscription[];
  /** Changes with everything that selecting subscriptions and rendering depend on. */
  readonly version: string;
}

export interface SubscriptionCache {
  /** An account that is not deleted, possibly without its last changes. */
  find(accountId: string): Promise<CachedSubscriptions | undefined>;
  /** Drops an outdated entry. */
  drop(entry: CachedSubscriptions): void;
}

export function createSubscriptionCache(store: Store, maxCached = MAX_CACHED): SubscriptionCache {
  /** The least recently used first. */
  const cached = new Map<string, CachedSubscriptions>();
  const loading = new Map<string, Promise<CachedSubscriptions | undefined>>();
  let size = 0;

  function drop(entry: CachedSubscriptions): void {
    const { id } = entry.account;
    if (cached.get(id) !== entry) return;
    cached.delete(id);
    size -= sizeOf(entry);
  }

  function add(entry: CachedSubscriptions): void {
    cached.set(entry.account.id, entry);
    size += sizeOf(entry);
    for (const oldest of cached.values()) {
      if (size <= maxCached) return;
      drop(oldest);
    }
  }

  async function load(accountId: string): Promise<CachedSubscriptions | undefined> {
    try {
      const entry = await loadEntry(store, accountId);
      if (entry) add(entry);
      return entry;
    } finally {
      loading.delete(accountId);
    }
  }

  return {
    find(accountId) {
      const entry = cached.get(accountId);
      if (entry) {
        cached.delete(accountId);
        cached.set(accountId, entry);
        return Promise.resolve(entry);
      }
      const pending = loading.get(accountId) ?? load(accountId);
      loading.set(accountId, pending);
      return pending;
    },
    drop,
  };
}

const sizeOf = ({ subscriptions }: CachedSubscriptions): number => 1 + subscriptions.length;

/** Loads an account that is not deleted with its subscriptions, in one snapshot. */
export async function loadEntry(
  store: Store,
  accountId: string,
  client: Queryable = store.pool,
): Promise<CachedSubscriptions | undefined> {
  const row = onlyRow(
    await client.query<{ version: string; account: AccountRow; subscriptions: SubscriptionRow[] }>({
      name: 'load-cached-subscriptions',
      text: `
        SELECT v.version, to_jsonb(a) AS account,
               (SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.id), '[]') FROM subscriptions s
                WHERE s.account_id = a.id AND s.deleted_at IS NULL) AS subscriptions
        FROM accounts a JOIN account_versions v ON v.account_id = a.id
        WHERE a.id = $1 AND a.deleted_at IS NULL`,
      values: [accountId],
    }),
  );
  return (
    row && {
      version: row.version,
      account: toAccount(store, fromJson(row.account)),
      subscriptions: row.subscriptions.map((subscription) =>
        toSubscription(store, { ...fromJson(subscription), updated_at: new Date(subscription.updated_at) }),
      ),
    }
  );
}

/** Locks the version of an account until the transaction ends: changes of it and its subscriptions wait. */
export async function lockVersion(client: Queryable, accountId: string): Promise<void> {
  await client.query('SELECT FROM account_versions WHERE account_id = $1 FOR SHARE', [accountId]);
}
