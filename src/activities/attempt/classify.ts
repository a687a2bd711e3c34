/** Pure decisions about an attempt that was made: what to record of it and what to tell Temporal. */
import { ApplicationFailure } from '@temporalio/common';
import { policyWait, retryPolicy } from '../../contract/schedule.js';
import type { ResponseClass } from '../../contract/types.js';
import type { Exchange } from '../../egress/types.js';
import type { AttemptOutcome } from '../../store/attempts/recording.js';
import { FailureType, type AttemptTask } from '../../workflows/types.js';

/** An attempt's outcome and what follows from it for its delivery. */
export interface Decision {
  readonly outcome: AttemptOutcome;
  readonly status: number | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly state: 'delivered' | 'retrying' | 'failed';
  readonly stateReason: string | null;
  /** Whether the subscription takes no further events, for the reason of the state. */
  readonly disable: boolean;
  /** Wait before the next attempt in milliseconds; null when there is none. */
  readonly waitMs: number | null;
}

/** Where in its round an attempt stands. */
export interface AttemptPosition {
  readonly task: AttemptTask;
  /** Counts the round's attempts from 1. */
  readonly attemptOfRound: number;
  /** The schedule's wait after this attempt in milliseconds; undefined when it is the last. */
  readonly waitMs: number | undefined;
}

const ACCEPTED = {
  outcome: 'accepted',
  reason: null,
  message: null,
  state: 'delivered',
  stateReason: null,
  disable: false,
  waitMs: null,
} as const;

/** Decides what an exchange means. `waitMs` is the schedule's next wait, undefined when this was the last attempt. */
export function decide(exchange: Exchange, responseClass: ResponseClass, waitMs: number | undefined): Decision {
  const responded = exchange.kind === 'response';
  const status = responded ? exchange.status : null;
  if (responseClass.kind === 'accepted') return { ...ACCEPTED, status };
  const outcome = responded ? 'refused' : 'failed';
  const reason = responded ? 'status' : exchange.reason;
  const message = responded ? `the receiver answered ${exchange.status}` : exchange.message;
  const facts = { outcome, status, reason, message, disable: false } as const;
  if (responseClass.kind === 'stop') {
    const disable = responseClass.disable ?? false;
    return { ...facts, state: 'failed', stateReason: responseClass.reason, disable, waitMs: null };
  }
  if (waitMs === undefined) {
    return { ...facts, state: 'failed', stateReason: `every attempt failed; the last: ${message}`, waitMs: null };
  }
  return { ...facts, state: 'retrying', stateReason: null, waitMs: responseClass.retryAfterMs ?? waitMs };
}

/**
 * The failure that tells Temporal to go on or to end. It names its wait only where the retry policy would wait
 * differently. Benign, because a receiver's refusal is expected and no fault of the worker; no body enters a history.
 */
export function failureOf(
  decision: Decision,
  responseClass: ResponseClass,
  position: AttemptPosition,
): ApplicationFailure {
  const { waitMs, message, status, reason } = decision;
  const details = [{ status, reason }];
  if (waitMs === null) {
    const type = responseClass.kind === 'stop' ? FailureType.stopped : FailureType.exhausted;
    return ApplicationFailure.create({
      type,
      message: decision.stateReason ?? undefined,
      nonRetryable: true,
      category: 'BENIGN',
      details,
    });
  }
  const followsPolicy = policyWait(retryPolicy(position.task.schedule), position.attemptOfRound - 1) === waitMs;
  return ApplicationFailure.create({
    type: FailureType.notAccepted,
    message: `${message ?? 'not accepted'}; next attempt in ${waitMs / 1_000} s`,
    category: 'BENIGN',
    details,
    ...(followsPolicy ? {} : { nextRetryDelay: waitMs }),
  });
}

/** A failure that ends the round without a verdict on the delivery: the workflow decides what comes next. */
export function roundEnding(type: string, message: string, details?: unknown[]): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, category: 'BENIGN', details });
}
