/** Step 1 of an attempt: builds the request and sends it. */
import type { AnyContract, DeliveryRequest } from '../../contract/types.js';
import type { EgressClient, Exchange } from '../../egress/types.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { traceAttempt, traceHeaders, type AttemptLog } from '../../telemetry/attempts.js';
import type { AttemptSpan } from '../../telemetry/tracing.js';
import type { AttemptTask } from '../../workflows/types.js';
import { redactExchange, redactMessage } from './redact.js';

/** An attempt to make: the delivery, the position in its schedule and the workflow that makes it. */
export interface AttemptContext {
  readonly material: AttemptMaterial;
  readonly task: AttemptTask;
  /** Counts the round's attempts from 1. */
  readonly attemptOfRound: number;
  /** The schedule's wait after this attempt in milliseconds; undefined when it is the last. */
  readonly waitMs: number | undefined;
  /** Counts the delivery's attempts from 1, over all runs. */
  readonly number: number;
  /** The workflow run, or the sender, that makes it. */
  readonly runId: string;
  /** The sender that makes it; undefined in the delivery's own workflow. */
  readonly sender: string | undefined;
  readonly log: AttemptLog;
}

/** A request and its response or failure, without secrets. */
export interface Sent {
  readonly startedAt: Date;
  /** An error when it could not be built. */
  readonly request: DeliveryRequest | Error;
  readonly exchange: Exchange;
  /** Undefined when nothing is traced. */
  readonly span: AttemptSpan | undefined;
}

export async function send(
  egress: EgressClient,
  contract: AnyContract,
  { material, task, attemptOfRound }: AttemptContext,
): Promise<Sent> {
  const startedAt = new Date();
  const span = traceAttempt(material);
  const retriesRemaining = task.schedule.length - attemptOfRound + 1;
  const request = buildRequest(contract, material, startedAt, retriesRemaining, span);
  const exchange = await sendRequest(egress, contract, material, request, task.timeLimitMs);
  return { startedAt, request, exchange, span };
}

/** The request, or the error of building it or its body. The error counts as an attempt, so that it is visible. */
function buildRequest(
  contract: AnyContract,
  material: AttemptMaterial,
  now: Date,
  retriesRemaining: number,
  span: AttemptSpan | undefined,
): DeliveryRequest | Error {
  if (material.bodyError !== null) return new Error(material.bodyError);
  try {
    const firstAttemptAt = material.firstAttemptAt ?? now;
    const request = contract.request({ ...material, now, firstAttemptAt, retriesRemaining });
    if (!span || !contract.sendsTraceContext) return request;
    return { ...request, headers: [...request.headers, ...traceHeaders(span, request.headers)] };
  } catch (error) {
    return error as Error;
  }
}

async function sendRequest(
  egress: EgressClient,
  contract: AnyContract,
  { account, event, body, bodyError, subscription }: AttemptMaterial,
  request: DeliveryRequest | Error,
  timeLimitMs: number,
): Promise<Exchange> {
  if (bodyError !== null) return { kind: 'failure', reason: 'transformation', message: bodyError, durationMs: 0 };
  if (request instanceof Error) {
    const message = `the request cannot be built: ${redactMessage(request.message)}`;
    return { kind: 'failure', reason: 'invalid_request', message, durationMs: 0 };
  }
  const { url, headers } = request;
  const exchange = await egress.send({
    url,
    headers,
    body,
    timeLimitMs,
    maxRedirects: contract.maxRedirects(event.type, account),
    queueKey: subscription.id,
    account: account.id,
    tlsClient: subscription.tlsClient,
  });
  return redactExchange(exchange, request);
}
