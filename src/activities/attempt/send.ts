/** Making an attempt: build the request, send it, judge the answer. Nothing is recorded here. */
import type { AnyContract, DeliveryRequest, ResponseClass } from '../../contract/types.js';
import type { EgressClient, Exchange } from '../../egress/types.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { traceAttempt, traceHeaders } from '../../telemetry/attempts.js';
import type { AttemptSpan } from '../../telemetry/tracing.js';
import { decide, type AttemptPosition, type Decision } from './classify.js';
import { redactExchange, redactMessage } from './redact.js';

/** An attempt that was made, and what follows from it. */
export interface AttemptMade {
  readonly material: AttemptMaterial;
  readonly startedAt: Date;
  readonly request: DeliveryRequest | Error;
  readonly exchange: Exchange;
  readonly responseClass: ResponseClass;
  readonly decision: Decision;
  /** Ends when the attempt is told of; undefined where nothing is traced. */
  readonly span: AttemptSpan | undefined;
}

/** Makes an attempt. Whatever goes wrong with the request or the receiver is its outcome, so it never rejects for that. */
export async function makeAttempt(
  egress: EgressClient,
  contract: AnyContract,
  material: AttemptMaterial,
  position: AttemptPosition,
): Promise<AttemptMade> {
  const startedAt = new Date();
  const { schedule, timeLimitMs } = position.task;
  const span = traceAttempt(material);
  const request = buildRequest(contract, material, startedAt, schedule.length - position.attemptOfRound + 1, span);
  const exchange = await send(egress, contract, material, request, timeLimitMs);
  const responseClass = classify(contract, material, exchange, position);
  return {
    material,
    startedAt,
    request,
    exchange,
    responseClass,
    decision: decide(exchange, responseClass, position.waitMs),
    span,
  };
}

/** Whether anything was sent or can be known of the receiver. Otherwise no attempt was made, and it has no outcome. */
export function wasMade(exchange: Exchange): boolean {
  return exchange.kind === 'response' || exchange.reason !== 'busy';
}

/** Whether an attempt counts towards what disables a subscription that fails for too long. */
export function countsAsFailure(responseClass: ResponseClass): boolean {
  return responseClass.kind === 'retry' || (responseClass.kind === 'stop' && !responseClass.disable);
}

/** The request, or why it cannot be built; that counts as an attempt, so that it is seen. */
function buildRequest(
  contract: AnyContract,
  material: AttemptMaterial,
  now: Date,
  retriesRemaining: number,
  span: AttemptSpan | undefined,
): DeliveryRequest | Error {
  try {
    const firstAttemptAt = material.firstAttemptAt ?? now;
    const request = contract.request({ ...material, now, firstAttemptAt, retriesRemaining });
    if (!span || !contract.sendsTraceContext) return request;
    return { ...request, headers: [...request.headers, ...traceHeaders(span, request.headers)] };
  } catch (error) {
    return error as Error;
  }
}

async function send(
  egress: EgressClient,
  contract: AnyContract,
  { account, event, body, subscription }: AttemptMaterial,
  request: DeliveryRequest | Error,
  timeLimitMs: number,
): Promise<Exchange> {
  if (request instanceof Error) {
    const message = `the request cannot be built: ${redactMessage(request.message)}`;
    return { kind: 'failure', reason: 'invalid_request', message, durationMs: 0 };
  }
  const { url, headers } = request;
  const { id, tlsClient } = subscription;
  const maxRedirects = contract.maxRedirects(event.type, account);
  const sender = { queueKey: id, account: account.id, ...(tlsClient ? { tlsClient } : {}) };
  return redactExchange(await egress.send({ url, headers, body, timeLimitMs, maxRedirects, ...sender }), request);
}

function classify(
  contract: AnyContract,
  { account, event }: AttemptMaterial,
  exchange: Exchange,
  { waitMs }: AttemptPosition,
): ResponseClass {
  if (exchange.kind === 'failure') return { kind: 'retry' };
  return contract.classifyResponse(exchange, { account, eventType: event.type, now: new Date(), waitMs });
}
