/** Transactions of requests that do not share their commit: those to be answered once, and those whose account is locked. */
import { loadEntry, lockVersion, type CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { insertCurrentEvents, insertEvents, type AccountVersions, type DispatchMode } from '../store/events/events.js';
import { claimKey, findResponse, type IdempotentResponse } from '../store/events/idempotency.js';
import { inTransaction, type Queryable, type Store } from '../store/store.js';
import type { FanOut } from './fan-out.js';

/** A request that is to be answered once, and how. */
export interface Once {
  readonly accountId: string;
  readonly key: string;
  readonly response: IdempotentResponse;
}

/** A request that was answered before; `fingerprint` tells whether it was this one. */
export class IdempotentReplay extends Error {
  constructor(readonly first: IdempotentResponse) {
    super('answered before');
  }
}

/** There is no such account, or it was deleted. */
export class NoSuchAccount extends Error {}

/** Events were planned for an account as it was; thrown, it rolls their transaction back. */
export class Outdated extends Error {
  constructor() {
    super('an account has changed since events of it were planned');
  }
}

/**
 * Commits planned events and their answer: all of it, or nothing and false when one of the accounts has another version
 * by now. Throws AnsweredBefore when the request had its answer.
 */
export async function commitOnce(
  store: Store,
  fanOuts: readonly FanOut[],
  once: Once,
  mode: DispatchMode,
  versions: AccountVersions,
): Promise<boolean> {
  const rows = fanOuts.map(({ row }) => row);
  try {
    await inTransaction(store, async (client) => {
      await claim(store, client, once);
      const outdated = await insertCurrentEvents(client, rows, versions, mode);
      if (outdated.size > 0) throw new Outdated();
    });
    return true;
  } catch (error) {
    if (error instanceof Outdated) return false;
    throw error;
  }
}

/** What is committed of an account that is locked. */
export interface LockedCommit {
  readonly fanOuts: readonly FanOut[];
  readonly once: Once | undefined;
  readonly mode: DispatchMode;
}

/** Plans events while the account cannot change, and commits them. Throws NoSuchAccount and AnsweredBefore. */
export async function commitLocked<Commit extends LockedCommit>(
  store: Store,
  accountId: string,
  plan: (entry: CachedSubscriptions) => Commit,
): Promise<Commit> {
  return inTransaction(store, async (client) => {
    await lockVersion(client, accountId);
    const entry = await loadEntry(store, accountId, client);
    if (!entry) throw new NoSuchAccount();
    const commit = plan(entry);
    if (commit.once) await claim(store, client, commit.once);
    await insertEvents(
      client,
      commit.fanOuts.map(({ row }) => row),
      commit.mode,
    );
    return commit;
  });
}

async function claim(store: Store, client: Queryable, { accountId, key, response: answer }: Once): Promise<void> {
  if (await claimKey(client, accountId, key, answer)) return;
  // On this connection: were each request to wait for another one, many repetitions at once would wait forever.
  const first = await findResponse(store, accountId, key, client);
  if (!first) throw new Error('the idempotency key was forgotten meanwhile');
  throw new IdempotentReplay(first);
}
