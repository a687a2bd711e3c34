/** The part of the sweep that sees to batches: those that nobody started, and those that ended without doing their work. */
import { heartbeat } from '@temporalio/activity';
import { isBatchRunning, MAX_BATCH_SIZE, newBatchId, startBatch } from '../../dispatch/batches.js';
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import { claim, releaseClaims, oldClaims, unclaimed } from '../../store/batches/claims.js';
import { openStates } from '../../store/deliveries/deliveries.js';
import { loadDeliveryStarts } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';

/** Seconds after which a batch should have claimed what is left to it. */
const UNCLAIMED_AFTER_S = 10;
/** Seconds after which a claim's batch is looked for. */
const OLD_AFTER_S = 60;
/** Batches that one sweep starts at most, and claims it looks at. */
const MAX_BATCHES = 20;
const MAX_CLAIMS = 2_000;
/** How long starting a batch may take, in milliseconds. */
const START_DEADLINE_MS = 5_000;

/** Has what nobody carries carried. Returns how many deliveries that were. */
export async function recoverStaleBatches(store: Store, starter: WorkflowStarter): Promise<number> {
  let batched = await reclaim(store, starter);
  for (let batches = 0; batches < MAX_BATCHES; batches += 1) {
    const ids = await unclaimed(store, { olderThan: UNCLAIMED_AFTER_S, limit: MAX_BATCH_SIZE });
    // Claimed before it starts, so that the next look finds others.
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

/** Gives workflows of their own to deliveries whose batch has ended without handing them over, as when it is terminated. */
async function reclaim(store: Store, starter: WorkflowStarter): Promise<number> {
  const claims = await oldClaims(store, { olderThan: OLD_AFTER_S, limit: MAX_CLAIMS });
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
