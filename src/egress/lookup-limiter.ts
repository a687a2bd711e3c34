/**
 * Bounds on lookups in flight, so that one account's silent names take up neither this process nor its name servers,
 * which forward a limited number of queries themselves.
 *
 * No account has more lookups in flight than are left for all others: with n accounts whose names are silent each is
 * capped at 1/(n+1) of the capacity. Requests of an account for the same name share one lookup.
 */
import type { Lookup } from './dns.js';
import { EgressFailure } from './failures.js';

export interface LookupLimits {
  /** Lookups in flight in all. */
  readonly capacity: number;
  readonly perAccount: number;
  /** How long a lookup may wait to begin, in milliseconds. */
  readonly maxWaitMs: number;
}

const LIMITS: LookupLimits = { capacity: 128, perAccount: 16, maxWaitMs: 2_000 };

/** Who asks for an address, and until when. */
export interface LookupRequest {
  readonly account: string;
  /** Its reason is the failure to report. */
  readonly signal: AbortSignal;
}

/** What is known of one account. */
interface Account {
  inFlight: number;
  /** Starts the lookups that wait, first come first served. */
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
   * All addresses of a host name. Rejects as the lookup does, with the reason of the signal, or with an EgressFailure
   * for `busy` when the lookup did not begin in time.
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
    if (this.#hasRoom(account)) this.#acquire(account);
    else if (!(await this.#acquireLater(account))) throw busy(hostname);
    try {
      return await this.lookup(hostname);
    } finally {
      this.#release(account);
    }
  }

  #hasRoom({ inFlight }: Account): boolean {
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

  /** Of the accounts with lookups that wait and have room now, the one with the fewest in flight. */
  #nextAccount(): Account | undefined {
    const ready = [...this.#accounts.values()].filter((each) => each.waiting.size > 0 && this.#hasRoom(each));
    return ready.reduce<Account | undefined>(
      (least, each) => (least === undefined || each.inFlight < least.inFlight ? each : least),
      undefined,
    );
  }

  /** Waits until `#release` has acquired a permit for this account; false when that takes too long. */
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
  return new EgressFailure('busy', `The name ${hostname} was not looked up: too many others are`);
}
