/**
 * Commits that wait for their turn: account by account, so that no account's requests hold up those of another one.
 * Requests share a commit as far as its bounds allow. A large one is committed by itself, and only one at a time, so that
 * there is always another connection for the small ones.
 */

/** A request whose events wait to be committed. */
export interface Waiting {
  readonly accountId: string;
  readonly events: number;
  readonly bytes: number;
}

export interface CommitQueueSettings {
  /** Commits in flight at once. */
  readonly concurrency: number;
  /** Requests that share one commit. */
  readonly maxRequests: number;
}

/** Events of one commit at most, unless a single request has more. */
const MAX_EVENTS = 500;
/** Bytes of a commit that requests share; a request of more is a large one. */
export const MAX_SHARED_BYTES = 4 * 1024 * 1024;
/** Bytes that may wait of one account; further requests are rejected until some are committed. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** More of an account waits to be committed than may. */
export class TooMuchWaiting extends Error {
  constructor() {
    super('too much of this account waits to be committed');
  }
}

const isLarge = ({ bytes }: Waiting): boolean => bytes > MAX_SHARED_BYTES;

/** Calls `commit` with requests whose turn has come; it must not reject. */
export class CommitQueue<Request extends Waiting> {
  /** By account; the one whose turn is next first. */
  readonly #accounts = new Map<string, { requests: Request[]; bytes: number }>();
  #inFlight = 0;
  #largeInFlight = false;

  constructor(
    private readonly settings: CommitQueueSettings,
    private readonly commit: (requests: readonly Request[]) => Promise<void>,
  ) {}

  /** Adds a request, which is committed at once when nothing is in its way. Throws TooMuchWaiting. */
  add(request: Request): void {
    const waiting = this.#accounts.get(request.accountId) ?? { requests: [], bytes: 0 };
    if (waiting.bytes > 0 && waiting.bytes + request.bytes > MAX_WAITING_BYTES) throw new TooMuchWaiting();
    waiting.requests.push(request);
    waiting.bytes += request.bytes;
    this.#accounts.set(request.accountId, waiting);
    this.#commitMore();
  }

  #commitMore(): void {
    while (this.#inFlight < this.settings.concurrency) {
      const requests = this.#next();
      if (requests.length === 0) return;
      const large = requests.some(isLarge);
      this.#inFlight += 1;
      this.#largeInFlight ||= large;
      void this.commit(requests).finally(() => {
        this.#inFlight -= 1;
        if (large) this.#largeInFlight = false;
        this.#commitMore();
      });
    }
  }

  /** The requests of the next commit, one of each account in turn; none when only large ones wait for another large one. */
  #next(): Request[] {
    const taken: Request[] = [];
    let events = 0;
    let bytes = 0;
    // An account that is put back at the end comes up again.
    for (const [accountId, waiting] of this.#accounts) {
      const request = waiting.requests[0]!;
      if (isLarge(request) && (this.#largeInFlight || taken.length > 0)) continue;
      events += request.events;
      bytes += request.bytes;
      const fits = events <= MAX_EVENTS && bytes <= MAX_SHARED_BYTES && taken.length < this.settings.maxRequests;
      if (taken.length > 0 && !fits) break;
      taken.push(request);
      waiting.requests.shift();
      waiting.bytes -= request.bytes;
      this.#accounts.delete(accountId);
      if (waiting.requests.length > 0) this.#accounts.set(accountId, waiting);
    }
    return taken;
  }
}
