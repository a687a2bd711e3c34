/** The part of the sweep for deliveries whose workflow is missing or closed. */
import { heartbeat, log } from '@temporalio/activity';
import { applyClosedWorkflow, findLastWorkflow } from '../../dispatch/closed.js';
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import { loadDeliveryStarts, type DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import { inChunks } from '../../lib/in-chunks.js';
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

/** What the recovery found. */
interface Recovered {
  readonly started: number;
  /** Overdue deliveries whose workflow was missing or closed, or could not be looked up. */
  readonly unreconciled: number;
}

/**
 * Starts overdue deliveries that Temporal does not know, for example after the loss of its database, and updates those
 * whose workflow has closed, for example after a restore of an older copy of our database. Skips those whose workflow is
 * running.
 */
export async function recoverOverdue(store: Store, starter: WorkflowStarter): Promise<Recovered> {
  let started = 0;
  let unreconciled = 0;
  let after: OverdueDelivery | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const found = await overdueDeliveries(store, { overdueBy: OVERDUE_AFTER_S, after, limit: PAGE_SIZE });
    const deliveryStarts = await loadDeliveryStarts(
      store,
      found.map(({ id }) => id),
    );
    const results = await inChunks(
      deliveryStarts,
      CONCURRENCY,
      (deliveryStart) => recoverOne(store, starter, deliveryStart),
      () => heartbeat(),
    );
    started += results.filter((result) => result === 'started').length;
    unreconciled += results.filter((result) => result !== 'running').length;
    if (found.length < PAGE_SIZE) break;
    after = found.at(-1);
  }
  return { started, unreconciled };
}

/** After an error the next sweep tries again; the other deliveries are not affected. */
async function recoverOne(
  store: Store,
  starter: WorkflowStarter,
  deliveryStart: DeliveryStart,
): Promise<'running' | 'started' | 'ended' | 'failed'> {
  const { client } = starter;
  try {
    return await client.withDeadline(Date.now() + DEADLINE_MS, async () => {
      const workflow = await findLastWorkflow(client, deliveryStart.deliveryId);
      if (workflow.kind === 'running') return 'running';
      const isStarted =
        workflow.kind === 'closed'
          ? await applyClosedWorkflow({ store, starter }, deliveryStart, workflow)
          : await startDelivery(starter, deliveryStart);
      return isStarted ? 'started' : 'ended';
    });
  } catch (error) {
    log.warn('cannot recover an overdue delivery now', { deliveryId: deliveryStart.deliveryId, error: String(error) });
    return 'failed';
  }
}
