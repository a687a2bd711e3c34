/** Transactions of requests that do not share their commit: those to be answered once, and those whose account is locked. */
import { loadEntry, lockVersion, type DirectoryEntry } from '../store/subscriptions/subscription-cache.js';
import { insertCurrentEvents, insertEvents, type AccountVersions, type Lane } from '../store/events/events.js';
import { claimKey, findAnswer, type IdempotentAnswer } from '../store/events/idempotency.js';
import { inTransaction, type Queryable, type Store } from '../store/store.js';
import type { PlannedEvent } from './fan-out.js';

/** A request that is to be answered once, and how. */
export interface Once {
  readonly accountId: string;
  readonly key: string;
  readonly answer: IdempotentAnswer;
}

/** A request that was answered before; `fingerprint` tells whether it was this one. */
export class AnsweredBefore extends Error {
  constructor(readonly first: IdempotentAnswer) {
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
  planned: readonly PlannedEvent[],
  once: Once,
  lane: Lane,
  versions: AccountVersions,
): Promise<boolean> {
  const rows = planned.map(({ row }) => row);
  try {
    await inTransaction(store, async (client) => {
      await claim(store, client, once);
      const outdated = await insertCurrentEvents(client, rows, versions, lane);
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
  readonly planned: readonly PlannedEvent[];
  readonly once: Once | undefined;
  readonly lane: Lane;
}

/** Plans events while the account cannot change, and commits them. Throws NoSuchAccount and AnsweredBefore. */
export async function commitLocked<Commit extends LockedCommit>(
  store: Store,
  accountId: string,
  plan: (entry: DirectoryEntry) => Commit,
): Promise<Commit> {
  return inTransaction(store, async (client) => {
    await lockVersion(client, accountId);
    const entry = await loadEntry(store, accountId, client);
    if (!entry) throw new NoSuchAccount();
    const commit = plan(entry);
    if (commit.once) await claim(store, client, commit.once);
    await insertEvents(
      client,
      commit.planned.map(({ row }) => row),
      commit.lane,
    );
    return commit;
  });
}

async function claim(store: Store, client: Queryable, { accountId, key, answer }: Once): Promise<void> {
  if (await claimKey(client, accountId, key, answer)) return;
  // On this connection: were each request to wait for another one, many repetitions at once would wait forever.
  const first = await findAnswer(store, accountId, key, client);
  if (!first) throw new Error('the idempotency key was forgotten meanwhile');
  throw new AnsweredBefore(first);
}
