/** Pure functions of the overview: time windows, buckets, counts and shares. */
import { hours, minutes } from '../../contract/schedule.js';
import { deliveryStates, openStates, type DeliveryState } from '../../store/deliveries/deliveries.js';
import type { AttemptSample, BucketCount } from '../../store/reports/overview.js';

export const windowNames = ['1h', '24h', '7d', '30d'] as const;
export type WindowName = (typeof windowNames)[number];

/** Number and length of each window's buckets; about as many as a chart can show. */
const windows: Record<WindowName, { readonly bucketMs: number; readonly count: number }> = {
  '1h': { bucketMs: minutes(1), count: 60 },
  '24h': { bucketMs: minutes(30), count: 48 },
  '7d': { bucketMs: hours(3), count: 56 },
  '30d': { bucketMs: hours(12), count: 60 },
};

export interface Timeline {
  readonly from: Date;
  readonly to: Date;
  readonly bucketMs: number;
  /** Start of each bucket, oldest first. */
  readonly buckets: readonly Date[];
}

/**
 * The buckets of a window; the last one contains `now`. They start at round times, so that they do not move with `now`.
 */
export function timeline(window: WindowName, now: Date): Timeline {
  const { bucketMs, count } = windows[window];
  const to = (Math.floor(now.getTime() / bucketMs) + 1) * bucketMs;
  const from = to - count * bucketMs;
  const buckets = Array.from({ length: count }, (_, index) => new Date(from + index * bucketMs));
  return { from: new Date(from), to: new Date(to), bucketMs, buckets };
}

/** Lengths of buckets of a custom period, ascending: about as many buckets as a chart can show. */
const BUCKET_LENGTHS = [
  ...[1, 5, 10, 15, 30].map(minutes),
  ...[1, 2, 3, 6, 12].map(hours),
  ...[1, 2, 4, 7, 14].map((days) => hours(24 * days)),
];
const MAX_BUCKETS = 60;
/** The longest custom period, in milliseconds. */
export const MAX_PERIOD_MS = MAX_BUCKETS * BUCKET_LENGTHS.at(-1)!;

/** The buckets of a custom period, which start at its start; the last one may end after it. */
export function customTimeline(from: Date, to: Date): Timeline {
  const span = to.getTime() - from.getTime();
  const bucketMs = BUCKET_LENGTHS.find((length) => span / length <= MAX_BUCKETS) ?? BUCKET_LENGTHS.at(-1)!;
  const count = Math.max(Math.ceil(span / bucketMs), 1);
  const buckets = Array.from({ length: count }, (_, index) => new Date(from.getTime() + index * bucketMs));
  return { from, to, bucketMs, buckets };
}

/** Deliveries by state. */
export function totals(counts: readonly BucketCount[]): Record<DeliveryState, number> {
  const sums = Object.fromEntries(deliveryStates.map((state) => [state, 0])) as Record<DeliveryState, number>;
  for (const { state, count } of counts) sums[state] += count;
  return sums;
}

/** One entry per bucket, including empty ones; unfinished deliveries count as open. */
export function fillSeries(
  buckets: readonly Date[],
  counts: readonly BucketCount[],
  attempts: readonly AttemptSample[] = [],
) {
  const series = buckets.map((at, index) => {
    const sample = attempts.find(({ bucket }) => bucket === index);
    return {
      ...{ at, delivered: 0, failed: 0, cancelled: 0, open: 0 },
      success: sample ? share(sample.accepted, sample.attempts) : null,
      p50Ms: sample?.p50Ms ?? null,
      p95Ms: sample?.p95Ms ?? null,
      p99Ms: sample?.p99Ms ?? null,
    };
  });
  for (const { bucket, state, count } of counts) {
    const entry = series[bucket];
    if (entry) entry[openStates.includes(state) ? 'open' : (state as 'delivered' | 'failed' | 'cancelled')] += count;
  }
  return series;
}

/** Success rates from 0 to 1; null without data. */
export function successOf(
  { delivered, failed }: { readonly delivered: number; readonly failed: number },
  samples: readonly AttemptSample[],
) {
  const sum = (name: 'attempts' | 'accepted' | 'firstAttempts' | 'firstAccepted') =>
    samples.reduce((total, sample) => total + sample[name], 0);
  return {
    attempts: share(sum('accepted'), sum('attempts')),
    firstAttempts: share(sum('firstAccepted'), sum('firstAttempts')),
    ended: share(delivered, delivered + failed),
  };
}

function share(part: number, total: number): number | null {
  return total === 0 ? null : part / total;
}
