/** Where a delivery begins: with its first attempt, or where a batch or an earlier workflow left it. */
import { showBatched, showEnded } from './details.js';
import { failure } from '../failure.js';
import {
  FailureType,
  type Deferral,
  type DeliveryActivities,
  type DeliveryInput,
  type DeliveryResult,
  type UnrecordedOutcome,
} from '../types.js';

type Activities = Pick<DeliveryActivities, 'recordOutcome' | 'awaitBatch'>;

/** Where the next round begins. */
export interface Next {
  /** How many waits of the schedule come before it. */
  readonly position: number;
  /** How long to wait before it, in milliseconds. */
  readonly waitMs: number;
  /** What is waited for, in words; the schedule when absent. */
  readonly why?: string;
  /** Attempts that were made before it, where they are known. */
  readonly attemptsBefore?: number;
  /** Present when its attempt was turned away before. */
  readonly deferral?: Deferral;
}

/** The first round, or the result of a delivery that is accepted already. Throws the failure of one that has failed. */
export async function resumePoint(
  input: DeliveryInput,
  activities: Activities,
): Promise<Next | { readonly result: DeliveryResult }> {
  const { deliveryId, resumeFrom } = input;
  switch (resumeFrom?.kind) {
    case undefined:
      return { position: 0, waitMs: 0 };
    case 'scheduled':
      return nextAt(resumeFrom);
    case 'ended':
      showEnded(input, `Not delivered: ${resumeFrom.message}`);
      throw failure(resumeFrom.type, resumeFrom.message);
    case 'unrecorded': {
      const { outcome } = resumeFrom;
      await activities.recordOutcome(outcome);
      if (outcome.state === 'delivered') return { result: { attempts: outcome.number, status: outcome.status } };
      return afterUnrecorded(outcome);
    }
    case 'batched': {
      showBatched(input);
      const outcome = await activities.awaitBatch({ deliveryId });
      if (outcome.kind === 'delivered') return { result: outcome.result };
      if (outcome.kind === 'failed') throw failure(FailureType.stopped, outcome.message);
      return nextAt(outcome);
    }
  }
}

/** Goes on after an outcome that had to be recorded apart from its attempt. */
export function afterUnrecorded({ state, stateReason, schedulePosition, nextAttemptAt }: UnrecordedOutcome): Next {
  if (state === 'failed') throw failure(FailureType.stopped, stateReason ?? 'not accepted');
  return nextAt({ position: schedulePosition + 1, at: nextAttemptAt ?? 0 });
}

function nextAt({ position, at }: { readonly position: number; readonly at: number }): Next {
  return { position, waitMs: Math.max(at - Date.now(), 0) };
}
