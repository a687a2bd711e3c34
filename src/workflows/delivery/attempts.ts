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
import type { Next } from './resume.js';
import { hasPendingCommand, type Commands } from '../signals.js';
import {
  FailureType,
  type Deferral,
  type DeliveryActivities,
  type DeliveryInput,
  type DeliveryResult,
  type UnrecordedOutcome,
} from '../types.js';

/** Beyond the contract's time limit: for loading the delivery and recording the outcome, in milliseconds. */
const MARGIN_MS = 15_000;

/** Failures after which the database needs no record: it has one, or the attempt was none of its own. */
const RECORDED: ReadonlySet<string | null | undefined> = new Set([
  FailureType.stopped,
  FailureType.exhausted,
  FailureType.superseded,
]);

/** How a round ended. */
export type RoundEnd =
  | { readonly kind: 'accepted'; readonly result: DeliveryResult }
  /** No further attempt; `recorded` tells whether the database knows. */
  | { readonly kind: 'failed'; readonly type: string; readonly message: string; readonly recorded: boolean }
  | { readonly kind: 'unrecorded'; readonly outcome: UnrecordedOutcome }
  /** The database could not be reached before attempt `attemptsMade + 1` of the round. */
  | { readonly kind: 'stalled'; readonly attemptsMade: number }
  /** The subscription's limits left no room for attempt `attemptsMade + 1` of the round; `waitMs` is how long to stay away. */
  | {
      readonly kind: 'busy';
      readonly attemptsMade: number;
      readonly waitMs: number;
      readonly deferral: Deferral;
    }
  | { readonly kind: 'paused' }
  | { readonly kind: 'subscriptionDeleted' }
  /** By a command; `lost` tells that the attempt in flight was not reported in time, so its worker may be dead. */
  | { readonly kind: 'interrupted'; readonly lost: boolean };

/**
 * Makes attempts until the delivery is accepted, ends or is interrupted. An order cancels the wait between attempts;
 * an attempt under way is never abandoned, so what the receiver accepted is known to be accepted.
 */
export async function runRound(
  input: DeliveryInput,
  round: number,
  { position, attemptsBefore, deferral }: Next,
  commands: Commands,
): Promise<RoundEnd> {
  const schedule = remaining(input.schedule, position);
  const { attempt } = proxyActivities<DeliveryActivities>({
    // Its own id per round: operators can address it, and a cancelled activity's id is not used again.
    activityId: `attempt-${round}`,
    summary: round === 0 ? 'attempts by the schedule' : `attempts from place ${position + 1} of the schedule`,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    startToCloseTimeout: input.timeLimitMs + MARGIN_MS,
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
        ...(attemptsBefore === undefined ? {} : { attemptsBefore }),
        ...(deferral ? { deferral } : {}),
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
    case FailureType.storeUnavailable:
      return { kind: 'stalled', attemptsMade: cause.details?.[0] as number };
    case FailureType.busy: {
      const [attemptsMade, waitMs, deferral] = cause.details as [number, number, Deferral];
      return { kind: 'busy', attemptsMade, waitMs, deferral };
    }
    case FailureType.unrecorded:
      return { kind: 'unrecorded', outcome: cause.details?.[0] as UnrecordedOutcome };
    case FailureType.paused:
      return { kind: 'paused' };
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
