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

/** Deliveries by state. */
export function totals(counts: readonly BucketCount[]): Record<DeliveryState, number> {
  const sums = Object.fromEntries(deliveryStates.map((state) => [state, 0])) as Record<DeliveryState, number>;
  for (const { state, count } of counts) sums[state] += count;
  return sums;
}

/** One entry per bucket, including empty ones; unfinished deliveries count as open. */
export function fillSeries(buckets: readonly Date[], counts: readonly BucketCount[]) {
  const series = buckets.map((at) => ({ at, delivered: 0, failed: 0, cancelled: 0, open: 0 }));
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
