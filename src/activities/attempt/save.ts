/** Recording an attempt, or handing its outcome to the workflow when the database stays away. */
import type { DeliveryRequest } from '../../contract/types.js';
import type { AttemptRecord } from '../../store/attempts/recording.js';
import { observeAttempt } from '../../telemetry/attempts.js';
import { FailureType, type UnrecordedOutcome } from '../../workflows/types.js';
import type { AttemptMade } from './send.js';
import { roundEnding, type AttemptPosition } from './classify.js';
import type { OutcomeWriter } from './outcome-writer.js';

type Writable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] };

/** An attempt with what its row needs beside. */
export interface MadeAttempt extends AttemptMade {
  readonly position: AttemptPosition;
  readonly number: number;
  readonly runId: string;
  /** The workflow id of the batch it was made in. */
  readonly batch?: string;
}

/** Tells of an attempt and writes its row; see `Recorder.add`. */
export function observeAndSave(outcomes: OutcomeWriter, made: MadeAttempt, outcome: UnrecordedOutcome): Promise<void> {
  const { material, span, startedAt, number, exchange, decision, position: place } = made;
  observeAttempt({
    ...decision,
    material,
    span,
    startedAt,
    run: place.task.run,
    number,
    durationMs: Math.round(exchange.durationMs),
  });
  return outcomes.add(recordOf(made, outcome));
}

/** Records an attempt. Throws an `OutcomeUnrecorded` failure that carries the outcome when that is not possible. */
export async function record(outcomes: OutcomeWriter, made: MadeAttempt): Promise<void> {
  const outcome = outcomeOf(made);
  try {
    await observeAndSave(outcomes, made, outcome);
  } catch (error) {
    const message = `cannot record the outcome: ${(error as Error).message}`;
    throw roundEnding(FailureType.unrecorded, message, [outcome]);
  }
}

/** The row of an attempt. */
function recordOf({ request, exchange, batch: batch, runId }: MadeAttempt, outcome: UnrecordedOutcome): AttemptRecord {
  const record = fromOutcome(outcome, runId);
  record.timings = exchange.timings ?? null;
  if (batch !== undefined) record.batch = batch;
  if (!(request instanceof Error)) {
    record.url = request.url;
    record.requestHeaders = masked(request);
  }
  if (exchange.kind === 'response') {
    record.responseHeaders = exchange.headers;
    record.responseExcerpt = exchange.excerpt;
    record.responseTruncated = exchange.truncated;
  }
  return record;
}

/** The row of an outcome about which no more than this is known. Field by field, as `outcomeOf`. */
export function fromOutcome(outcome: UnrecordedOutcome, runId: string): Writable<AttemptRecord> {
  return {
    deliveryId: outcome.deliveryId,
    run: outcome.run,
    number: outcome.number,
    startedAt: new Date(outcome.startedAt),
    durationMs: outcome.durationMs,
    timings: null,
    outcome: outcome.outcome,
    status: outcome.status,
    reason: outcome.reason,
    message: outcome.message,
    url: null,
    requestHeaders: null,
    responseHeaders: null,
    responseExcerpt: null,
    responseTruncated: null,
    state: outcome.state,
    stateReason: outcome.stateReason,
    disable: outcome.disable ?? false,
    nextAttemptAt: outcome.nextAttemptAt === null ? null : new Date(outcome.nextAttemptAt),
    schedulePosition: outcome.schedulePosition,
    recordedBy: runId,
  };
}

/** What a workflow carries of an attempt that could not be recorded. */
export function outcomeOf({ number, startedAt, exchange, decision, position: place }: MadeAttempt): UnrecordedOutcome {
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
