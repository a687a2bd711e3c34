/** The phases of an exchange in the order in which they follow each other. */
import type { Attempt } from '../../api/shapes.js';

export interface Phase {
  readonly name: 'name lookup' | 'connecting' | 'TLS' | 'waiting' | 'the rest';
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * Phases that there were: a connection that was used again had neither lookup, connecting nor TLS. The rest is reading
 * the response, and waiting for a free connection.
 */
export function phasesOf({ dnsMs, connectMs, tlsMs, firstByteMs, totalMs }: NonNullable<Attempt['timings']>): Phase[] {
  const known = [dnsMs, connectMs, tlsMs, firstByteMs].reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
  const rest = firstByteMs === undefined ? undefined : Math.max(0, totalMs - known);
  const all = [
    ['name lookup', dnsMs],
    ['connecting', connectMs],
    ['TLS', tlsMs],
    ['waiting', firstByteMs],
    ['the rest', rest],
  ] as const;
  return all.flatMap(([name, ms]) => (ms === undefined ? [] : [{ name, ms }]));
}
