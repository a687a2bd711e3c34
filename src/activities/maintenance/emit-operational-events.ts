/** The part of the sweep that emits operational events. */
import { heartbeat } from '@temporalio/activity';
import { emitOperations } from '../../dispatch/operational-events.js';
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import type { Store } from '../../store/store.js';

/** Emits all that waits, `batch` facts at a time, and starts the deliveries. Returns how many facts were taken. */
export async function emitWaiting(store: Store, starter: WorkflowStarter, batch: number): Promise<number> {
  let emitted = 0;
  for (;;) {
    const { taken, deliveryStarts } = await emitOperations(store, batch);
    // What cannot be started now has no owner, and the next sweep starts it.
    await Promise.all(deliveryStarts.map((deliveryStart) => startDelivery(starter, deliveryStart)));
    heartbeat();
    emitted += taken;
    if (taken < batch) return emitted;
  }
}
