/** One attempt of a delivery: load it, build the request, send it, judge the answer, record what happened. */
import { activityInfo } from '@temporalio/activity';
import type { EgressClient } from '../../egress/types.js';
import { contractOf } from '../../providers/registry.js';
import { loadAttemptMaterial, type AttemptMaterial } from '../../store/attempts/attempts.js';
import type { Store } from '../../store/store.js';
import {
  FailureType,
  SUBSCRIPTION_DELETED,
  SUBSCRIPTION_DISABLED,
  type AttemptTask,
  type DeliveryResult,
} from '../../workflows/types.js';
import { admit, lookupRejected, type AdmissionDependencies } from '../admission/admission.js';
import { recordFailure } from '../subscription-health.js';
import { afterFailure } from '../lasting-failure.js';
import { countsAsFailure, makeAttempt, wasMade } from './send.js';
import { failureOf, roundEnding, type AttemptPosition } from './classify.js';
import { record } from './save.js';
import type { OutcomeWriter } from './outcome-writer.js';

/**
 * How long an attempt may take to come to its request, in milliseconds: the time its activity has beyond the contract's
 * limit. After that Temporal may have given it up, and another worker may be making it.
 */
const STALE_AFTER_MS = 15_000;

export interface AttemptDependencies {
  readonly store: Store;
  readonly egress: EgressClient;
  /** Attempts under way at once for a subscription that sets no limit of its own, in this process. */
  readonly maxConcurrentAttempts?: number;
}

/** Makes one attempt. Throws an ApplicationFailure of one of {@link FailureType} unless it was accepted. */
export async function attempt(
  dependencies: AttemptDependencies & AdmissionDependencies & { readonly outcomes: OutcomeWriter },
  task: AttemptTask,
): Promise<DeliveryResult> {
  const { store, egress, outcomes: recorder } = dependencies;
  const began = performance.now();
  const info = activityInfo();
  const runId = info.workflowExecution?.runId ?? '';
  const material = await load(store, task, info.attempt);
  const settled = alreadySettled(material, runId);
  if (settled) return settled;
  // Sending now would be an attempt of no run: the delivery's state is that of the run that came after.
  if (material.run !== task.run) throw roundEnding(FailureType.superseded, supersededBy(material.run));
  if (material.subscriptionDeleted) throw roundEnding(FailureType.subscriptionDeleted, SUBSCRIPTION_DELETED);
  if (!material.subscription.enabled) throw roundEnding(FailureType.paused, SUBSCRIPTION_DISABLED);

  const contract = contractOf(material.account.provider);
  const leave = await admit(dependencies, material, task, info.attempt);
  if (performance.now() - began > STALE_AFTER_MS) {
    await leave();
    throw roundEnding(FailureType.storeUnavailable, 'loading the delivery took too long', [info.attempt - 1]);
  }
  const position: AttemptPosition = { task, attemptOfRound: info.attempt, waitMs: task.schedule[info.attempt - 1] };
  const number = material.attempts + 1 + lostAttempts(material, position, runId);
  const made = await makeAttempt(egress, contract, material, position).finally(leave);
  if (!wasMade(made.exchange)) throw await lookupRejected(store, task, info.attempt);
  const { decision, responseClass } = made;

  // Beside the record, so that Temporal hears of the failure no later for it.
  const counted = countsAsFailure(responseClass) ? recordFailure(store, contract, material, made.startedAt) : undefined;
  await record(recorder, { ...made, position, number, runId });
  await counted;
  if (decision.state === 'failed') await afterFailure(store, contract, material);
  if (decision.state !== 'delivered') throw failureOf(decision, responseClass, position);
  return { attempts: number, status: decision.status };
}

async function load(store: Store, { deliveryId }: AttemptTask, attemptOfRound: number): Promise<AttemptMaterial> {
  const material = await loadAttemptMaterial(store, deliveryId).catch((error: Error) => {
    // Nothing was sent, so the schedule must not move on: the workflow waits for the database and comes back.
    throw roundEnding(FailureType.storeUnavailable, `cannot load the delivery: ${error.message}`, [attemptOfRound - 1]);
  });
  if (!material) throw roundEnding(FailureType.superseded, 'the delivery no longer exists');
  return material;
}

/** A predecessor may have recorded the end and died before it could report it; then nothing is sent again. */
function alreadySettled(material: AttemptMaterial, runId: string): DeliveryResult | undefined {
  if (material.recordedBy !== runId) return undefined;
  if (material.state === 'failed') throw roundEnding(FailureType.exhausted, material.stateReason ?? 'not accepted');
  return material.state === 'delivered' ? { attempts: material.attempts, status: material.lastStatus } : undefined;
}

/** Why a run must not send: it had not ended when its delivery was redelivered, or it was reset in Temporal since. */
function supersededBy(run: number): string {
  return `redelivered since, and only redelivery ${run} sends; redeliver it to send again`;
}

/** How many attempts of this round died with their worker: Temporal counts them and no row knows of them. */
function lostAttempts(material: AttemptMaterial, { task, attemptOfRound }: AttemptPosition, runId: string): number {
  if (task.attemptsBefore !== undefined)
    return Math.max(task.attemptsBefore + attemptOfRound - 1 - material.attempts, 0);
  if (attemptOfRound === 1) return 0;
  const { recordedBy, schedulePosition } = material;
  const recorded = recordedBy === runId && schedulePosition !== null ? schedulePosition : task.position - 1;
  return Math.max(task.position + attemptOfRound - 2 - recorded, 0);
}
