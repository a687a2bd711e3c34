/** One attempt of a delivery: load it, build the request, send it, judge the answer, record what happened. */
import { activityInfo } from '@temporalio/activity';
import type { AnyContract, DeliveryRequest, Verdict } from '../contract/types.js';
import type { EgressClient, Exchange } from '../egress/types.js';
import { contractOf } from '../providers/index.js';
import { loadAttemptMaterial, type AttemptMaterial } from '../store/attempts.js';
import type { Store } from '../store/store.js';
import { traceAttempt, traceHeaders } from '../telemetry/attempts.js';
import type { AttemptSpan } from '../telemetry/tracing.js';
import {
  FailureType,
  SUBSCRIPTION_DELETED,
  SUBSCRIPTION_DISABLED,
  type AttemptTask,
  type DeliveryResult,
} from '../workflows/types.js';
import { admit, type AdmissionDependencies } from './admission.js';
import { noteFailure } from './failing.js';
import { afterFailure } from './lasting-failure.js';
import { decide, failureOf, roundEnding, type AttemptPlace } from './outcome.js';
import { record } from './record.js';
import { redactExchange, redactMessage } from './redact.js';

export interface AttemptDependencies {
  readonly store: Store;
  readonly egress: EgressClient;
  /** Attempts under way at once for a subscription that sets no limit of its own, in this process. */
  readonly maxConcurrentAttempts?: number;
}

/** Makes one attempt. Throws an ApplicationFailure of one of {@link FailureType} unless it was accepted. */
export async function attempt(
  dependencies: AttemptDependencies & AdmissionDependencies,
  task: AttemptTask,
): Promise<DeliveryResult> {
  const { store, egress } = dependencies;
  const info = activityInfo();
  const runId = info.workflowExecution?.runId ?? '';
  const material = await load(store, task, info.attempt);
  const settled = alreadySettled(material, runId);
  if (settled) return settled;
  // Sending now would be an attempt of no run: the delivery's state is that of the run that came after.
  if (material.run !== task.run) throw roundEnding(FailureType.stopped, 'redelivered before this run had ended');
  if (material.subscriptionDeleted) throw roundEnding(FailureType.orphaned, SUBSCRIPTION_DELETED);
  if (!material.subscription.enabled) throw roundEnding(FailureType.held, SUBSCRIPTION_DISABLED);

  const contract = contractOf(material.account.provider);
  const leave = await admit(dependencies, material, task, info.attempt);
  const place: AttemptPlace = { task, attemptOfRound: info.attempt, waitMs: task.schedule[info.attempt - 1] };
  const startedAt = new Date();
  const span = traceAttempt(material);
  const request = buildRequest(contract, material, startedAt, task.schedule.length - info.attempt + 1, span);
  const exchange = await send(egress, contract, material, request, task.timeLimitMs).finally(leave);
  const verdict = judge(contract, material, exchange, place);
  const decision = decide(exchange, verdict, place.waitMs);
  const number = material.attempts + 1 + lostAttempts(material, place, runId);

  // Beside the record, so that Temporal hears of the failure no later for it.
  const counts = verdict.kind === 'retry' || (verdict.kind === 'stop' && !verdict.disable);
  const counted = counts ? noteFailure(store, contract, material, startedAt) : undefined;
  await record(store, { material, task, number, startedAt, request, exchange, decision, place, runId, span });
  await counted;
  if (decision.state === 'failed') await afterFailure(store, contract, material);
  if (decision.state !== 'delivered') throw failureOf(decision, verdict, place);
  return { attempts: number, status: decision.status };
}

async function load(store: Store, { deliveryId }: AttemptTask, attemptOfRound: number): Promise<AttemptMaterial> {
  const material = await loadAttemptMaterial(store, deliveryId).catch((error: Error) => {
    // Nothing was sent, so the schedule must not move on: the workflow waits for the database and comes back.
    throw roundEnding(FailureType.storeUnavailable, `cannot load the delivery: ${error.message}`, [attemptOfRound - 1]);
  });
  if (!material) throw roundEnding(FailureType.stopped, 'the delivery no longer exists');
  return material;
}

/** A predecessor may have recorded the end and died before it could report it; then nothing is sent again. */
function alreadySettled(material: AttemptMaterial, runId: string): DeliveryResult | undefined {
  if (material.recordedBy !== runId) return undefined;
  if (material.state === 'failed') throw roundEnding(FailureType.exhausted, material.stateReason ?? 'not accepted');
  return material.state === 'delivered' ? { attempts: material.attempts, status: material.lastStatus } : undefined;
}

/** How many attempts of this round died with their worker: Temporal counts them and no row knows of them. */
function lostAttempts(material: AttemptMaterial, { task, attemptOfRound }: AttemptPlace, runId: string): number {
  if (attemptOfRound === 1) return 0;
  const { recordedBy, schedulePosition } = material;
  const recorded = recordedBy === runId && schedulePosition !== null ? schedulePosition : task.position - 1;
  return Math.max(task.position + attemptOfRound - 2 - recorded, 0);
}

/** The request, or why it cannot be built; that counts as an attempt, so that it is seen. */
function buildRequest(
  contract: AnyContract,
  material: AttemptMaterial,
  now: Date,
  retriesRemaining: number,
  span: AttemptSpan,
): DeliveryRequest | Error {
  try {
    const firstAttemptAt = material.firstAttemptAt ?? now;
    const request = contract.request({ ...material, now, firstAttemptAt, retriesRemaining });
    if (!contract.carriesTrace) return request;
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
  const outgoing = { url, headers, body, timeLimitMs, maxRedirects, lane: id, ...(tlsClient ? { tlsClient } : {}) };
  return redactExchange(await egress.send(outgoing), request);
}

function judge(
  contract: AnyContract,
  { account, event }: AttemptMaterial,
  exchange: Exchange,
  { waitMs }: AttemptPlace,
): Verdict {
  if (exchange.kind === 'failure') return { kind: 'retry' };
  return contract.judge(exchange, { account, eventType: event.type, now: new Date(), waitMs });
}
