/** Counts requests per minute, for limits. */
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** Length of a counting window, in milliseconds. */
const WINDOW_MS = 60_000;

/** Counts per key in windows that begin with the key's first count. Memory is bounded. */
export class WindowCounter {
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

/** An IPv4 address, or the /64 network of an IPv6 address, because one customer usually has a whole /64. */
export function networkOf(ip = ''): string {
  if (!ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4') return address.toString();
  return `${(address as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
