/** Transactions of single requests, which lock their account because it changes all the time. */
import { loadEntry, lockVersion, type CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { insertEvents, type DispatchModes } from '../store/events/events.js';
import { cancelSuperseded, lockKeys, type SupersededDelivery } from '../store/events/supersede.js';
import { claimKey, findResponse, type IdempotentResponse } from '../store/events/idempotency.js';
import { inTransaction, type Queryable, type Store } from '../store/store.js';
import type { FanOut } from './fan-out.js';

/** The idempotency key of a request, and its response. */
export interface Once {
  readonly accountId: string;
  readonly key: string;
  readonly response: IdempotentResponse;
}

/** A request with this idempotency key was committed before; `fingerprint` shows whether it was the same request. */
export class IdempotentReplay extends Error {
  constructor(readonly first: IdempotentResponse) {
    super('a request with this idempotency key was committed before');
  }
}

/** The account does not exist, or was deleted. */
export class NoSuchAccount extends Error {}

/** The account has changed since its events were planned. Rolls the transaction back. */
export class Outdated extends Error {
  constructor() {
    super('an account has changed since its events were planned');
  }
}

/** The commit of a locked account. */
export interface LockedCommit {
  readonly fanOuts: readonly FanOut[];
  readonly once: Once | undefined;
  readonly modes: DispatchModes;
}

/**
 * Plans and commits events while the account is locked against changes. `blocked` are deliveries that must not be sent yet.
 * Throws NoSuchAccount and IdempotentReplay.
 */
export async function commitLocked<Commit extends LockedCommit>(
  store: Store,
  accountId: string,
  plan: (entry: CachedSubscriptions) => Commit,
): Promise<Commit & { readonly blocked: ReadonlySet<string>; readonly superseded: readonly SupersededDelivery[] }> {
  return inTransaction(store, async (client) => {
    await lockVersion(client, accountId);
    const entry = await loadEntry(store, accountId, client);
    if (!entry) throw new NoSuchAccount();
    const commit = plan(entry);
    const rows = commit.fanOuts.map(({ row }) => row);
    // Before the idempotency key, as in a shared commit, so that two transactions do not wait for each other.
    await lockKeys(client, rows);
    if (commit.once) await claim(store, client, commit.once);
    const blocked = await insertEvents(store, client, rows, commit.modes);
    return { ...commit, blocked, superseded: await cancelSuperseded(client, rows) };
  });
}

async function claim(store: Store, client: Queryable, { accountId, key, response }: Once): Promise<void> {
  if (await claimKey(client, accountId, key, response)) return;
  // On the same connection: if each needed a second one, many repetitions at once would deadlock on the pool.
  const first = await findResponse(store, accountId, key, client);
  if (!first) throw new Error('the idempotency key was deleted in the meantime');
  throw new IdempotentReplay(first);
}
