/** Steps 2 and 4 of an attempt, without side effects: what its exchange means for the delivery, and for Temporal. */
import { ApplicationFailure } from '@temporalio/common';
import { policyWait, retryPolicy } from '../../contract/schedule.js';
import type { AnyContract, ResponseClass } from '../../contract/types.js';
import type { AttemptOutcome } from '../../store/attempts/recording.js';
import { failure, FailureType } from '../../workflows/failure.js';
import type { AttemptContext, Sent } from './send.js';

/** What happened in an attempt, and what follows for its delivery and subscription. */
export interface AttemptResult extends Sent {
  readonly context: AttemptContext;
  readonly number: number;
  readonly outcome: AttemptOutcome;
  readonly durationMs: number;
  readonly status: number | null;
  /** Why it was not accepted, as one word such as `timeout` or `status`. */
  readonly reason: string | null;
  /** Why it was not accepted, as a sentence. */
  readonly message: string | null;
  /** The delivery's state after it. */
  readonly state: 'delivered' | 'retrying' | 'failed';
  readonly stateReason: string | null;
  /** Whether it counts towards disabling a subscription that fails for too long. */
  readonly countsAsFailure: boolean;
  /** Whether it disables the subscription, with the state reason as its reason. */
  readonly disable: boolean;
  /** Wait before the next attempt in milliseconds; null when there is none. */
  readonly waitMs: number | null;
  readonly nextAttemptAt: Date | null;
  /** The type of the failure that ends the delivery; null unless the state is `failed`. */
  readonly failureType: typeof FailureType.stopped | typeof FailureType.exhausted | null;
}

/** Decides what an exchange means. The result is built field by field, as every delivery passes here and spreads are slow. */
export function classify(contract: AnyContract, context: AttemptContext, sent: Sent): AttemptResult {
  const { exchange } = sent;
  const response = exchange.kind === 'response' ? exchange : undefined;
  const responseClass = classifyExchange(contract, context, sent);
  const accepted = responseClass.kind === 'accepted';
  const message = accepted ? null : exchange.kind === 'failure' ? exchange.message : refusal(exchange.status);
  const waitMs = waitAfter(responseClass, context.waitMs);
  const failed = !accepted && waitMs === null;
  return {
    context,
    startedAt: sent.startedAt,
    request: sent.request,
    exchange,
    span: sent.span,
    number: context.number,
    outcome: accepted ? 'accepted' : response ? 'refused' : 'failed',
    durationMs: Math.round(exchange.durationMs),
    status: response ? response.status : null,
    reason: accepted ? null : exchange.kind === 'failure' ? exchange.reason : 'status',
    message,
    state: accepted ? 'delivered' : failed ? 'failed' : 'retrying',
    stateReason: failed ? failureReason(responseClass, message!) : null,
    countsAsFailure: isFailureOfReceiver(context, responseClass),
    disable: responseClass.kind === 'stop' && (responseClass.disable ?? false),
    waitMs,
    nextAttemptAt: waitMs === null ? null : new Date(Date.now() + waitMs),
    failureType: !failed ? null : responseClass.kind === 'stop' ? FailureType.stopped : FailureType.exhausted,
  };
}

function isFailureOfReceiver({ material }: AttemptContext, responseClass: ResponseClass): boolean {
  // Without a body nothing was sent, which says nothing of the receiver.
  if (material.bodyError !== null) return false;
  return responseClass.kind === 'retry' || (responseClass.kind === 'stop' && !responseClass.disable);
}

function classifyExchange(
  contract: AnyContract,
  { material: { account, event, bodyError }, waitMs }: AttemptContext,
  { exchange }: Sent,
): ResponseClass {
  // The same expression would fail again; a redelivery evaluates it again, after it was corrected.
  if (bodyError !== null) return { kind: 'stop', reason: bodyError };
  if (exchange.kind === 'failure') return { kind: 'retry' };
  return contract.classifyResponse(exchange, { account, eventType: event.type, now: new Date(), waitMs });
}

function waitAfter(responseClass: ResponseClass, scheduledMs: number | undefined): number | null {
  if (responseClass.kind !== 'retry' || scheduledMs === undefined) return null;
  return responseClass.retryAfterMs ?? scheduledMs;
}

function refusal(status: number): string {
  return `the receiver responded with ${status}`;
}

function failureReason(responseClass: ResponseClass, message: string): string {
  return responseClass.kind === 'stop' ? responseClass.reason : `every attempt failed; the last: ${message}`;
}

/**
 * The failure that makes Temporal retry the attempt or end the delivery. It sets its wait only when the retry policy would
 * wait differently. Benign: a receiver that refuses a delivery is no fault of the worker. It contains no response body.
 */
export function toWorkflowFailure(result: AttemptResult): ApplicationFailure {
  const { waitMs, message, status, reason, stateReason, failureType, context } = result;
  const details = [{ status, reason }];
  if (failureType !== null) return failure(failureType, stateReason!, details);
  const followsPolicy = policyWait(retryPolicy(context.task.schedule), context.attemptOfRound - 1) === waitMs;
  return ApplicationFailure.create({
    type: FailureType.notAccepted,
    message: `${message ?? 'not accepted'}; next attempt in ${waitMs! / 1_000} s`,
    category: 'BENIGN',
    details,
    ...(followsPolicy ? {} : { nextRetryDelay: waitMs! }),
  });
}
