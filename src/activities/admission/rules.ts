/** Pure rules about attempts that are turned away. */

/** The shortest and the longest time to stay away, in milliseconds. */
const MIN_MS = 250;
const MAX_MS = 600_000;
/** How long to stay away at most the first time, in milliseconds; doubled each time. */
const FIRST_MAX_MS = 5_000;
/** How late a booked turn may still be used, in milliseconds; otherwise turns missed together would become a surge. */
const GRACE_MS = 5_000;
/** How early it may be used, in milliseconds: clocks of workers differ a little. */
const EARLY_MS = 250;

/**
 * How long to stay away, in milliseconds: until the place in the queue comes up, but never much longer than one has
 * waited already, so that a receiver that has recovered is noticed soon; with jitter, as many are turned away at once.
 */
export function retryDelayMs(untilFreeMs: number, timesBefore: number, random: number): number {
  const maxMs = Math.min(FIRST_MAX_MS * 2 ** Math.min(timesBefore, 20), MAX_MS);
  if (untilFreeMs > maxMs) return maxMs * (0.5 + random / 2);
  return Math.max(untilFreeMs, MIN_MS) * (1 + random / 4);
}

/** Whether a turn that was booked for a time (Unix milliseconds) can be used now. */
export function isReservationValid(reservedAt: number | undefined, now: number): boolean {
  return reservedAt !== undefined && now >= reservedAt - EARLY_MS && now <= reservedAt + GRACE_MS;
}
