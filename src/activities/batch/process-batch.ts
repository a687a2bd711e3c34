/** Carrying a batch: the first attempts of many deliveries, recorded together as they come. */
import { activityInfo } from '@temporalio/activity';
import type { WorkflowStarter } from '../../dispatch/start.js';
import { contractOf } from '../../providers/registry.js';
import { loadBatched, type BatchedDelivery } from '../../store/batches/batched.js';
import { claim, unclaim } from '../../store/batches/claims.js';
import type { BatchGroup, BatchInput, BatchReport } from '../../workflows/batch-types.js';
import { FailureType } from '../../workflows/types.js';
import type { AttemptDependencies } from '../attempt/attempt.js';
import { FailureTally } from './failure-tally.js';
import { WorkflowStartQueue, refuseIfStale } from './workflow-start-queue.js';
import { afterFailure } from '../lasting-failure.js';
import { countsAsFailure, makeAttempt, wasMade } from '../attempt/send.js';
import type { AttemptPosition } from '../attempt/classify.js';
import { Heartbeater } from './heartbeater.js';
import { outcomeOf, observeAndSave, type MadeAttempt } from '../attempt/save.js';
import type { OutcomeWriter } from '../attempt/outcome-writer.js';
import type { Semaphore } from '../../lib/semaphore.js';
import type { ConcurrencyLimiter } from '../admission/concurrency-limiter.js';

/** How long a delivery waits for a slot of its subscription, in milliseconds; then that is too slow for a batch. */
const MAX_WAIT_MS = 2_000;
/** How long an exchange counts among those that are under way at once, in milliseconds: a slow one holds up nobody. */
const QUICK_MS = 250;
/** How long a batch begins further attempts, in milliseconds. */
const MAX_BATCH_MS = 30_000;
export interface BatchDependencies extends AttemptDependencies {
  readonly limiter: ConcurrencyLimiter;
  readonly maxConcurrentAttempts: number;
  readonly outcomes: OutcomeWriter;
  readonly memory: Semaphore;
  /** Quick exchanges under way at once. */
  readonly requestSemaphore: Semaphore;
  readonly starter: WorkflowStarter;
}

/** Everything the deliveries of one batch have in common. */
interface RunningBatch {
  readonly id: string;
  readonly runId: string;
  readonly startedAt: number;
  /** Whether it stood still for so long that another worker may be carrying it. */
  readonly isStale: () => boolean;
  /** Attempts that killed or frozen predecessors may have made of what they did not record, one each. */
  readonly lostAttempts: number;
  readonly startQueue: WorkflowStartQueue;
  readonly failures: FailureTally;
  readonly groups: ReadonlyMap<string, BatchGroup>;
  /** Makes room for another delivery, as one of this batch is done. */
  readonly releasePermit: () => void;
}

/**
 * Makes the first attempt of each delivery and gives a workflow of its own to each that is not accepted, or that a batch
 * cannot carry: of a disabled subscription, of one with limits of its own, of one that is slow. What a killed predecessor
 * recorded is not sent again. Throws when not all could be handed over; repeating it does the rest.
 */
export async function processBatch(dependencies: BatchDependencies, { groups }: BatchInput): Promise<BatchReport> {
  const { store, memory: room, starter } = dependencies;
  const info = activityInfo();
  const { workflowId, runId } = info.workflowExecution!;
  const ids = groups.flatMap(({ deliveryIds }) => deliveryIds);
  const heartbeater = new Heartbeater();
  let permits = 0;
  // When the batch has ended, attempts that were under way may end yet; their places have been given back with the rest.
  const releasePermits = (count: number): void => {
    const given = Math.min(count, permits);
    permits -= given;
    room.release(given);
  };
  try {
    await room.acquire(ids.length);
    permits = ids.length;
    const claimed = await claim(store, workflowId, ids);
    // What a try has not recorded when it dies may have been sent, so each counts, and no two use the same number.
    const lostAttempts = (info.heartbeatDetails as number | undefined) ?? 0;
    heartbeater.setDetails(lostAttempts + 1);
    const found = await loadBatched(store, claimed);
    const batch: RunningBatch = {
      id: workflowId,
      runId,
      startedAt: Date.now(),
      isStale: () => heartbeater.isStale,
      lostAttempts,
      startQueue: new WorkflowStartQueue(store, starter, () => heartbeater.isStale),
      failures: new FailureTally(store),
      groups: new Map(groups.flatMap((group) => group.deliveryIds.map((id) => [id, group]))),
      releasePermit: () => releasePermits(1),
    };
    const count = found.length;
    const skipped = await processAll(dependencies, batch, found);
    await Promise.all([batch.startQueue.finish(), batch.failures.write()]);
    const startedIndividually = batch.startQueue.count;
    return {
      accepted: count - startedIndividually - skipped,
      startedIndividually,
      skipped: ids.length - claimed.length + skipped,
    };
  } finally {
    heartbeater.stop();
    releasePermits(permits);
  }
}

/**
 * Carries what is to be carried, the deliveries of each subscription in a line. Gives back how many are not ours. Takes
 * them out of the list, so that what is done is kept no longer.
 */
async function processAll(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  deliveries: BatchedDelivery[],
): Promise<number> {
  const requestSemaphore = new Map<string, BatchedDelivery[]>();
  const notOurs: string[] = [];
  for (const delivery of deliveries.splice(0)) {
    const { subscription, subscriptionDeleted: deleted } = delivery;
    const limited = Object.keys(subscription.limits).length > 0;
    if (delivery.owned || delivery.run !== 0) notOurs.push(delivery.delivery.id);
    else if (delivery.state !== 'pending') batch.startQueue.after(delivery);
    else if (deleted || !subscription.enabled || limited) batch.startQueue.add(delivery);
    else if (requestSemaphore.has(subscription.id)) requestSemaphore.get(subscription.id)!.push(delivery);
    else requestSemaphore.set(subscription.id, [delivery]);
  }
  await processQueues(dependencies, batch, [...requestSemaphore.values()]);
  if (notOurs.length > 0) await unclaim(dependencies.store, batch.id, notOurs);
  return notOurs.length;
}

/**
 * Goes through lines of deliveries, each to one subscription, with as many at once as a subscription may have. The lines
 * take turns from the beginning, so that all have something under way and none opens more connections than it needs.
 */
async function processQueues(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  requestSemaphore: readonly BatchedDelivery[][],
): Promise<void> {
  const { maxConcurrentAttempts: limit } = dependencies;
  const workers = requestSemaphore.map((line) => ({
    length: line.length,
    worker: createQueueWorker(dependencies, batch, line),
  }));
  const underWay: Promise<void>[] = [];
  for (let nth = 0; nth < limit; nth += 1) {
    for (const { worker: walk } of workers.filter(({ length }) => nth < length)) underWay.push(walk());
  }
  await Promise.all(underWay);
}

/** What empties a line, one after the other; called several times, they share it. */
function createQueueWorker(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  line: BatchedDelivery[],
): () => Promise<void> {
  const { limiter: slots, maxConcurrentAttempts: limit } = dependencies;
  let tooSlow = false;
  return async () => {
    const recorded: Promise<void>[] = [];
    try {
      for (let delivery = line.shift(); delivery; delivery = line.shift()) {
        tooSlow ||= Date.now() - batch.startedAt > MAX_BATCH_MS;
        const permit = tooSlow ? undefined : await slots.acquireWithin(delivery.subscription.id, limit, MAX_WAIT_MS);
        const made = permit && (await attemptWithPermit(dependencies, batch, delivery).finally(permit.release));
        if (made && wasMade(made.exchange)) {
          const written = record(dependencies, batch, delivery, made);
          // What is handed over is kept until its workflow is started.
          recorded.push(made.decision.state === 'delivered' ? written.finally(batch.releasePermit) : written);
        } else {
          tooSlow = true;
          batch.startQueue.add(delivery);
        }
      }
    } finally {
      // Also when nothing more is sent: a rejection that nobody waits for would end the process.
      await Promise.all(recorded);
    }
  };
}

/** As many at once as keep the receivers busy: more would only open more connections. */
async function attemptWithPermit(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  delivery: BatchedDelivery,
): Promise<MadeAttempt> {
  const { requestSemaphore: lines } = dependencies;
  await lines.acquire(1);
  let holdsPermit = true;
  const releasePermits = (): void => {
    if (holdsPermit) lines.release(1);
    holdsPermit = false;
  };
  const tooSlow = setTimeout(releasePermits, QUICK_MS);
  try {
    return await attempt(dependencies, batch, delivery);
  } finally {
    clearTimeout(tooSlow);
    releasePermits();
  }
}

async function attempt(
  { egress }: BatchDependencies,
  batch: RunningBatch,
  delivery: BatchedDelivery,
): Promise<MadeAttempt> {
  // Here, as whatever came before may have waited: after this line it is sent.
  refuseIfStale(batch.isStale());
  const { id: deliveryId } = delivery.delivery;
  const { schedule, timeLimitMs } = batch.groups.get(deliveryId)!;
  const position: AttemptPosition = {
    task: { deliveryId, run: 0, schedule, position: 0, timeLimitMs },
    attemptOfRound: 1,
    waitMs: schedule[0],
  };
  const contract = contractOf(delivery.account.provider);
  const made = await makeAttempt(egress, contract, delivery, position);
  if (wasMade(made.exchange) && countsAsFailure(made.responseClass)) batch.failures.add(delivery, made.startedAt);
  const number = delivery.attempts + batch.lostAttempts + 1;
  return { ...made, position, number, runId: batch.runId, batch: batch.id };
}

/** Records an attempt, and hands its delivery over unless it was accepted. */
async function record(
  { store, outcomes: recorder }: BatchDependencies,
  batch: RunningBatch,
  delivery: BatchedDelivery,
  made: MadeAttempt,
): Promise<void> {
  const { state, stateReason } = made.decision;
  const outcome = outcomeOf(made);
  try {
    await observeAndSave(recorder, made, outcome);
  } catch {
    return batch.startQueue.add(delivery, { kind: 'unrecorded', outcome });
  }
  if (state === 'delivered') return;
  if (state === 'failed') {
    await afterFailure(store, contractOf(delivery.account.provider), delivery);
    const type = made.position.waitMs === undefined ? FailureType.exhausted : FailureType.stopped;
    return batch.startQueue.add(delivery, { kind: 'ended', type, message: stateReason ?? 'not accepted' });
  }
  batch.startQueue.add(delivery, { kind: 'scheduled', position: 1, at: outcome.nextAttemptAt ?? 0 });
}
