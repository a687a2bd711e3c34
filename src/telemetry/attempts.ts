/** Observability for one attempt: metrics, trace span, log line. */
import type { Attributes } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { RequestHeader } from '../contract/types.js';
import type { AttemptMaterial } from '../store/attempts/attempts.js';
import { countAttempt, type AttemptFacts } from './metrics.js';
import { isTraced, startAttemptSpan, type AttemptSpan } from './tracing.js';

/** Where an attempt is logged; an activity's log adds the ids of workflow and run. */
export interface AttemptLog {
  debug(message: string, facts: object): void;
  info(message: string, facts: object): void;
  warn(message: string, facts: object): void;
}

/** The log of attempts that no activity makes. */
export const toAttemptLog = (log: Logger): AttemptLog => ({
  debug: (message, facts) => log.debug(facts, message),
  info: (message, facts) => log.info(facts, message),
  warn: (message, facts) => log.warn(facts, message),
});

/** The facts of an attempt for metrics, span and log. */
export interface ObservedAttempt extends Omit<AttemptFacts, 'provider' | 'sinceAcceptedMs'> {
  readonly material: AttemptMaterial;
  readonly span: AttemptSpan | undefined;
  readonly startedAt: Date;
  readonly status: number | null;
  /** Wait before the next attempt, in milliseconds; null when there is none. */
  readonly waitMs: number | null;
  readonly log: AttemptLog;
}

let isDebugLogged = true;

/**
 * Sets whether the log level includes DEBUG. Temporal's SDK checks the level too late, which costs time per attempt.
 */
export function logAttemptsAtDebug(isLogged: boolean): void {
  isDebugLogged = isLogged;
}

/** Starts the span of an attempt; `observeAttempt` ends it. Undefined without tracing. */
export function traceAttempt(material: AttemptMaterial): AttemptSpan | undefined {
  if (!isTraced()) return undefined;
  const { account, subscription, event, delivery, traceparent } = material;
  return startAttemptSpan(traceparent, {
    'pigeonpost.provider': account.provider,
    'pigeonpost.account.id': account.id,
    'pigeonpost.subscription.id': subscription.id,
    'pigeonpost.event.id': event.id,
    'pigeonpost.event.type': event.type,
    'pigeonpost.delivery.id': delivery.id,
    'http.request.method': 'POST',
    'server.address': new URL(subscription.url).hostname,
  });
}

/** The `traceparent` header, with which a receiver can continue the trace; none if the contract already sets it. */
export function traceHeaders({ traceparent }: AttemptSpan, taken: readonly RequestHeader[]): RequestHeader[] {
  if (traceparent === null || taken.some(({ name }) => name.toLowerCase() === 'traceparent')) return [];
  return [{ name: 'traceparent', value: traceparent }];
}

/** Records an attempt in metrics, span and log. Call it once per attempt. */
export function observeAttempt(attempt: ObservedAttempt): void {
  const { material, span, startedAt, number, outcome, status, reason, state, durationMs, waitMs, log } = attempt;
  const { account, delivery } = material;
  const { provider } = account;
  countAttempt({ ...attempt, provider, sinceAcceptedMs: startedAt.getTime() - delivery.createdAt.getTime() });
  span?.end(
    {
      'pigeonpost.attempt.number': number,
      'pigeonpost.attempt.outcome': outcome,
      'pigeonpost.delivery.state': state,
      ...(status === null ? {} : { 'http.response.status_code': status }),
      ...(reason === null ? {} : { 'error.type': status === null ? reason : String(status) }),
    } satisfies Attributes,
    outcome !== 'accepted',
  );
  if (state !== 'failed' && !isDebugLogged) return;
  const facts = { deliveryId: delivery.id, provider, number, outcome, status, reason, durationMs, state, waitMs };
  log[state === 'failed' ? 'info' : 'debug'](`attempt ${outcome}`, facts);
}
