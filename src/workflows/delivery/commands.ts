/** Carrying out what a delivery was told: to end, to pause, to go on or to try at once. */
import { condition, type CancellationScope } from '@temporalio/workflow';
import type { Next } from './resume.js';
import { showEnded, showPaused } from './details.js';
import type { Orders } from '../signals.js';
import type { DeliveryActivities, DeliveryInput, Place } from '../types.js';

type Activities = Pick<DeliveryActivities, 'place' | 'changeState' | 'cancelOwnWorkflow'>;

/**
 * Obeys all orders given so far and says where to go on. Throws a CancelledFailure when told to end. A delivery that
 * turns out to be settled takes no orders: its next round finds that out without sending anything. `lost` tells that the
 * attempt which the orders interrupted was not reported in time; it is then shown as interrupted.
 */
export async function obey(
  input: DeliveryInput,
  orders: Orders,
  root: CancellationScope,
  activities: Activities,
  lost = false,
): Promise<Next> {
  const { deliveryId, run } = input;
  const place = await activities.place({ deliveryId, run });
  if (place.settledHere) {
    delete orders.cancel;
    delete orders.pause;
    delete orders.retryNow;
    return { position: 0, waitMs: 0 };
  }
  const attempts = place.attempts + (lost ? 1 : 0);
  const noting = lost ? { attemptsUpTo: attempts } : {};
  while (orders.pause && !orders.cancel) {
    const { reason } = orders.pause;
    showPaused(input, reason);
    await activities.changeState({ deliveryId, run, state: 'paused', reason, nextAttemptAt: null, ...noting });
    await condition(() => !orders.pause || orders.cancel !== undefined);
  }
  if (orders.cancel) {
    showEnded(input, `Cancelled: ${orders.cancel.reason}`);
    await activities.changeState({
      deliveryId,
      run,
      state: 'cancelled',
      reason: orders.cancel.reason,
      nextAttemptAt: null,
      ...noting,
    });
    // Only a workflow that Temporal was asked to cancel closes as cancelled.
    if (!orders.cancel.byTemporal) await activities.cancelOwnWorkflow();
    await root.cancelRequested;
  }
  const next = orders.retryNow && isCurrent(orders.retryNow, place) ? extraAttempt(place) : sameSchedule(place);
  delete orders.retryNow;
  await activities.changeState({
    deliveryId,
    run,
    state: place.attempted || lost ? 'retrying' : 'pending',
    reason: null,
    nextAttemptAt: Date.now() + next.waitMs,
    ...noting,
  });
  // Absent in histories that are older than this field.
  return Number.isNaN(attempts) ? next : { ...next, attemptsBefore: attempts };
}

/** Whether no attempt was made since the order was given; one that names no number of attempts is always current. */
function isCurrent({ attempts }: NonNullable<Orders['retryNow']>, place: Place): boolean {
  return attempts === undefined || attempts === place.attempts;
}

/** An attempt at once, after which the wait that it interrupted is waited for anew: it costs no place of the schedule. */
function extraAttempt({ schedulePosition }: Place): Next {
  return { position: schedulePosition ?? 0, waitMs: 0 };
}

/** The next attempt of the schedule at its time, or at once when that has passed. */
function sameSchedule({ schedulePosition, nextAttemptAt }: Place): Next {
  return {
    position: schedulePosition === null ? 0 : schedulePosition + 1,
    waitMs: Math.max((nextAttemptAt ?? 0) - Date.now(), 0),
  };
}
