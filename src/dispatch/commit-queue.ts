/**
 * The order in which requests are committed: account by account, so that one account's requests do not delay those of
 * another. Small requests share a commit within its limits. A large one is committed alone, and only one at a time, so
 * that a connection remains for the small ones.
 *
 * Unlike the queue of the OutcomeWriter it counts events and bytes instead of rows, rotates over accounts, and rejects
 * requests when too many bytes wait. The writes themselves are the same: lib/batch-writer.ts.
 */
import type { BatchQueue, Entry } from '../lib/batch-writer.js';

/** A request whose events wait to be committed. */
export interface Waiting {
  readonly accountId: string;
  /** The account with which it shares its turns; it has its own when absent. */
  readonly parentId?: string | undefined;
  readonly events: number;
  readonly bytes: number;
}

/** Events of one commit, unless a single request has more. */
const MAX_EVENTS = 500;
/** Bytes of a commit that requests share; a request with more is a large one. */
export const MAX_SHARED_BYTES = 4 * 1024 * 1024;
/** Bytes of one account that may wait; further requests are rejected until some are committed. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Too many bytes of an account wait to be committed. */
export class TooMuchWaiting extends Error {
  constructor() {
    super('too much of this account waits to be committed');
  }
}

const isLarge = ({ item }: { readonly item: Waiting }): boolean => item.bytes > MAX_SHARED_BYTES;

export class CommitQueue<Request extends Waiting, Result> implements BatchQueue<Request, Result> {
  /** By account; the account that is next comes first. */
  readonly #accounts = new Map<string, { requests: Entry<Request, Result>[]; bytes: number }>();
  #largeInFlight = false;

  constructor(
    /** Requests that share one commit. */
    private readonly maxRequests = Infinity,
  ) {}

  /** Throws TooMuchWaiting. */
  add(entry: Entry<Request, Result>): void {
    const { accountId, parentId, bytes } = entry.item;
    const turn = parentId ?? accountId;
    const waiting = this.#accounts.get(turn) ?? { requests: [], bytes: 0 };
    if (waiting.bytes > 0 && waiting.bytes + bytes > MAX_WAITING_BYTES) throw new TooMuchWaiting();
    waiting.requests.push(entry);
    waiting.bytes += bytes;
    this.#accounts.set(turn, waiting);
  }

  /** The requests of the next commit, one of each account in rotation; none while only large ones wait for another one. */
  take(): Entry<Request, Result>[] {
    const selected: Entry<Request, Result>[] = [];
    let events = 0;
    let bytes = 0;
    // An account that is set again moves to the end, and the loop reaches it again.
    for (const [accountId, waiting] of this.#accounts) {
      const entry = waiting.requests[0]!;
      if (isLarge(entry) && (this.#largeInFlight || selected.length > 0)) continue;
      events += entry.item.events;
      bytes += entry.item.bytes;
      const fits = events <= MAX_EVENTS && bytes <= MAX_SHARED_BYTES && selected.length < this.maxRequests;
      if (selected.length > 0 && !fits) break;
      selected.push(entry);
      waiting.requests.shift();
      waiting.bytes -= entry.item.bytes;
      this.#accounts.delete(accountId);
      if (waiting.requests.length > 0) this.#accounts.set(accountId, waiting);
    }
    this.#largeInFlight ||= selected.some(isLarge);
    return selected;
  }

  release(entries: readonly Entry<Request, Result>[]): void {
    if (entries.some(isLarge)) this.#largeInFlight = false;
  }
}
