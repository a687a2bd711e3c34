/**
 * Counters and histograms for Prometheus. One registry per process, because a process is scraped as a whole.
 *
 * Label values are bounded: providers, outcomes, reasons and states; never an id, an address or data from a receiver.
 */
import { Counter, Histogram, Registry } from 'prom-client';
import { openStates, type DeliveryState } from '../store/deliveries/deliveries.js';
import type { NewEvent } from '../store/events/events.js';

export const registry = new Registry();

const registers = [registry];

/** Final states of a delivery. */
export const deliveryOutcomes = ['delivered', 'failed', 'cancelled'] as const;

const events = new Counter({
  name: 'pigeonpost_events_total',
  help: 'Events that were accepted and committed.',
  labelNames: ['provider'] as const,
  registers,
});

const created = new Counter({
  name: 'pigeonpost_deliveries_created_total',
  help: 'Deliveries that were committed with accepted events.',
  labelNames: ['provider'] as const,
  registers,
});

const ended = new Counter({
  name: 'pigeonpost_deliveries_total',
  help: 'Deliveries that ended: delivered, failed (exhausted or stopped) or cancelled. A redelivery ends once more.',
  labelNames: ['provider', 'outcome'] as const,
  registers,
});

const attempts = new Counter({
  name: 'pigeonpost_attempts_total',
  help: 'Attempts: accepted or refused by the response, or failed without a response, with the reason.',
  labelNames: ['provider', 'outcome', 'reason'] as const,
  registers,
});

const attemptDuration = new Histogram({
  name: 'pigeonpost_attempt_duration_seconds',
  help: 'Duration of an attempt, from connecting to the end of the response.',
  labelNames: ['provider', 'outcome'] as const,
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120],
  registers,
});

const firstAttemptDelay = new Histogram({
  name: 'pigeonpost_first_attempt_delay_seconds',
  help: 'Time from the acceptance of an event to the start of the first attempt of each of its deliveries.',
  labelNames: ['provider'] as const,
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
  registers,
});

const deliveryDuration = new Histogram({
  name: 'pigeonpost_delivery_duration_seconds',
  help: 'Time from the acceptance of an event to the attempt that ended a delivery, without redeliveries.',
  labelNames: ['provider', 'outcome'] as const,
  buckets: [0.1, 0.5, 1, 5, 30, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 172_800, 345_600],
  registers,
});

/** Why a sign-in to the API failed. */
const authFailureReasons = ['missing', 'unknown', 'revoked', 'expired', 'wrong_provider', 'rate_limited'] as const;
export type AuthFailureReason = (typeof authFailureReasons)[number];

const authFailures = new Counter({
  name: 'pigeonpost_auth_failures_total',
  help: 'Requests to the API without a valid key: missing, unknown, revoked, expired, of another provider, or rate-limited after too many wrong keys.',
  labelNames: ['reason'] as const,
  registers,
});

/** What follows the first attempt of a direct delivery: nothing, or a workflow. */
const directOutcomes = ['accepted', 'workflow'] as const;

const direct = new Counter({
  name: 'pigeonpost_direct_deliveries_total',
  help: 'Deliveries that a sender made the first attempt of: accepted, or continued in a workflow of their own.',
  labelNames: ['outcome'] as const,
  registers,
});

/** What happens to circuit breakers. */
const breakerChanges = ['opened', 'closed'] as const;

const breakers = new Counter({
  name: 'pigeonpost_breaker_changes_total',
  help: 'Circuit breakers of subscriptions that this process has opened, or closed after their trials or by hand.',
  labelNames: ['change'] as const,
  registers,
});

/** Initializes the counters with zero, so that Prometheus sees the first increase. */
export function beginAtZero(providers: readonly string[]): void {
  for (const provider of providers) {
    events.inc({ provider }, 0);
    created.inc({ provider }, 0);
    for (const outcome of deliveryOutcomes) ended.inc({ provider, outcome }, 0);
    attempts.inc({ provider, outcome: 'accepted', reason: '' }, 0);
    attempts.inc({ provider, outcome: 'refused', reason: 'status' }, 0);
  }
  for (const reason of authFailureReasons) authFailures.inc({ reason }, 0);
  for (const outcome of directOutcomes) direct.inc({ outcome }, 0);
  for (const change of breakerChanges) breakers.inc({ change }, 0);
}

/** Counts a circuit breaker that was opened or closed. */
export function countBreaker(change: (typeof breakerChanges)[number]): void {
  breakers.inc({ change });
}

/** Counts a request that failed authentication. */
export function countAuthFailure(reason: AuthFailureReason): void {
  authFailures.inc({ reason });
}

/** Counts committed events and their deliveries. */
export function countEmitted(rows: readonly Pick<NewEvent, 'provider' | 'deliveries'>[]): void {
  for (const { provider, deliveries } of rows) {
    events.inc({ provider });
    created.inc({ provider }, deliveries.length);
  }
}

/** Counts the end of a delivery that no attempt caused; ignores open states and an undefined provider. */
export function countEnd(provider: string | undefined, state: DeliveryState): void {
  if (provider === undefined || openStates.includes(state)) return;
  ended.inc({ provider, outcome: state });
}

/** The facts of an attempt for metrics; times in milliseconds. */
export interface AttemptFacts {
  readonly provider: string;
  readonly outcome: 'accepted' | 'refused' | 'failed';
  /** One word for why it was not accepted; null if accepted. */
  readonly reason: string | null;
  readonly durationMs: number;
  /** The delivery's state after the attempt. */
  readonly state: 'delivered' | 'retrying' | 'failed';
  /** Number of the redelivery; 0 for the original delivery. */
  readonly run: number;
  /** Number of the attempt in its delivery, from 1. */
  readonly number: number;
  /** From the acceptance of the event to the start of this attempt. */
  readonly sinceAcceptedMs: number;
}

/** Counts an attempt, and its delivery if the attempt ended it. */
export function countAttempt(facts: AttemptFacts): void {
  const { provider, outcome, reason, durationMs, state, run, number, sinceAcceptedMs } = facts;
  attempts.inc({ provider, outcome, reason: reason ?? '' });
  attemptDuration.observe({ provider, outcome }, durationMs / 1_000);
  if (number === 1) firstAttemptDelay.observe({ provider }, sinceAcceptedMs / 1_000);
  if (state === 'retrying') return;
  ended.inc({ provider, outcome: state });
  if (run === 0) deliveryDuration.observe({ provider, outcome: state }, (sinceAcceptedMs + durationMs) / 1_000);
}

/** Counts a delivery that a sender has finished with. */
export function countDirect(outcome: (typeof directOutcomes)[number]): void {
  direct.inc({ outcome });
}
