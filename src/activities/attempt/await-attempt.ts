/** Waits, for an update of a delivery's workflow, until the attempt that it requested is recorded. */
import { setTimeout as sleep } from 'node:timers/promises';
import { findDelivery, openStates } from '../../store/deliveries/deliveries.js';
import type { Store } from '../../store/store.js';
import type { AttemptReport } from '../../workflows/types.js';

const POLL_MS = 200;
/** Polls of one try of the activity, which Temporal repeats. */
const POLLS = 100;

/** The delivery after an attempt beyond the first `after`; throws when there is none in time, or no such delivery. */
export async function awaitAttempt(
  store: Store,
  { deliveryId, run, after }: { readonly deliveryId: string; readonly run: number; readonly after: number },
): Promise<AttemptReport> {
  for (let poll = 1; poll <= POLLS; poll += 1) {
    const delivery = await findDelivery(store, deliveryId);
    if (!delivery) throw new Error(`there is no delivery ${deliveryId}`);
    const { attempts, state, lastStatus, lastReason, nextAttemptAt } = delivery;
    if (attempts > after || !openStates.includes(state) || delivery.run !== run)
      return {
        attempts,
        state,
        status: lastStatus,
        reason: lastReason,
        nextAttemptAt: nextAttemptAt?.getTime() ?? null,
      };
    await sleep(POLL_MS);
  }
  throw new Error('the attempt is not finished yet');
}
