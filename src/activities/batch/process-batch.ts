/** Processes a batch: makes the first attempts of many deliveries, whose rows are written together. */
import { activityInfo, log } from '@temporalio/activity';
import type { WorkflowStarter } from '../../dispatch/start.js';
import type { Semaphore } from '../../lib/semaphore.js';
import { contractOf } from '../../providers/registry.js';
import { loadBatched, type BatchedDelivery } from '../../store/batches/batched.js';
import { claim, unclaim } from '../../store/batches/claims.js';
import type { BatchGroup, BatchInput, BatchReport } from '../../workflows/batch-types.js';
import { MAX_PERMIT_WAIT_MS } from '../../workflows/limits.js';
import type { ConcurrencyLimiter } from '../admission/concurrency-limiter.js';
import { sendAndClassify, type AttemptDependencies } from '../attempt/attempt.js';
import type { AttemptResult } from '../attempt/classify.js';
import type { OutcomeWriter } from '../attempt/outcome-writer.js';
import { save, toUnrecordedOutcome } from '../attempt/save.js';
import type { AttemptContext } from '../attempt/send.js';
import { FailureCounter, replaceOptionsAfterFailures } from '../subscription-health.js';
import { Heartbeater, throwIfStale } from './heartbeater.js';
import { WorkflowStartQueue } from './workflow-start-queue.js';

/** How long a request counts towards the requests of batches in flight, in milliseconds: slow ones must not block others. */
const QUICK_MS = 250;
/** How long a batch starts further attempts, in milliseconds. */
const MAX_BATCH_MS = 30_000;

export interface BatchDependencies extends AttemptDependencies {
  readonly limiter: ConcurrencyLimiter;
  readonly maxConcurrentAttempts: number;
  readonly outcomes: OutcomeWriter;
  /** Deliveries of batches in memory at once. */
  readonly memory: Semaphore;
  /** Quick requests of batches in flight at once. */
  readonly requestSemaphore: Semaphore;
  readonly starter: WorkflowStarter;
}

/** What the deliveries of one batch have in common. */
interface RunningBatch {
  readonly id: string;
  readonly runId: string;
  readonly startedAt: number;
  /** Whether another worker may be processing the batch. */
  readonly isStale: () => boolean;
  /** Attempts per delivery that earlier tries of this activity may have made without recording them: one for each try. */
  readonly lostAttempts: number;
  readonly startQueue: WorkflowStartQueue;
  readonly failures: FailureCounter;
  readonly groups: ReadonlyMap<string, BatchGroup>;
  /** Releases the memory permit of one finished delivery. */
  readonly releasePermit: () => void;
}

/**
 * Makes the first attempt of each delivery, and starts a workflow for each that is not accepted or that a batch cannot
 * process: its subscription is disabled, has limits of its own, or is slow. What an earlier try has recorded is not sent
 * again. Throws when a workflow could not be started; the next try does the rest.
 */
export async function processBatch(dependencies: BatchDependencies, { groups }: BatchInput): Promise<BatchReport> {
  const { store, memory, starter } = dependencies;
  const info = activityInfo();
  const { workflowId, runId } = info.workflowExecution!;
  const ids = groups.flatMap(({ deliveryIds }) => deliveryIds);
  const heartbeater = new Heartbeater();
  let permits = 0;
  // Attempts in flight may end after the batch has released all its permits.
  const releasePermits = (count: number): void => {
    const released = Math.min(count, permits);
    permits -= released;
    memory.release(released);
  };
  try {
    await memory.acquire(ids.length);
    permits = ids.length;
    const claimed = await claim(store, workflowId, ids);
    // A try that dies may have sent attempts without recording them. Each try counts, so that no two use the same number.
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
      failures: new FailureCounter(store),
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
 * Processes the deliveries, with one queue for each subscription. Returns how many belong to a workflow or another batch.
 * Empties the list, so that finished deliveries can be garbage-collected.
 */
async function processAll(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  deliveries: BatchedDelivery[],
): Promise<number> {
  const queues = new Map<string, BatchedDelivery[]>();
  const skipped: string[] = [];
  for (const delivery of deliveries.splice(0)) {
    const { subscription, subscriptionDeleted: deleted } = delivery;
    const limited = Object.keys(subscription.limits).length > 0;
    if (delivery.owned || delivery.run !== 0) skipped.push(delivery.delivery.id);
    else if (delivery.state !== 'pending') batch.startQueue.addAttempted(delivery);
    else if (deleted || !subscription.enabled || limited) batch.startQueue.add(delivery);
    else if (queues.has(subscription.id)) queues.get(subscription.id)!.push(delivery);
    else queues.set(subscription.id, [delivery]);
  }
  await processQueues(dependencies, batch, [...queues.values()]);
  if (skipped.length > 0) await unclaim(dependencies.store, batch.id, skipped);
  return skipped.length;
}

/**
 * Starts workers for each queue, as many as a subscription may have attempts in flight. The first worker of every queue
 * starts before the second of any, so that all subscriptions progress and none opens more connections than it needs.
 */
async function processQueues(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  queues: readonly BatchedDelivery[][],
): Promise<void> {
  const { maxConcurrentAttempts: limit } = dependencies;
  const workers = queues.map((queue) => ({
    length: queue.length,
    run: createQueueWorker(dependencies, batch, queue),
  }));
  const running: Promise<void>[] = [];
  for (let nth = 0; nth < limit; nth += 1) {
    for (const { run } of workers.filter(({ length }) => nth < length)) running.push(run());
  }
  await Promise.all(running);
}

/** Returns a function that processes a queue until it is empty; concurrent calls share the queue. */
function createQueueWorker(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  queue: BatchedDelivery[],
): () => Promise<void> {
  const { limiter, maxConcurrentAttempts: limit } = dependencies;
  let tooSlow = false;
  return async () => {
    const saved: Promise<void>[] = [];
    try {
      for (let delivery = queue.shift(); delivery; delivery = queue.shift()) {
        tooSlow ||= Date.now() - batch.startedAt > MAX_BATCH_MS;
        const permit = tooSlow
          ? undefined
          : await limiter.acquireWithin(delivery.subscription.id, limit, MAX_PERMIT_WAIT_MS);
        const result = permit && (await attemptWithPermit(dependencies, batch, delivery).finally(permit.release));
        if (result) {
          const done = saveAndContinue(dependencies, batch, delivery, result);
          // A delivery that is started individually stays in memory until its workflow is started.
          saved.push(result.state === 'delivered' ? done.finally(batch.releasePermit) : done);
        } else {
          tooSlow = true;
          batch.startQueue.add(delivery);
        }
      }
    } finally {
      // Also after an error: an unhandled rejection would end the process.
      await Promise.all(saved);
    }
  };
}

/** Limits the requests in flight to what keeps receivers busy: more would only open more connections. */
async function attemptWithPermit(
  dependencies: BatchDependencies,
  batch: RunningBatch,
  delivery: BatchedDelivery,
): Promise<AttemptResult | undefined> {
  const { requestSemaphore } = dependencies;
  await requestSemaphore.acquire(1);
  let holdsPermit = true;
  const releasePermit = (): void => {
    if (holdsPermit) requestSemaphore.release(1);
    holdsPermit = false;
  };
  const tooSlow = setTimeout(releasePermit, QUICK_MS);
  try {
    return await attempt(dependencies, batch, delivery);
  } finally {
    clearTimeout(tooSlow);
    releasePermit();
  }
}

async function attempt(
  { egress }: BatchDependencies,
  batch: RunningBatch,
  delivery: BatchedDelivery,
): Promise<AttemptResult | undefined> {
  // Checked last, as every step before may have waited: the next one sends.
  throwIfStale(batch.isStale());
  const { id: deliveryId } = delivery.delivery;
  const { schedule, timeLimitMs } = batch.groups.get(deliveryId)!;
  const context: AttemptContext = {
    material: delivery,
    task: { deliveryId, run: 0, schedule, position: 0, timeLimitMs },
    attemptOfRound: 1,
    waitMs: schedule[0],
    number: delivery.attempts + batch.lostAttempts + 1,
    runId: batch.runId,
    batch: batch.id,
  };
  const result = await sendAndClassify(egress, contractOf(delivery.account.provider), context);
  if (result?.countsAsFailure) batch.failures.add(delivery, result.startedAt);
  return result;
}

/** Saves an attempt, and starts a workflow for its delivery unless it was accepted. */
async function saveAndContinue(
  { store, outcomes }: BatchDependencies,
  batch: RunningBatch,
  delivery: BatchedDelivery,
  result: AttemptResult,
): Promise<void> {
  try {
    await save(outcomes, result);
  } catch (error) {
    const { id: deliveryId } = delivery.delivery;
    log.debug('cannot record an outcome now; its workflow will', { deliveryId, error: String(error) });
    return batch.startQueue.add(delivery, { kind: 'unrecorded', outcome: toUnrecordedOutcome(result) });
  }
  if (result.state === 'delivered') return;
  if (result.state === 'retrying') {
    const at = result.nextAttemptAt?.getTime() ?? 0;
    return batch.startQueue.add(delivery, { kind: 'scheduled', position: 1, at });
  }
  await replaceOptionsAfterFailures(store, contractOf(delivery.account.provider), delivery);
  const message = result.stateReason ?? 'not accepted';
  batch.startQueue.add(delivery, { kind: 'ended', type: result.failureType!, message });
}
