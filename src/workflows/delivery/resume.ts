/** Where a delivery begins: with its first attempt, or where a burst or an earlier workflow left it. */
import { showCarried, showEnded } from './details.js';
import { failure } from '../failure.js';
import {
  FailureType,
  type ComingBack,
  type DeliveryActivities,
  type DeliveryInput,
  type DeliveryResult,
  type UnrecordedOutcome,
} from '../types.js';

type Activities = Pick<DeliveryActivities, 'recordOutcome' | 'awaitBurst'>;

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
  readonly comingBack?: ComingBack;
}

/** The first round, or the result of a delivery that is accepted already. Throws the failure of one that has failed. */
export async function beginning(
  input: DeliveryInput,
  activities: Activities,
): Promise<Next | { readonly result: DeliveryResult }> {
  const { deliveryId, begin } = input;
  switch (begin?.kind) {
    case undefined:
      return { position: 0, waitMs: 0 };
    case 'place':
      return nextAt(begin);
    case 'ended':
      showEnded(input, `Not delivered: ${begin.message}`);
      throw failure(begin.type, begin.message);
    case 'unrecorded': {
      const { outcome } = begin;
      await activities.recordOutcome(outcome);
      if (outcome.state === 'delivered') return { result: { attempts: outcome.number, status: outcome.status } };
      return afterUnrecorded(outcome);
    }
    case 'carried': {
      showCarried(input);
      const left = await activities.awaitBurst({ deliveryId });
      if (left.kind === 'delivered') return { result: left.result };
      if (left.kind === 'failed') throw failure(FailureType.stopped, left.message);
      return nextAt(left);
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
