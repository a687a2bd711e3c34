/**
 * What this process counts for Prometheus. A process is scraped as a whole, so there is one registry in it.
 *
 * Labels are bounded: providers, outcomes, reasons and states; never an id, an address or anything a receiver chose.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { openStates, type DeliveryState } from '../store/deliveries/deliveries.js';
import type { NewEvent } from '../store/events/events.js';
import type { BatchReport } from '../workflows/batch-types.js';

export const registry = new Registry();

const registers = [registry];

/** How a delivery ends. */
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
  help: 'Attempts that were made: accepted or refused by an answer, or failed without one for this reason.',
  labelNames: ['provider', 'outcome', 'reason'] as const,
  registers,
});

const attemptDuration = new Histogram({
  name: 'pigeonpost_attempt_duration_seconds',
  help: 'How long the exchange of an attempt took, from connecting to the end of the answer.',
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
  help: 'Time from the acceptance of an event to the attempt that ended a delivery; redeliveries are left out.',
  labelNames: ['provider', 'outcome'] as const,
  buckets: [0.1, 0.5, 1, 5, 30, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 172_800, 345_600],
  registers,
});

/** Why a sign-in to the API failed. */
const authFailureReasons = ['missing', 'unknown', 'revoked', 'wrong_provider', 'rate_limited'] as const;
export type AuthFailureReason = (typeof authFailureReasons)[number];

const authFailures = new Counter({
  name: 'pigeonpost_auth_failures_total',
  help: 'Requests to the API without a valid key: with none, an unknown or revoked one, one of another provider, or one of too many wrong ones.',
  labelNames: ['reason'] as const,
  registers,
});

const batchesRunning = new Gauge({
  name: 'pigeonpost_batches_running',
  help: 'Batches that this process carries, or that wait in it for room.',
  registers,
});

const batchDeliveries = new Counter({
  name: 'pigeonpost_batch_deliveries_total',
  help: 'Deliveries of batches: accepted there, handed over to a workflow of their own, or left to whoever had them already.',
  labelNames: ['outcome'] as const,
  registers,
});

/** Lets every counter begin at zero, so that the first increase is seen as one. */
export function beginAtZero(providers: readonly string[]): void {
  for (const provider of providers) {
    events.inc({ provider }, 0);
    created.inc({ provider }, 0);
    for (const outcome of deliveryOutcomes) ended.inc({ provider, outcome }, 0);
    attempts.inc({ provider, outcome: 'accepted', reason: '' }, 0);
    attempts.inc({ provider, outcome: 'refused', reason: 'status' }, 0);
  }
  for (const reason of authFailureReasons) authFailures.inc({ reason }, 0);
  countBatched({ accepted: 0, startedIndividually: 0, skipped: 0 });
}

/** Counts a request that was not let in. */
export function countAuthFailure(reason: AuthFailureReason): void {
  authFailures.inc({ reason });
}

/** Counts committed events and the deliveries that came with them. */
export function countEmitted(rows: readonly Pick<NewEvent, 'provider' | 'deliveries'>[]): void {
  for (const { provider, deliveries } of rows) {
    events.inc({ provider });
    created.inc({ provider }, deliveries.length);
  }
}

/** Counts a change of state other than by an attempt, if there was one and it ends the delivery. */
export function countEnd(provider: string | undefined, state: DeliveryState): void {
  if (provider === undefined || openStates.includes(state)) return;
  ended.inc({ provider, outcome: state });
}

/** An attempt that was made, as far as it is counted; times in milliseconds. */
export interface AttemptFacts {
  readonly provider: string;
  readonly outcome: 'accepted' | 'refused' | 'failed';
  /** One word for why it was not accepted; null when it was. */
  readonly reason: string | null;
  readonly durationMs: number;
  /** The delivery's state after it. */
  readonly state: 'delivered' | 'retrying' | 'failed';
  /** Which redelivery it belongs to; 0 for the delivery itself. */
  readonly run: number;
  /** Counts the attempts of the delivery from 1. */
  readonly number: number;
  /** From the acceptance of the event to the start of this attempt. */
  readonly sinceAcceptedMs: number;
}

/** Counts an attempt, and its delivery when that ended with it. */
export function countAttempt(facts: AttemptFacts): void {
  const { provider, outcome, reason, durationMs, state, run, number, sinceAcceptedMs } = facts;
  attempts.inc({ provider, outcome, reason: reason ?? '' });
  attemptDuration.observe({ provider, outcome }, durationMs / 1_000);
  if (number === 1) firstAttemptDelay.observe({ provider }, sinceAcceptedMs / 1_000);
  if (state === 'retrying') return;
  ended.inc({ provider, outcome: state });
  if (run === 0) deliveryDuration.observe({ provider, outcome: state }, (sinceAcceptedMs + durationMs) / 1_000);
}

/** Counts a batch while it is carried, and its deliveries once it is done. */
export async function countBatch(processBatch: () => Promise<BatchReport>): Promise<BatchReport> {
  batchesRunning.inc();
  try {
    const report = await processBatch();
    countBatched(report);
    return report;
  } finally {
    batchesRunning.dec();
  }
}

function countBatched({ accepted, startedIndividually: handedOver, skipped: left }: BatchReport): void {
  batchDeliveries.inc({ outcome: 'accepted' }, accepted);
  batchDeliveries.inc({ outcome: 'handed_over' }, handedOver);
  batchDeliveries.inc({ outcome: 'left' }, left);
}
