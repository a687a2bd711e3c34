/** Where a delivery whose attempts are recorded goes on. */
import type { Begin } from '../workflows/types.js';

/** Its next place of the schedule, or undefined when it has made no attempt. */
export function placeOf(delivery: {
  readonly schedulePosition: number | null;
  readonly nextAttemptAt: Date | null;
}): Extract<Begin, { kind: 'place' }> | undefined {
  const { schedulePosition, nextAttemptAt } = delivery;
  if (schedulePosition === null) return undefined;
  return { kind: 'place', position: schedulePosition + 1, at: nextAttemptAt?.getTime() ?? 0 };
}
