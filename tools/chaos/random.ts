/** Random numbers that are the same for the same seed, so that a run can be repeated. */

/** Draws from one stream of numbers. */
export interface Random {
  /** From 0 up to 1, 1 excluded. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[];
}

/**
 * A stream for a seed and a purpose. Each purpose has its own stream, so that drawing more for one does not change the others
 * alone. Mulberry32, started by FNV-1a of both: no secrets depend on it.
 */
export function randomFor(seed: number, purpose: string): Random {
  let state = 0x811c9dc5;
  for (const char of `${seed}/${purpose}`) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    shuffled(items) {
      const remaining = [...items];
      return items.map(() => remaining.splice(between(0, remaining.length - 1), 1)[0]!);
    },
  };
}
