/** When a delivery is tried again, as far as can be told in advance. */
import type { Schedule } from '../../contract/schedule.js';
import { openStates, type StoredDelivery } from '../../store/deliveries/deliveries.js';

/** An attempt that is still to come, unless an earlier one is accepted. */
export interface ComingAttempt {
  /** Its place in the schedule: 0 is the first attempt of a run. */
  readonly position: number;
  /** The schedule's wait before it, in milliseconds. */
  readonly waitMs: number;
  /** When it is made; null while the delivery is paused. All but the first are estimates: attempts take time too. */
  readonly at: Date | null;
}

/**
 * The attempts of an open delivery that its schedule still has. The schedule is the contract's of today; a delivery
 * that was begun under another one keeps that, which only its workflow knows.
 */
export function comingAttempts(
  delivery: Pick<StoredDelivery, 'state' | 'schedulePosition' | 'nextAttemptAt'>,
  schedule: Schedule,
  now: Date,
): ComingAttempt[] {
  if (!openStates.includes(delivery.state)) return [];
  const next = delivery.schedulePosition === null ? 0 : delivery.schedulePosition + 1;
  const waits = [0, ...schedule];
  let at = Math.max(delivery.nextAttemptAt?.getTime() ?? 0, now.getTime());
  return waits.slice(next).map((waitMs, index) => {
    if (index > 0) at += waitMs;
    return { position: next + index, waitMs, at: delivery.state === 'paused' ? null : new Date(at) };
  });
}
