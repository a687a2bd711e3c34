/** The part of the sweep that sees to deliveries that are long overdue: their workflow may be gone, or have closed. */
import { heartbeat, log } from '@temporalio/activity';
import { findLastWorkflow, settleClosed } from '../../dispatch/closed.js';
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import { loadDeliveryStarts, type DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { overdueDeliveries, type OverdueDelivery } from '../../store/deliveries/sweep.js';

/** Seconds by which an attempt may be late before its workflow is looked for. */
const OVERDUE_AFTER_S = 300;
/** Deliveries looked at together, and pages of them in one sweep at most. */
const PAGE = 200;
const MAX_PAGES = 25;
/** Deliveries of a page that are looked up in Temporal at once. */
const CONCURRENCY = 20;
/** How long looking at one delivery may take, in milliseconds. */
const DEADLINE_MS = 10_000;

/**
 * Starts overdue deliveries that Temporal no longer knows, as after the loss of its database, and settles those whose
 * workflow has closed, as after a restore of an older copy of ours. Goes past those whose workflow runs, so that many of
 * them do not keep the others from being seen. Returns how many were started.
 */
export async function recoverOverdue(store: Store, starter: WorkflowStarter): Promise<number> {
  let started = 0;
  let after: OverdueDelivery | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const found = await overdueDeliveries(store, { overdueBy: OVERDUE_AFTER_S, after, limit: PAGE });
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
    if (found.length < PAGE) return started;
    after = found.at(-1);
  }
  return started;
}

/** Whether it was started. One that cannot be seen to now is left to the next sweep, and holds up no other. */
async function recoverOne(store: Store, starter: WorkflowStarter, deliveryStart: DeliveryStart): Promise<boolean> {
  const { client } = starter;
  try {
    return await client.withDeadline(Date.now() + DEADLINE_MS, async () => {
      const workflow = await findLastWorkflow(client, deliveryStart.deliveryId);
      if (workflow.kind === 'running') return false;
      if (workflow.kind === 'closed') return settleClosed({ store, starter }, deliveryStart, workflow);
      return startDelivery(starter, deliveryStart);
    });
  } catch (error) {
    log.warn('cannot recover an overdue delivery now', { deliveryId: deliveryStart.deliveryId, error: String(error) });
    return false;
  }
}
