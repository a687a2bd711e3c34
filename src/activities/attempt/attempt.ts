/** The activity of one attempt: load the delivery, check and admit it, then send → classify → save → toWorkflowFailure. */
import { activityInfo, log } from '@temporalio/activity';
import type { AnyContract } from '../../contract/types.js';
import { isPostponed, makeBody, transformedVariant } from '../../dispatch/payload/transform-bodies.js';
import { pauseOf } from '../../dispatch/fan-out.js';
import type { EgressClient } from '../../egress/types.js';
import { contractOf } from '../../providers/registry.js';
import { loadAttemptMaterial, replaceFailedBody, type AttemptMaterial } from '../../store/attempts/attempts.js';
import { ERASED } from '../../store/erasures.js';
import { isRecordedFor } from '../../store/deliveries/deliveries.js';
import { findEvent } from '../../store/events/stored-events.js';
import type { Store } from '../../store/store.js';
import { FailureType, roundFailure } from '../../workflows/failure.js';
import { ATTEMPT_MARGIN_MS } from '../../workflows/limits.js';
import {
  EXPIRED,
  SUBSCRIPTION_DELETED,
  SUBSCRIPTION_DISABLED,
  type AttemptTask,
  type DeliveryResult,
} from '../../workflows/types.js';
import { admit, lookupRejected, type AdmissionDependencies } from '../admission/admission.js';
import type { Breakers } from '../breakers.js';
import { recordFailure, replaceOptionsAfterFailures } from '../subscription-health.js';
import { classify, toWorkflowFailure, type AttemptResult } from './classify.js';
import type { OutcomeWriter } from './outcome-writer.js';
import { save, toUnrecordedOutcome } from './save.js';
import { send, type AttemptContext } from './send.js';

export interface AttemptDependencies {
  readonly store: Store;
  readonly egress: EgressClient;
  /** Attempts in flight at once for a subscription without a limit of its own, in this process. */
  readonly maxConcurrentAttempts?: number;
}

/** What activities and the sender of a process share: a subscription's limits hold for both together. */
export interface SharedDependencies extends AttemptDependencies, AdmissionDependencies {
  readonly store: Store;
  readonly maxConcurrentAttempts: number;
  readonly outcomes: OutcomeWriter;
  readonly breakers: Breakers;
}

/** Makes one attempt. Throws an ApplicationFailure of one of {@link FailureType} unless it was accepted. */
export async function attempt(dependencies: SharedDependencies, task: AttemptTask): Promise<DeliveryResult> {
  const { store, egress, outcomes, breakers } = dependencies;
  const startedAt = performance.now();
  const { attempt: attemptOfRound, workflowExecution } = activityInfo();
  const runId = workflowExecution?.runId ?? '';
  const material = await load(store, task, attemptOfRound);
  const recorded = recordedEnd(material, runId);
  if (recorded) return recorded;
  // The delivery's state belongs to a later run, so an attempt of this run must not change it.
  if (material.run !== task.run) throw roundFailure(FailureType.superseded, supersededBy(material.run));
  if (material.subscriptionDeleted) throw roundFailure(FailureType.subscriptionDeleted, SUBSCRIPTION_DELETED);
  checkMayAttempt(material);
  await breakers.admit(material, task.byHand === true && attemptOfRound === 1, attemptOfRound - 1);

  const contract = contractOf(material.account.provider);
  const release = await admit(dependencies, material, task, attemptOfRound);
  // After its margin Temporal may have given this activity up, and another worker may be making the attempt.
  if (performance.now() - startedAt > ATTEMPT_MARGIN_MS) {
    await release();
    const attemptsMade = attemptOfRound - 1;
    throw roundFailure(FailureType.storeUnavailable, 'loading the delivery took too long', { attemptsMade });
  }
  const context: AttemptContext = {
    material,
    task,
    attemptOfRound,
    waitMs: task.schedule[attemptOfRound - 1],
    number: material.attempts + 1 + lostAttempts(material, task, attemptOfRound, runId),
    runId,
    sender: undefined,
    log,
  };
  const result = await sendAndClassify(egress, contract, context).finally(release);
  if (!result) throw await lookupRejected(store, task, attemptOfRound);

  breakers.count(material, hasFailed(result));
  // Concurrently with the save, so that Temporal gets the failure no later.
  const counted = result.countsAsFailure
    ? recordFailure({ store, log }, contract, material, result.startedAt)
    : undefined;
  await saveOrReport(outcomes, result);
  breakers.recorded(material);
  await counted;
  if (result.state === 'failed') await replaceOptionsAfterFailures({ store, log }, contract, material);
  if (result.state !== 'delivered') throw toWorkflowFailure(result);
  return { attempts: result.number, status: result.status };
}

/**
 * Makes an attempt, without saving it. Errors of the request or the receiver are its result, so it does not reject for
 * them. Undefined when nothing was sent because too many host names were being looked up: that is no attempt.
 */
export async function sendAndClassify(
  egress: EgressClient,
  contract: AnyContract,
  context: AttemptContext,
): Promise<AttemptResult | undefined> {
  const sent = await send(egress, contract, context);
  if (sent.exchange.kind === 'failure' && sent.exchange.reason === 'busy') return undefined;
  return classify(contract, context, sent);
}

/** Whether an attempt failed at its receiver; undefined when it says nothing of it, as one without a body. */
export function hasFailed({ state, countsAsFailure }: AttemptResult): boolean | undefined {
  if (state === 'delivered') return false;
  return countsAsFailure ? true : undefined;
}

/** Saves an attempt. When that fails, the thrown failure contains the outcome, and the workflow records it later. */
async function saveOrReport(outcomes: OutcomeWriter, result: AttemptResult): Promise<void> {
  try {
    await save(outcomes, result);
  } catch (error) {
    const outcome = toUnrecordedOutcome(result);
    throw roundFailure(FailureType.unrecorded, `cannot record the outcome: ${(error as Error).message}`, { outcome });
  }
}

async function load(store: Store, task: AttemptTask, attemptOfRound: number): Promise<AttemptMaterial> {
  const material = await loadWithBody(store, task).catch((error: Error) => {
    // Nothing was sent, so the position in the schedule stays: the workflow waits for the database and retries.
    const attemptsMade = attemptOfRound - 1;
    throw roundFailure(FailureType.storeUnavailable, `cannot load the delivery: ${error.message}`, { attemptsMade });
  });
  if (!material) throw roundFailure(FailureType.superseded, 'the delivery no longer exists');
  if (isPostponed(material.bodyError)) {
    const attemptsMade = attemptOfRound - 1;
    throw roundFailure(FailureType.storeUnavailable, material.bodyError!, { attemptsMade });
  }
  return material;
}

/** Loads a delivery. A redelivery makes a body that could not be made before, and a first run one that was postponed. */
async function loadWithBody(store: Store, { deliveryId, run }: AttemptTask): Promise<AttemptMaterial | undefined> {
  const material = await loadAttemptMaterial(store, deliveryId);
  if (!material || material.bodyError === null || material.run !== run) return material;
  const needsBody = run > 0 || isPostponed(material.bodyError);
  return needsBody ? makeBodyAgain(store, material) : material;
}

/** Makes the body with the transformation that the subscription has now. */
async function makeBodyAgain(store: Store, material: AttemptMaterial): Promise<AttemptMaterial> {
  const { account, subscription } = material;
  const event = await findEvent(store, material.event.id);
  if (!event || event.erasedAt) return material;
  const contract = contractOf(account.provider);
  const { transformation } = subscription;
  const bodyVariant = transformedVariant(contract.bodyVariant(subscription), transformation);
  const isBatch = contract.batching?.limitsOf(subscription.options) !== undefined;
  const input = { event: { ...event, data: JSON.parse(event.text) as unknown }, account };
  const made =
    transformation === null
      ? { body: contract.renderBody({ ...input, subscription }) }
      : await makeBody(store, { ...input, isBatch, expression: transformation });
  if ('error' in made) return { ...material, bodyError: made.error };
  const body = await replaceFailedBody(store, material, { bodyVariant, ...made });
  return body === undefined ? { ...material, bodyError: ERASED } : { ...material, body, bodyError: null };
}

/** The end that an earlier try of this activity, or a sender, recorded without the workflow knowing; then nothing is sent. */
function recordedEnd(material: AttemptMaterial, runId: string): DeliveryResult | undefined {
  if (!isRecordedFor(runId, material.recordedBy)) return undefined;
  if (material.state === 'failed') throw roundFailure(FailureType.exhausted, material.stateReason ?? 'not accepted');
  return material.state === 'delivered' ? { attempts: material.attempts, status: material.lastStatus } : undefined;
}

/** Throws the failure of a delivery for which no attempt may be made now. */
function checkMayAttempt({
  state,
  stateReason,
  supersedeKey,
  expiresAt,
  subscription,
  account,
}: AttemptMaterial): void {
  // Other cancelled deliveries were cancelled by their workflow, and a reset of it in Temporal sends them again.
  if (state === 'cancelled' && supersedeKey !== null)
    throw roundFailure(FailureType.cancelled, stateReason ?? 'superseded by a newer event');
  if (expiresAt && expiresAt.getTime() <= Date.now()) throw roundFailure(FailureType.expired, EXPIRED);
  if (!subscription.enabled) throw roundFailure(FailureType.paused, SUBSCRIPTION_DISABLED);
  const pause = pauseOf(account, subscription);
  if (pause !== undefined) throw roundFailure(FailureType.paused, pause);
}

/** Why a run must not send: its delivery was redelivered before it ended, or the run was reset in Temporal. */
function supersededBy(run: number): string {
  return `redelivered since, and only redelivery ${run} sends; redeliver it to send again`;
}

/** How many attempts of this round died with their worker: Temporal counts them, but the database has no row of them. */
function lostAttempts(material: AttemptMaterial, task: AttemptTask, attemptOfRound: number, runId: string): number {
  if (task.attemptsBefore !== undefined)
    return Math.max(task.attemptsBefore + attemptOfRound - 1 - material.attempts, 0);
  if (attemptOfRound === 1) return 0;
  const { recordedBy, schedulePosition } = material;
  const recorded = recordedBy === runId && schedulePosition !== null ? schedulePosition : task.position - 1;
  return Math.max(task.position + attemptOfRound - 2 - recorded, 0);
}
