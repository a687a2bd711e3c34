/** Where the workflow of a delivery starts: with the first attempt, or after a sender or an earlier workflow. */
import { failure, FailureType } from '../failure.js';
import type { Deferral, DeliveryActivities, DeliveryInput, DeliveryResult, UnrecordedOutcome } from '../types.js';
import { showDirect, showEnded } from './details.js';

type Activities = Pick<DeliveryActivities, 'recordOutcome' | 'awaitSender'>;

/** Where the next round starts. */
export interface NextRound {
  /** Position in the schedule: the number of waits before it. */
  readonly position: number;
  /** Wait before it, in milliseconds. */
  readonly waitMs: number;
  /** Why it waits, as text; absent when it is the wait of the schedule. */
  readonly why?: string;
  /** Attempts that were made before it, where the number is known. */
  readonly attemptsBefore?: number;
  /** Present when its attempt was rejected before. */
  readonly deferral?: Deferral;
  /** Present when someone has asked for its first attempt, which is made although a circuit breaker is open. */
  readonly byHand?: boolean;
}

/** The first round, or the result of a delivery that is already accepted. Throws the failure of one that has failed. */
export async function firstRound(
  input: DeliveryInput,
  activities: Activities,
): Promise<NextRound | { readonly result: DeliveryResult }> {
  const { deliveryId, resumeFrom } = input;
  switch (resumeFrom?.kind) {
    case undefined:
      return { position: 0, waitMs: 0 };
    case 'scheduled':
      return roundAt(resumeFrom);
    case 'ended':
      showEnded(input, `Not delivered: ${resumeFrom.message}`);
      throw failure(resumeFrom.type, resumeFrom.message);
    case 'unrecorded': {
      const { outcome } = resumeFrom;
      await activities.recordOutcome(outcome);
      if (outcome.state === 'delivered') return { result: { attempts: outcome.number, status: outcome.status } };
      return roundAfter(outcome);
    }
    case 'direct': {
      showDirect(input);
      const outcome = await activities.awaitSender({ deliveryId });
      if (outcome.kind === 'delivered') return { result: outcome.result };
      if (outcome.kind === 'failed') throw failure(FailureType.stopped, outcome.message);
      return roundAt(outcome);
    }
  }
}

/** The round after an attempt whose outcome the workflow recorded. */
export function roundAfter({ state, stateReason, schedulePosition, nextAttemptAt }: UnrecordedOutcome): NextRound {
  if (state === 'failed') throw failure(FailureType.stopped, stateReason ?? 'not accepted');
  return roundAt({ position: schedulePosition + 1, at: nextAttemptAt ?? 0 });
}

function roundAt({ position, at }: { readonly position: number; readonly at: number }): NextRound {
  const waitMs = Math.max(at - Date.now(), 0);
  return position === 0 && waitMs > 0
    ? { position, waitMs, why: 'its event is to be delivered then' }
    : { position, waitMs };
}
