/** Applies the commands of a delivery: cancel, pause, resume and retry now; and ends it when its event expires. */
import { condition, type CancellationScope } from '@temporalio/workflow';
import type { Commands } from '../signals.js';
import { failure, FailureType } from '../failure.js';
import { EXPIRED, type DeliveryActivities, type DeliveryInput, type ScheduleProgress } from '../types.js';
import { showEnded, showPaused } from './details.js';
import type { NextRound } from './resume.js';

type Activities = Pick<DeliveryActivities, 'getScheduleProgress' | 'changeState' | 'cancelOwnWorkflow'>;

/**
 * Applies all pending commands and returns the next round. Throws a CancelledFailure on a cancel command, and a failure
 * when the event has expired. When the end of
 * the delivery is already recorded the commands are dropped: the next round detects the end and sends nothing. `lost`
 * means that the interrupted attempt was not reported in time; it is then shown as interrupted.
 */
export async function applyCommands(
  input: DeliveryInput,
  commands: Commands,
  root: CancellationScope,
  activities: Activities,
  lost = false,
): Promise<NextRound> {
  const { deliveryId, run } = input;
  const progress = await activities.getScheduleProgress({ deliveryId, run });
  if (progress.endRecorded) {
    delete commands.cancel;
    delete commands.pause;
    delete commands.retryNow;
    delete commands.expired;
    return { position: 0, waitMs: 0 };
  }
  const attempts = progress.attempts + (lost ? 1 : 0);
  const lostAttempts = lost ? { attemptsUpTo: attempts } : {};
  while (commands.pause && !commands.cancel && !commands.expired) {
    const { reason } = commands.pause;
    showPaused(input, reason);
    await activities.changeState({ deliveryId, run, state: 'paused', reason, nextAttemptAt: null, ...lostAttempts });
    await condition(() => !commands.pause || commands.cancel !== undefined || commands.expired !== undefined);
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
    // A workflow closes as cancelled only when Temporal was asked to cancel it.
    if (!commands.cancel.byTemporal) await activities.cancelOwnWorkflow();
    await root.cancelRequested;
  }
  if (commands.expired) {
    showEnded(input, `Not delivered: ${EXPIRED}`);
    await activities.changeState({
      deliveryId,
      run,
      state: 'failed',
      reason: EXPIRED,
      nextAttemptAt: null,
      ...lostAttempts,
    });
    throw failure(FailureType.expired, EXPIRED);
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
  return { ...next, attemptsBefore: attempts };
}

/** Whether no attempt was made since the command was sent; without a number of attempts it is always current. */
function isCurrent({ attempts }: NonNullable<Commands['retryNow']>, progress: ScheduleProgress): boolean {
  return attempts === undefined || attempts === progress.attempts;
}

/** An attempt now. It uses no position of the schedule: the wait that it interrupted starts again after it. */
function extraAttempt({ schedulePosition }: ScheduleProgress): NextRound {
  return { position: schedulePosition ?? 0, waitMs: 0 };
}

/** The next attempt of the schedule at its time, or now when that has passed. */
function sameSchedule({ schedulePosition, nextAttemptAt }: ScheduleProgress): NextRound {
  return {
    position: schedulePosition === null ? 0 : schedulePosition + 1,
    waitMs: Math.max((nextAttemptAt ?? 0) - Date.now(), 0),
  };
}
