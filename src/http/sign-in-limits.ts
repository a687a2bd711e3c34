/** Limits failed sign-ins, per address and per key prefix. */
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** Length of a counting window, in milliseconds. */
const WINDOW_MS = 60_000;
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
  readonly #byAddress: Counter;
  readonly #byPrefix: Counter;
  readonly #logLines: Counter;

  constructor({ maxFailures = MAX_FAILURES, now = () => performance.now() }: SignInLimitOptions = {}) {
    this.#maxFailures = maxFailures;
    this.#byAddress = new Counter(MAX_COUNTED, now);
    this.#byPrefix = new Counter(MAX_COUNTED, now);
    this.#logLines = new Counter(1, now);
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

/** Counts per key in windows that begin with the key's first count. Memory is bounded. */
class Counter {
  readonly #counts: LRUCache<string, number>;

  constructor(max: number, now: () => number) {
    this.#counts = new LRUCache({ max, ttl: WINDOW_MS, noUpdateTTL: true, ttlResolution: 0, perf: { now } });
  }

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string): { count: number; endsInMs: number } {
    const count = this.get(key) + 1;
    this.#counts.set(key, count);
    return { count, endsInMs: this.#counts.getRemainingTTL(key) };
  }
}

function prefixOf(key: string): string {
  return key.slice(0, PREFIX_LENGTH);
}

/** An IPv4 address, or the /64 network of an IPv6 address, because one customer usually has a whole /64. */
function networkOf(ip = ''): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4') return address.toString();
  return `${(address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
