/** Where a strip of time is marked: at round times, few enough to be read. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 5, 15, 30].map((n) => n * SECOND),
  ...[1, 5, 15, 30].map((n) => n * MINUTE),
  ...[1, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7].map((n) => n * DAY),
];
const MAX_TICKS = 6;

/** Times from 0 on, up to `spanMs`, in milliseconds. */
export function ticks(spanMs: number): number[] {
  const step = STEPS.find((size) => spanMs / size <= MAX_TICKS) ?? Math.ceil(spanMs / MAX_TICKS / DAY) * DAY;
  return Array.from({ length: Math.floor(spanMs / step) + 1 }, (_, index) => index * step);
}
