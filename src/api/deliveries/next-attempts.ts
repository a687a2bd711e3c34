/** Predicts the next attempts of a delivery. */
import type { Schedule } from '../../contract/schedule.js';
import { openStates, type StoredDelivery } from '../../store/deliveries/deliveries.js';

/** A future attempt, unless an earlier one is accepted. */
export interface NextAttempt {
  /** Position in the schedule: 0 is the first attempt of a run. */
  readonly position: number;
  /** Wait before it by the schedule, in milliseconds. */
  readonly waitMs: number;
  /** Its time; null while the delivery is paused. All but the first are estimates, because attempts take time too. */
  readonly at: Date | null;
}

/**
 * The remaining attempts of an open delivery by the contract's current schedule. A delivery that started with an older
 * schedule keeps it, but only its workflow knows it.
 */
export function nextAttempts(
  delivery: Pick<StoredDelivery, 'state' | 'schedulePosition' | 'nextAttemptAt'>,
  schedule: Schedule,
  now: Date,
): NextAttempt[] {
  if (!openStates.includes(delivery.state)) return [];
  const next = delivery.schedulePosition === null ? 0 : delivery.schedulePosition + 1;
  const waits = [0, ...schedule];
  let at = Math.max(delivery.nextAttemptAt?.getTime() ?? 0, now.getTime());
  return waits.slice(next).map((waitMs, index) => {
    if (index > 0) at += waitMs;
    return { position: next + index, waitMs, at: delivery.state === 'paused' ? null : new Date(at) };
  });
}
