/**
 * Limits DNS lookups in flight, so that one account's unresponsive names block neither this process nor its name
 * servers, which forward a limited number of queries themselves.
 *
 * An account may have at most as many lookups in flight as there are free permits: with n accounts whose names do not
 * resolve, each is capped at 1/(n+1) of the capacity. Requests of an account for the same name share one lookup.
 */
import type { Lookup } from './dns.js';
import { EgressFailure } from './failures.js';

export interface LookupLimits {
  /** Lookups in flight in all. */
  readonly capacity: number;
  readonly perAccount: number;
  /** Maximum wait before a lookup starts, in milliseconds. */
  readonly maxWaitMs: number;
}

const LIMITS: LookupLimits = { capacity: 128, perAccount: 16, maxWaitMs: 2_000 };

/** The account that a lookup is for, and when to stop waiting. */
export interface LookupRequest {
  readonly account: string;
  /** The abort reason is the failure to report. */
  readonly signal: AbortSignal;
}

/** Lookups of one account. */
interface Account {
  inFlight: number;
  /** Callbacks that start the waiting lookups, in FIFO order. */
  readonly waiting: Set<() => void>;
}

export class LookupLimiter {
  /** Lookups that wait or are in flight, by account and name. */
  readonly #pending = new Map<string, Promise<readonly string[]>>();
  readonly #accounts = new Map<string, Account>();
  #inFlight = 0;

  constructor(
    private readonly lookup: Lookup,
    private readonly limits: LookupLimits = LIMITS,
  ) {}

  /**
   * Returns all addresses of a host name. Rejects with the lookup's error, with the signal's reason, or with an
   * EgressFailure `busy` when the lookup did not start in time.
   */
  find(hostname: string, { account, signal }: LookupRequest): Promise<readonly string[]> {
    const key = `${account} ${hostname}`;
    const pending = this.#pending.get(key) ?? this.#begin(key, account, hostname);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason as Error);
      pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  #begin(key: string, accountId: string, hostname: string): Promise<readonly string[]> {
    const account = this.#accounts.get(accountId) ?? { inFlight: 0, waiting: new Set() };
    this.#accounts.set(accountId, account);
    const addresses = this.#run(account, hostname).finally(() => {
      this.#pending.delete(key);
      const isUnused = account.inFlight === 0 && account.waiting.size === 0;
      if (isUnused && this.#accounts.get(accountId) === account) this.#accounts.delete(accountId);
    });
    this.#pending.set(key, addresses);
    return addresses;
  }

  async #run(account: Account, hostname: string): Promise<readonly string[]> {
    if (this.#hasPermit(account)) this.#acquire(account);
    else if (!(await this.#acquireLater(account))) throw busy(hostname);
    try {
      return await this.lookup(hostname);
    } finally {
      this.#release(account);
    }
  }

  #hasPermit({ inFlight }: Account): boolean {
    return inFlight < Math.min(this.limits.perAccount, this.limits.capacity - this.#inFlight);
  }

  #acquire(account: Account): void {
    account.inFlight += 1;
    this.#inFlight += 1;
  }

  #release(account: Account): void {
    account.inFlight -= 1;
    this.#inFlight -= 1;
    for (let next = this.#nextAccount(); next !== undefined; next = this.#nextAccount()) {
      const [start] = next.waiting;
      this.#acquire(next);
      start?.();
    }
  }

  /** The account with the fewest lookups in flight among those that wait and may start one now. */
  #nextAccount(): Account | undefined {
    const ready = [...this.#accounts.values()].filter((each) => each.waiting.size > 0 && this.#hasPermit(each));
    return ready.reduce<Account | undefined>(
      (least, each) => (least === undefined || each.inFlight < least.inFlight ? each : least),
      undefined,
    );
  }

  /** Waits until `#release` acquires a permit for this account; false on timeout. */
  #acquireLater({ waiting }: Account): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (acquired: boolean): void => {
        clearTimeout(timer);
        waiting.delete(start);
        resolve(acquired);
      };
      const start = (): void => end(true);
      const timer = setTimeout(() => end(false), this.limits.maxWaitMs);
      waiting.add(start);
    });
  }
}

function busy(hostname: string): EgressFailure {
  return new EgressFailure('busy', `The name ${hostname} was not looked up: too many lookups are in flight`);
}
