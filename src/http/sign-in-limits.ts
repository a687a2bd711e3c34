/** Limits failed sign-ins, per address and per key prefix. */
import { networkOf, WindowCounter } from './window-counter.js';

/** Maximum failures per window, for one address and for one prefix. */
const MAX_FAILURES = 100;
/** Maximum log lines per window, for all addresses together. */
const MAX_LOG_LINES = 30;
/** Maximum number of counted addresses, and of prefixes; the least recently failed are dropped first. */
const MAX_COUNTED = 10_000;
/** Length of a key prefix, in characters: the part that all keys of a provider share, and a few more. */
const PREFIX_LENGTH = 12;

export interface Failure {
  /** The address, or the network of an IPv6 one. */
  readonly address: string;
  /** Failures of this address or of this prefix in the window, whichever is higher. */
  readonly failures: number;
  /** Seconds until the window ends; absent below the limit. */
  readonly retryAfterS?: number;
  /** Whether to log it: the first failure of an address, and the first over the limit. */
  readonly shouldLog: boolean;
}

export interface SignInLimitOptions {
  readonly maxFailures?: number;
  /** A clock in milliseconds with any origin. */
  readonly now?: () => number;
}

export class SignInLimits {
  readonly #maxFailures: number;
  readonly #byAddress: WindowCounter;
  readonly #byPrefix: WindowCounter;
  readonly #logLines: WindowCounter;

  constructor({ maxFailures = MAX_FAILURES, now = () => performance.now() }: SignInLimitOptions = {}) {
    this.#maxFailures = maxFailures;
    this.#byAddress = new WindowCounter(MAX_COUNTED, now);
    this.#byPrefix = new WindowCounter(MAX_COUNTED, now);
    this.#logLines = new WindowCounter(1, now);
  }

  /** Counts a failed sign-in. */
  add(ip: string | undefined, key: string): Failure {
    const address = networkOf(ip);
    const counts = [this.#byAddress.add(address), this.#byPrefix.add(prefixOf(key))];
    const over = counts.filter(({ count }) => count > this.#maxFailures);
    const isNotable = counts[0]!.count === 1 || counts.some(({ count }) => count === this.#maxFailures + 1);
    return {
      address,
      failures: Math.max(...counts.map(({ count }) => count)),
      ...(over.length > 0 && { retryAfterS: Math.max(...over.map(({ endsInMs }) => Math.ceil(endsInMs / 1_000)), 1) }),
      shouldLog: isNotable && this.#logLines.add('').count <= MAX_LOG_LINES,
    };
  }

  /** Whether the next failure would be over the limit. */
  isOver(ip: string | undefined, key: string): boolean {
    return (
      this.#byAddress.get(networkOf(ip)) >= this.#maxFailures || this.#byPrefix.get(prefixOf(key)) >= this.#maxFailures
    );
  }
}

function prefixOf(key: string): string {
  return key.slice(0, PREFIX_LENGTH);
}
