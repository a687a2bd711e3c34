/** Carrying out what a delivery was told: to end, to pause, to go on or to try at once. */
import { condition, type CancellationScope } from '@temporalio/workflow';
import type { Next } from './resume.js';
import { showEnded, showPaused } from './details.js';
import type { Commands } from '../signals.js';
import type { DeliveryActivities, DeliveryInput, ScheduleProgress } from '../types.js';

type Activities = Pick<DeliveryActivities, 'getScheduleProgress' | 'changeState' | 'cancelOwnWorkflow'>;

/**
 * Obeys all orders given so far and says where to go on. Throws a CancelledFailure when told to end. A delivery that
 * turns out to be settled takes no orders: its next round finds that out without sending anything. `lost` tells that the
 * attempt which the orders interrupted was not reported in time; it is then shown as interrupted.
 */
export async function applyCommands(
  input: DeliveryInput,
  commands: Commands,
  root: CancellationScope,
  activities: Activities,
  lost = false,
): Promise<Next> {
  const { deliveryId, run } = input;
  const progress = await activities.getScheduleProgress({ deliveryId, run });
  if (progress.settledHere) {
    delete commands.cancel;
    delete commands.pause;
    delete commands.retryNow;
    return { position: 0, waitMs: 0 };
  }
  const attempts = progress.attempts + (lost ? 1 : 0);
  const lostAttempts = lost ? { attemptsUpTo: attempts } : {};
  while (commands.pause && !commands.cancel) {
    const { reason } = commands.pause;
    showPaused(input, reason);
    await activities.changeState({ deliveryId, run, state: 'paused', reason, nextAttemptAt: null, ...lostAttempts });
    await condition(() => !commands.pause || commands.cancel !== undefined);
  }
  if (commands.cancel) {
    showEnded(input, `Cancelled: ${commands.cancel.reason}`);
    await activities.changeState({
      deliveryId,
      run,
      state: 'cancelled',
      reason: commands.cancel.reason,
      nextAttemptAt: null,
      ...lostAttempts,
    });
    // Only a workflow that Temporal was asked to cancel closes as cancelled.
    if (!commands.cancel.byTemporal) await activities.cancelOwnWorkflow();
    await root.cancelRequested;
  }
  const next =
    commands.retryNow && isCurrent(commands.retryNow, progress) ? extraAttempt(progress) : sameSchedule(progress);
  delete commands.retryNow;
  await activities.changeState({
    deliveryId,
    run,
    state: progress.attempted || lost ? 'retrying' : 'pending',
    reason: null,
    nextAttemptAt: Date.now() + next.waitMs,
    ...lostAttempts,
  });
  // Absent in histories that are older than this field.
  return Number.isNaN(attempts) ? next : { ...next, attemptsBefore: attempts };
}

/** Whether no attempt was made since the order was given; one that names no number of attempts is always current. */
function isCurrent({ attempts }: NonNullable<Commands['retryNow']>, progress: ScheduleProgress): boolean {
  return attempts === undefined || attempts === progress.attempts;
}

/** An attempt at once, after which the wait that it interrupted is waited for anew: it costs no place of the schedule. */
function extraAttempt({ schedulePosition }: ScheduleProgress): Next {
  return { position: schedulePosition ?? 0, waitMs: 0 };
}

/** The next attempt of the schedule at its time, or at once when that has passed. */
function sameSchedule({ schedulePosition, nextAttemptAt }: ScheduleProgress): Next {
  return {
    position: schedulePosition === null ? 0 : schedulePosition + 1,
    waitMs: Math.max((nextAttemptAt ?? 0) - Date.now(), 0),
  };
}
