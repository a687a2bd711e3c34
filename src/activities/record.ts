/** Recording an attempt, or handing its outcome to the workflow when the database stays away. */
import type { DeliveryRequest } from '../contract/types.js';
import type { Exchange } from '../egress/types.js';
import { recordAttempt, type AttemptMaterial, type AttemptRecord } from '../store/attempts.js';
import type { Store } from '../store/store.js';
import { observeAttempt } from '../telemetry/attempts.js';
import type { AttemptSpan } from '../telemetry/tracing.js';
import { FailureType, type AttemptTask, type UnrecordedOutcome } from '../workflows/types.js';
import { roundEnding, type AttemptPlace, type Decision } from './outcome.js';
import { retrying } from './retrying.js';

/** An attempt that was made. */
export interface MadeAttempt {
  readonly material: AttemptMaterial;
  readonly task: AttemptTask;
  readonly number: number;
  readonly startedAt: Date;
  readonly request: DeliveryRequest | Error;
  readonly exchange: Exchange;
  readonly decision: Decision;
  readonly place: AttemptPlace;
  readonly runId: string;
  readonly span: AttemptSpan;
}

/** Tells of an attempt and records it. Throws an `OutcomeUnrecorded` failure that carries the outcome when that is not possible. */
export async function record(store: Store, made: MadeAttempt): Promise<void> {
  const outcome = outcomeOf(made);
  observeAttempt({ ...made, ...outcome, startedAt: made.startedAt, waitMs: made.decision.waitMs });
  const { request, exchange } = made;
  const answer = exchange.kind === 'answer' ? exchange : undefined;
  try {
    await retrying(() =>
      recordAttempt(store, {
        ...fromOutcome(outcome, made.runId),
        url: request instanceof Error ? null : request.url,
        requestHeaders: request instanceof Error ? null : masked(request),
        responseHeaders: answer?.headers ?? null,
        responseExcerpt: answer?.excerpt ?? null,
        responseTruncated: answer?.truncated ?? null,
      }),
    );
  } catch (error) {
    throw roundEnding(FailureType.unrecorded, `cannot record the outcome: ${(error as Error).message}`, [outcome]);
  }
}

/** The row of an outcome about which no more than this is known. */
export function fromOutcome(outcome: UnrecordedOutcome, runId: string): AttemptRecord {
  return {
    ...outcome,
    startedAt: new Date(outcome.startedAt),
    disable: outcome.disable ?? false,
    nextAttemptAt: outcome.nextAttemptAt === null ? null : new Date(outcome.nextAttemptAt),
    recordedBy: runId,
    url: null,
    requestHeaders: null,
    responseHeaders: null,
    responseExcerpt: null,
    responseTruncated: null,
  };
}

function outcomeOf({ task, number, startedAt, exchange, decision, place }: MadeAttempt): UnrecordedOutcome {
  const { waitMs, ...decided } = decision;
  return {
    ...decided,
    deliveryId: task.deliveryId,
    run: task.run,
    number,
    startedAt: startedAt.getTime(),
    durationMs: Math.round(exchange.durationMs),
    nextAttemptAt: waitMs === null ? null : Date.now() + waitMs,
    schedulePosition: task.position + place.attemptOfRound - 1,
  };
}

function masked({ headers }: DeliveryRequest): { name: string; value: string }[] {
  return headers.map(({ name, value, secret }) => ({ name, value: secret ? '***' : value }));
}
