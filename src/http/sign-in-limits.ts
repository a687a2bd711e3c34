/** How many sign-ins may fail: by address, and by the beginning of the key, whatever address it comes from. */
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** Windows of counting, in milliseconds. */
const WINDOW_MS = 60_000;
/** Failures in a window, for one address and for one prefix. */
const MAX_FAILURES = 100;
/** Log lines in a window, for all addresses. */
const MAX_LOG_LINES = 30;
/** Addresses and prefixes that are remembered, each; those that failed the longest ago are forgotten first. */
const MAX_REMEMBERED = 10_000;
/** The characters of a key that are its prefix: what all keys of a provider begin with, and a few more. */
const PREFIX_LENGTH = 12;

export interface Failure {
  /** The address, or the network of an IPv6 one. */
  readonly address: string;
  /** How often sign-ins of this address or prefix failed in this window, whichever is more. */
  readonly failures: number;
  /** When it is over the limit: seconds until the window ends. */
  readonly retryAfterS?: number;
  /** Whether this one is worth a line: the first of an address, and the first over the limit. */
  readonly shouldLog: boolean;
}

export interface SignInLimitOptions {
  readonly maxFailures?: number;
  /** Milliseconds, from any time on. */
  readonly now?: () => number;
}

export class SignInLimits {
  readonly #maxFailures: number;
  readonly #byAddress: Counter;
  readonly #byPrefix: Counter;
  readonly #lines: Counter;

  constructor({ maxFailures = MAX_FAILURES, now = () => performance.now() }: SignInLimitOptions = {}) {
    this.#maxFailures = maxFailures;
    this.#byAddress = new Counter(MAX_REMEMBERED, now);
    this.#byPrefix = new Counter(MAX_REMEMBERED, now);
    this.#lines = new Counter(1, now);
  }

  /** Counts a failure of an address with a key. */
  add(ip: string | undefined, key: string): Failure {
    const address = networkOf(ip);
    const counts = [this.#byAddress.add(address), this.#byPrefix.add(prefixOf(key))];
    const over = counts.filter(({ count }) => count > this.#maxFailures);
    const isNotable = counts[0]!.count === 1 || counts.some(({ count }) => count === this.#maxFailures + 1);
    return {
      address,
      failures: Math.max(...counts.map(({ count }) => count)),
      ...(over.length > 0 && { retryAfterS: Math.max(...over.map(({ endsInMs }) => Math.ceil(endsInMs / 1_000)), 1) }),
      shouldLog: isNotable && this.#lines.add('').count <= MAX_LOG_LINES,
    };
  }

  /** Whether the next failure of an address with a key would be over the limit. */
  isOver(ip: string | undefined, key: string): boolean {
    return (
      this.#byAddress.get(networkOf(ip)) >= this.#maxFailures || this.#byPrefix.get(prefixOf(key)) >= this.#maxFailures
    );
  }
}

/** Counts by key in windows that begin with the first of each; bounded in memory. */
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

/** An IPv4 address, or the /64 network of an IPv6 one, which one customer has all addresses of. */
function networkOf(ip = ''): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4') return address.toString();
  return `${(address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
