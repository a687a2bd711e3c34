/** Step 3 of an attempt: reports it and writes its row. */
import type { DeliveryRequest } from '../../contract/types.js';
import type { AttemptRow } from '../../store/attempts/recording.js';
import { observeAttempt } from '../../telemetry/attempts.js';
import type { UnrecordedOutcome } from '../../workflows/types.js';
import type { AttemptResult } from './classify.js';
import type { OutcomeWriter } from './outcome-writer.js';
import { MASK } from './redact.js';

/** Reports an attempt and writes its row; rejects as `OutcomeWriter.write`. */
export function save(outcomes: OutcomeWriter, result: AttemptResult): Promise<void> {
  const { context } = result;
  observeAttempt({
    material: context.material,
    span: result.span,
    startedAt: result.startedAt,
    run: context.task.run,
    number: result.number,
    outcome: result.outcome,
    status: result.status,
    reason: result.reason,
    state: result.state,
    waitMs: result.waitMs,
    durationMs: result.durationMs,
    log: context.log,
  });
  return outcomes.write(toRow(result));
}

// The rows are built field by field, as every delivery passes here and spreads are slow.

function toRow(result: AttemptResult): AttemptRow {
  const { context, exchange } = result;
  const request = result.request instanceof Error ? undefined : result.request;
  const response = exchange.kind === 'response' ? exchange : undefined;
  return {
    deliveryId: context.task.deliveryId,
    run: context.task.run,
    number: result.number,
    startedAt: result.startedAt,
    durationMs: result.durationMs,
    timings: exchange.timings ?? null,
    outcome: result.outcome,
    status: result.status,
    reason: result.reason,
    message: result.message,
    url: request ? request.url : null,
    requestHeaders: request ? maskSecrets(request) : null,
    responseHeaders: response ? response.headers : null,
    responseExcerpt: response ? response.excerpt : null,
    responseTruncated: response ? response.truncated : null,
    state: result.state,
    stateReason: result.stateReason,
    disable: result.disable,
    nextAttemptAt: result.nextAttemptAt,
    schedulePosition: context.task.position + context.attemptOfRound - 1,
    recordedBy: context.runId,
    isOrdered: context.material.isOrdered,
    sender: context.sender,
  };
}

/** What the workflow gets of an attempt that could not be saved: everything but the request and the response. */
export function toUnrecordedOutcome(result: AttemptResult): UnrecordedOutcome {
  const { task, attemptOfRound } = result.context;
  return {
    deliveryId: task.deliveryId,
    run: task.run,
    number: result.number,
    startedAt: result.startedAt.getTime(),
    durationMs: result.durationMs,
    outcome: result.outcome,
    status: result.status,
    reason: result.reason,
    message: result.message,
    state: result.state,
    stateReason: result.stateReason,
    disable: result.disable,
    nextAttemptAt: result.nextAttemptAt?.getTime() ?? null,
    schedulePosition: task.position + attemptOfRound - 1,
    ...(result.context.material.isOrdered ? { isOrdered: true } : {}),
  };
}

/** The row of an outcome that the workflow records. */
export function rowOfUnrecorded(outcome: UnrecordedOutcome, runId: string): AttemptRow {
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
    disable: outcome.disable,
    nextAttemptAt: outcome.nextAttemptAt === null ? null : new Date(outcome.nextAttemptAt),
    schedulePosition: outcome.schedulePosition,
    recordedBy: runId,
    isOrdered: outcome.isOrdered ?? false,
  };
}

function maskSecrets({ headers }: DeliveryRequest): { name: string; value: string }[] {
  return headers.map(({ name, value, secret }) => ({ name, value: secret ? MASK : value }));
}
