/** Recording an attempt, or handing its outcome to the workflow when the database stays away. */
import type { DeliveryRequest } from '../contract/types.js';
import type { AttemptRecord } from '../store/recording.js';
import { observeAttempt } from '../telemetry/attempts.js';
import { FailureType, type UnrecordedOutcome } from '../workflows/types.js';
import type { AttemptMade } from './make-attempt.js';
import { roundEnding, type AttemptPlace } from './outcome.js';
import type { Recorder } from './recorder.js';

/** An attempt with what its row needs beside. */
export interface MadeAttempt extends AttemptMade {
  readonly place: AttemptPlace;
  readonly number: number;
  readonly runId: string;
  /** The workflow id of the burst it was made in. */
  readonly burst?: string;
}

/** Tells of an attempt and writes its row; see `Recorder.add`. */
export function tellAndWrite(recorder: Recorder, made: MadeAttempt, outcome: UnrecordedOutcome): Promise<void> {
  const { material, span, startedAt, number, exchange, decision, place } = made;
  observeAttempt({
    ...decision,
    material,
    span,
    startedAt,
    run: place.task.run,
    number,
    durationMs: Math.round(exchange.durationMs),
  });
  return recorder.add(recordOf(made, outcome));
}

/** Records an attempt. Throws an `OutcomeUnrecorded` failure that carries the outcome when that is not possible. */
export async function record(recorder: Recorder, made: MadeAttempt): Promise<void> {
  const outcome = outcomeOf(made);
  try {
    await tellAndWrite(recorder, made, outcome);
  } catch (error) {
    const message = `cannot record the outcome: ${(error as Error).message}`;
    throw roundEnding(FailureType.unrecorded, message, [outcome]);
  }
}

/** The row of an attempt. */
function recordOf({ request, exchange, burst, runId }: MadeAttempt, outcome: UnrecordedOutcome): AttemptRecord {
  const answer = exchange.kind === 'answer' ? exchange : undefined;
  return {
    ...fromOutcome(outcome, runId),
    timings: exchange.timings ?? null,
    url: request instanceof Error ? null : request.url,
    requestHeaders: request instanceof Error ? null : masked(request),
    responseHeaders: answer?.headers ?? null,
    responseExcerpt: answer?.excerpt ?? null,
    responseTruncated: answer?.truncated ?? null,
    ...(burst === undefined ? {} : { burst }),
  };
}

/** The row of an outcome about which no more than this is known. */
export function fromOutcome(outcome: UnrecordedOutcome, runId: string): AttemptRecord {
  return {
    ...outcome,
    startedAt: new Date(outcome.startedAt),
    disable: outcome.disable ?? false,
    nextAttemptAt: outcome.nextAttemptAt === null ? null : new Date(outcome.nextAttemptAt),
    recordedBy: runId,
    timings: null,
    url: null,
    requestHeaders: null,
    responseHeaders: null,
    responseExcerpt: null,
    responseTruncated: null,
  };
}

/** What a workflow carries of an attempt that could not be recorded. */
export function outcomeOf({ number, startedAt, exchange, decision, place }: MadeAttempt): UnrecordedOutcome {
  const { task } = place;
  // Field by field: this is done for every delivery, and leaving one field out of a copy is slow.
  return {
    deliveryId: task.deliveryId,
    run: task.run,
    number,
    startedAt: startedAt.getTime(),
    durationMs: Math.round(exchange.durationMs),
    outcome: decision.outcome,
    status: decision.status,
    reason: decision.reason,
    message: decision.message,
    state: decision.state,
    stateReason: decision.stateReason,
    disable: decision.disable,
    nextAttemptAt: decision.waitMs === null ? null : Date.now() + decision.waitMs,
    schedulePosition: task.position + place.attemptOfRound - 1,
  };
}

function masked({ headers }: DeliveryRequest): { name: string; value: string }[] {
  return headers.map(({ name, value, secret }) => ({ name, value: secret ? '***' : value }));
}
