/**
 * Accounts and the subscriptions that take their events, kept in memory for those who emit. The database tells of every
 * change (LISTEN), whichever process made it; while nobody listens, nothing is kept.
 */
import { Client } from 'pg';
import type { Logger } from 'pino';
import { findAccount, type StoredAccount } from './accounts.js';
import type { Store } from './store.js';
import { enabledSubscriptions, type StoredSubscription } from './subscriptions.js';

const CHANNEL = 'pigeonpost_accounts';
/** Accounts that are kept at most; beyond that the one that was loaded first is let go of. */
const MOST_ACCOUNTS = 10_000;
/** Wait before the connection is made anew, in milliseconds. */
const RECONNECT_MS = 1_000;

/** An account and its subscriptions that take events. */
export interface DirectoryEntry {
  readonly account: StoredAccount;
  readonly subscriptions: readonly StoredSubscription[];
}

/** Looks accounts up. */
export interface Directory {
  /** An account that exists, with its enabled subscriptions. */
  find(accountId: string): Promise<DirectoryEntry | undefined>;
  /** Forgets an account at once: who has changed it must not have to wait until the database tells. */
  forget(accountId: string): void;
  close(): Promise<void>;
}

/** A directory that keeps nothing. */
export function plainDirectory(store: Store): Directory {
  return { find: (id) => load(store, id), forget: () => undefined, close: async () => undefined };
}

/** A directory that keeps what it has loaded until it is told of a change. */
export function keepingDirectory(store: Store, databaseUrl: string, log: Logger): Directory {
  const entries = new Map<string, Promise<DirectoryEntry | undefined>>();
  let listener: Client | undefined;
  let listening = false;
  let closed = false;
  let retry: NodeJS.Timeout | undefined;

  async function listen(): Promise<void> {
    const client = new Client({
      connectionString: databaseUrl,
      application_name: 'pigeonpost directory',
      keepAlive: true,
    });
    listener = client;
    const lost = (error?: Error): void => {
      if (listener !== client) return;
      listener = undefined;
      listening = false;
      entries.clear();
      client.end().catch(() => undefined);
      if (closed) return;
      log.debug({ err: error }, 'the directory lost its connection to the database');
      retry = setTimeout(() => void listen(), RECONNECT_MS);
    };
    client.on('error', lost);
    client.on('end', () => lost());
    client.on('notification', ({ payload }) => void entries.delete(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      listening = listener === client;
    } catch (error) {
      lost(error as Error);
    }
  }

  void listen();
  return {
    find(accountId) {
      if (!listening) return load(store, accountId);
      const kept = entries.get(accountId);
      if (kept) return kept;
      // Kept before it is loaded: a change that comes meanwhile removes it, so that nothing outdated stays.
      const entry = load(store, accountId).catch((error: unknown) => {
        if (entries.get(accountId) === entry) entries.delete(accountId);
        throw error;
      });
      entries.set(accountId, entry);
      const [oldest] = entries.keys();
      if (entries.size > MOST_ACCOUNTS && oldest !== undefined) entries.delete(oldest);
      return entry;
    },
    forget: (accountId) => void entries.delete(accountId),
    async close() {
      closed = true;
      clearTimeout(retry);
      await listener?.end();
    },
  };
}

async function load(store: Store, accountId: string): Promise<DirectoryEntry | undefined> {
  const [account, subscriptions] = await Promise.all([
    findAccount(store, accountId),
    enabledSubscriptions(store, accountId),
  ]);
  return account && { account, subscriptions };
}
