/**
 * Applies the commands of a delivery: cancel, pause, resume, retry now, apply a policy, skip and extend. Ends it when its
 * event expires.
 */
import { remaining } from '../../contract/schedule.js';
import { condition, type CancellationScope } from '@temporalio/workflow';
import type { Commands, ScheduleChange } from '../signals.js';
import { failure, FailureType } from '../failure.js';
import { EXPIRED, type DeliveryActivities, type DeliveryInput, type ScheduleProgress } from '../types.js';
import { showEnded, showPaused } from './details.js';
import type { NextRound } from './resume.js';

type Activities = Pick<DeliveryActivities, 'getScheduleProgress' | 'changeState' | 'cancelOwnWorkflow'>;

/**
 * Applies all pending commands and returns the next round. Throws a CancelledFailure on a cancel command, and a failure
 * when the event has expired. When the end of the delivery is already recorded the commands are dropped: the next round
 * detects the end and sends nothing. `lost` means that the interrupted attempt was not reported in time; it is then shown
 * as interrupted.
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
    delete commands.applyPolicy;
    refuseChanges(commands, 'the delivery has ended');
    return { position: 0, waitMs: 0 };
  }
  const attempts = progress.attempts + (lost ? 1 : 0);
  const lostAttempts = lost ? { attemptsUpTo: attempts } : {};
  while (commands.pause && !commands.cancel && !commands.expired) {
    const { reason } = commands.pause;
    refuseChanges(commands, 'the delivery is paused; resume it first');
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
  const isExtra = commands.retryNow !== undefined && isCurrent(commands.retryNow, progress);
  if (isExtra) refuseChanges(commands, 'an attempt is made now');
  const { next, changes, skipped } = isExtra
    ? { next: extraAttempt(progress, commands.retryNow), changes: [], skipped: false }
    : changed(commands, progress, (commands.applyPolicy ?? input).schedule);
  delete commands.retryNow;
  await activities.changeState({
    deliveryId,
    run,
    state: progress.attempted || lost ? 'retrying' : 'pending',
    reason: null,
    nextAttemptAt: Date.now() + next.waitMs,
    ...(skipped ? { schedulePosition: next.position - 1 } : {}),
    ...lostAttempts,
  });
  for (const [change, result] of changes) change.result = result;
  return { ...next, attemptsBefore: attempts };
}

/** The input with the rules of a pending policy, which apply from the next round on. */
export function withPolicy(input: DeliveryInput, commands: Commands): DeliveryInput {
  const { applyPolicy: rules } = commands;
  if (!rules) return input;
  delete commands.applyPolicy;
  const { schedule, timeLimitMs, responseRules } = rules;
  return { ...input, schedule, timeLimitMs, responseRules };
}

/** Whether no attempt was made since the command was sent; without a number of attempts it is always current. */
function isCurrent({ attempts }: NonNullable<Commands['retryNow']>, progress: ScheduleProgress): boolean {
  return attempts === undefined || attempts === progress.attempts;
}

/** An attempt now. It uses no position of the schedule: the wait that it interrupted starts again after it. */
function extraAttempt({ schedulePosition }: ScheduleProgress, command: Commands['retryNow']): NextRound {
  const next = { position: schedulePosition ?? 0, waitMs: 0 };
  // Commands to many deliveries name the number of attempts.
  return command?.attempts === undefined ? { ...next, byHand: true } : next;
}

/** The next attempt of the schedule at its time, or now when that has passed. */
function sameSchedule({ schedulePosition, nextAttemptAt }: ScheduleProgress): NextRound {
  return {
    position: schedulePosition === null ? 0 : schedulePosition + 1,
    waitMs: Math.max((nextAttemptAt ?? 0) - Date.now(), 0),
  };
}

/** The planned attempt may be moved this far from now, in milliseconds: 30 days. */
const MAX_PLANNED_MS = 30 * 24 * 3_600_000;

/** The next attempt of the schedule after all pending changes, and the result of each. */
function changed(
  commands: Commands,
  progress: ScheduleProgress,
  schedule: readonly number[],
): { next: NextRound; changes: [ScheduleChange, NonNullable<ScheduleChange['result']>][]; skipped: boolean } {
  let next = sameSchedule(progress);
  let skipped = false;
  const changes = (commands.changes ?? []).map((change): [ScheduleChange, NonNullable<ScheduleChange['result']>] => {
    if (progress.schedulePosition === null) return [change, 'the first attempt has not been made, so nothing waits'];
    // The wait that would follow the planned attempt.
    const [wait] = remaining(schedule, next.position);
    const addedMs = change.kind === 'skip' ? wait : (change.waitMs ?? 0);
    if (addedMs === undefined) return [change, 'the schedule has no further step; cancel ends the delivery'];
    if (next.waitMs + addedMs > MAX_PLANNED_MS) return [change, 'the next attempt would be more than 30 days from now'];
    const isSkip = change.kind === 'skip';
    skipped ||= isSkip;
    next = { position: next.position + (isSkip ? 1 : 0), waitMs: next.waitMs + addedMs };
    return [change, { position: next.position, nextAttemptAt: Date.now() + next.waitMs }];
  });
  delete commands.changes;
  return { next, changes, skipped };
}

function refuseChanges(commands: Commands, why: string): void {
  for (const change of commands.changes ?? []) change.result = why;
  delete commands.changes;
}
