/** The part of the sweep for deliveries whose workflow or batch is missing or closed. */
import { heartbeat, log } from '@temporalio/activity';
import { isBatchRunning, MAX_BATCH_SIZE, newBatchId, startBatch } from '../../dispatch/batches.js';
import { applyClosedWorkflow, findLastWorkflow } from '../../dispatch/closed.js';
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import { claim, oldClaims, releaseClaims, unclaimed } from '../../store/batches/claims.js';
import { openStates } from '../../store/deliveries/deliveries.js';
import { loadDeliveryStarts, type DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import { overdueDeliveries, type OverdueDelivery } from '../../store/deliveries/sweep.js';
import type { Store } from '../../store/store.js';

/** How late an attempt is before its workflow is looked up, in seconds. */
const OVERDUE_AFTER_S = 300;
/** Overdue deliveries per page, and pages per sweep. */
const PAGE_SIZE = 200;
const MAX_PAGES = 25;
/** Deliveries that are looked up in Temporal at once. */
const CONCURRENCY = 20;
/** How long the recovery of one delivery may take, in milliseconds. */
const DEADLINE_MS = 10_000;

/**
 * Starts overdue deliveries that Temporal does not know, for example after the loss of its database, and updates those
 * whose workflow has closed, for example after a restore of an older copy of our database. Skips those whose workflow is
 * running. Returns how many were started.
 */
export async function recoverOverdue(store: Store, starter: WorkflowStarter): Promise<number> {
  let started = 0;
  let after: OverdueDelivery | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const found = await overdueDeliveries(store, { overdueBy: OVERDUE_AFTER_S, after, limit: PAGE_SIZE });
    const deliveryStarts = await loadDeliveryStarts(
      store,
      found.map(({ id }) => id),
    );
    for (let from = 0; from < deliveryStarts.length; from += CONCURRENCY) {
      heartbeat();
      const chunk = deliveryStarts.slice(from, from + CONCURRENCY);
      const results = await Promise.all(chunk.map((deliveryStart) => recoverOne(store, starter, deliveryStart)));
      started += results.filter(Boolean).length;
    }
    if (found.length < PAGE_SIZE) return started;
    after = found.at(-1);
  }
  return started;
}

/** Whether it was started. After an error the next sweep tries again; the other deliveries are not affected. */
async function recoverOne(store: Store, starter: WorkflowStarter, deliveryStart: DeliveryStart): Promise<boolean> {
  const { client } = starter;
  try {
    return await client.withDeadline(Date.now() + DEADLINE_MS, async () => {
      const workflow = await findLastWorkflow(client, deliveryStart.deliveryId);
      if (workflow.kind === 'running') return false;
      if (workflow.kind === 'closed') return applyClosedWorkflow({ store, starter }, deliveryStart, workflow);
      return startDelivery(starter, deliveryStart);
    });
  } catch (error) {
    log.warn('cannot recover an overdue delivery now', { deliveryId: deliveryStart.deliveryId, error: String(error) });
    return false;
  }
}

/** Seconds after which deliveries of a batch should be claimed by it. */
const UNCLAIMED_AFTER_S = 10;
/** Seconds after which the batch of a claim is looked up. */
const OLD_CLAIM_AFTER_S = 60;
/** Batches that one sweep starts, and claims that it checks. */
const MAX_BATCHES = 20;
const MAX_CLAIMS = 2_000;
/** How long the start of a batch may take, in milliseconds. */
const START_DEADLINE_MS = 5_000;

/** Starts batches for deliveries that no batch has claimed, and workflows for those whose batch has ended. Returns how many. */
export async function recoverStaleBatches(store: Store, starter: WorkflowStarter): Promise<number> {
  let batched = await reclaim(store, starter);
  for (let batches = 0; batches < MAX_BATCHES; batches += 1) {
    const ids = await unclaimed(store, { olderThan: UNCLAIMED_AFTER_S, limit: MAX_BATCH_SIZE });
    // Claimed before the batch starts, so that the next query finds others.
    const batchWorkflowId = newBatchId();
    const claimed = ids.length > 0 ? await claim(store, batchWorkflowId, ids) : [];
    if (claimed.length === 0) return batched;
    const deliveryStarts = await loadDeliveryStarts(store, claimed);
    await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      startBatch(starter, deliveryStarts, batchWorkflowId),
    );
    batched += claimed.length;
    heartbeat();
  }
  return batched;
}

/** Starts workflows for deliveries whose batch ended without finishing them, for example because it was terminated. */
async function reclaim(store: Store, starter: WorkflowStarter): Promise<number> {
  const claims = await oldClaims(store, { olderThan: OLD_CLAIM_AFTER_S, limit: MAX_CLAIMS });
  const batches = new Map<string, string[]>();
  for (const { batchWorkflowId, deliveryId } of claims)
    batches.set(batchWorkflowId, [...(batches.get(batchWorkflowId) ?? []), deliveryId]);
  let started = 0;
  for (const [batchWorkflowId, ids] of batches) {
    heartbeat();
    if (await isBatchRunning(starter.client, batchWorkflowId)) continue;
    for (const deliveryStart of await loadDeliveryStarts(store, ids)) {
      heartbeat();
      if (openStates.includes(deliveryStart.state)) started += (await startDelivery(starter, deliveryStart)) ? 1 : 0;
    }
    await releaseClaims(store, ids);
  }
  return started;
}
