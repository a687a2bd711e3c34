/** One round: a single activity that makes attempts by the rest of the schedule until it ends or is interrupted. */
import { RetryState } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import { remaining, retryPolicy } from '../../contract/schedule.js';
import { FailureType, roundFailureDetails } from '../failure.js';
import { ATTEMPT_MARGIN_MS } from '../limits.js';
import { hasPendingCommand, type Commands } from '../signals.js';
import type { Deferral, DeliveryActivities, DeliveryInput, DeliveryResult, UnrecordedOutcome } from '../types.js';
import type { NextRound } from './resume.js';

/** Failures that the database has recorded already, or whose attempt does not belong to this run. */
const RECORDED: ReadonlySet<string | null | undefined> = new Set([
  FailureType.stopped,
  FailureType.exhausted,
  FailureType.superseded,
]);

/** How a round ended. */
export type RoundEnd =
  | { readonly kind: 'accepted'; readonly result: DeliveryResult }
  /** No further attempt; `recorded` is whether the database has the failure. */
  | { readonly kind: 'failed'; readonly type: string; readonly message: string; readonly recorded: boolean }
  | { readonly kind: 'unrecorded'; readonly outcome: UnrecordedOutcome }
  /** The database was unavailable before attempt `attemptsMade + 1` of the round. */
  | { readonly kind: 'stalled'; readonly attemptsMade: number }
  /** The subscription's limits rejected attempt `attemptsMade + 1` of the round, which is retried after `waitMs`. */
  | {
      readonly kind: 'busy';
      readonly attemptsMade: number;
      readonly waitMs: number;
      readonly deferral: Deferral;
    }
  | { readonly kind: 'paused'; readonly reason: string }
  | { readonly kind: 'expired' }
  /** By a newer event, which has recorded it. */
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'subscriptionDeleted' }
  /** By a command; `lost` means that the attempt in flight was not reported in time, so its worker may be dead. */
  | { readonly kind: 'interrupted'; readonly lost: boolean };

/**
 * Makes attempts until the delivery is accepted, ends or is interrupted. A command cancels the wait between attempts. An
 * attempt in flight is always awaited, so an accepted delivery is never reported as cancelled.
 */
export async function runRound(
  input: DeliveryInput,
  round: number,
  { position, attemptsBefore, deferral, byHand }: NextRound,
  commands: Commands,
): Promise<RoundEnd> {
  const schedule = remaining(input.schedule, position);
  const { attempt } = proxyActivities<DeliveryActivities>({
    // One id per round: operators can address it, and the id of a cancelled activity is not used again.
    activityId: `attempt-${round}`,
    summary: round === 0 ? 'attempts by the schedule' : `attempts from position ${position + 1} of the schedule`,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    startToCloseTimeout: input.timeLimitMs + ATTEMPT_MARGIN_MS,
    retry: retryPolicy(schedule),
  });
  const scope = new CancellationScope();
  let end: RoundEnd | undefined;
  const finished = scope
    .run(() =>
      attempt({
        deliveryId: input.deliveryId,
        run: input.run,
        schedule,
        position,
        timeLimitMs: input.timeLimitMs,
        ...(input.responseRules ? { responseRules: input.responseRules } : {}),
        ...(attemptsBefore === undefined ? {} : { attemptsBefore }),
        ...(deferral ? { deferral } : {}),
        ...(byHand ? { byHand } : {}),
      }),
    )
    .then(
      (result) => (end = { kind: 'accepted', result }),
      (error: unknown) => (end = endOf(error)),
    );
  await condition(() => end !== undefined || hasPendingCommand(commands));
  if (!end) scope.cancel();
  return finished;
}

function endOf(error: unknown): RoundEnd {
  if (!(error instanceof ActivityFailure)) throw error;
  const { cause, retryState } = error;
  if (cause instanceof CancelledFailure || retryState === RetryState.CANCEL_REQUESTED) {
    if (!(cause instanceof ApplicationFailure) || cause.type === FailureType.notAccepted)
      return { kind: 'interrupted', lost: cause instanceof TimeoutFailure };
  }
  if (!(cause instanceof ApplicationFailure)) {
    return {
      kind: 'failed',
      type: FailureType.exhausted,
      message: 'the worker stopped during the last attempt of the schedule',
      recorded: false,
    };
  }
  switch (cause.type) {
    case FailureType.storeUnavailable: {
      const { attemptsMade } = roundFailureDetails(cause, FailureType.storeUnavailable);
      return { kind: 'stalled', attemptsMade };
    }
    case FailureType.busy: {
      const { attemptsMade, waitMs, deferral } = roundFailureDetails(cause, FailureType.busy);
      return { kind: 'busy', attemptsMade, waitMs, deferral };
    }
    case FailureType.unrecorded: {
      const { outcome } = roundFailureDetails(cause, FailureType.unrecorded);
      return { kind: 'unrecorded', outcome };
    }
    case FailureType.paused:
      return { kind: 'paused', reason: cause.message };
    case FailureType.expired:
      return { kind: 'expired' };
    case FailureType.cancelled:
      return { kind: 'cancelled', reason: cause.message };
    case FailureType.subscriptionDeleted:
      return { kind: 'subscriptionDeleted' };
    default:
      return {
        kind: 'failed',
        type: cause.type ?? FailureType.stopped,
        message: cause.message,
        recorded: RECORDED.has(cause.type),
      };
  }
}
