/** Waiting, in a delivery's own workflow, until no batch carries it. */
import { setTimeout as sleep } from 'timers/promises';
import type { Client } from '@temporalio/client';
import { isBatchRunning } from '../../dispatch/batches.js';
import { findBatchOf, releaseClaims } from '../../store/batches/claims.js';
import { findDelivery } from '../../store/deliveries/deliveries.js';
import { resumePointOf } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import type { BatchOutcome } from '../../workflows/types.js';

const POLL_MS = 250;
/** Polls of one try of the activity; it is tried again as long as it takes. */
const POLLS = 60;
/** Every so many polls Temporal is asked whether the batch still runs. */
const POLLS_PER_LOOK = 8;

/** How a batch left the delivery. Throws while it is still carried, so that it is tried again. */
export async function awaitBatch(
  { store, client }: { store: Store; client: Client },
  deliveryId: string,
): Promise<BatchOutcome> {
  for (let poll = 1; poll <= POLLS; poll += 1) {
    const batch = await findBatchOf(store, deliveryId);
    if (batch === undefined) return outcomeOf(store, deliveryId);
    if (poll % POLLS_PER_LOOK === 0 && !(await isBatchRunning(client, batch))) {
      await releaseClaims(store, [deliveryId]);
      return outcomeOf(store, deliveryId);
    }
    await sleep(POLL_MS);
  }
  throw new Error('a batch is still making the first attempt');
}

async function outcomeOf(store: Store, deliveryId: string): Promise<BatchOutcome> {
  const delivery = await findDelivery(store, deliveryId);
  if (!delivery) throw new Error(`there is no delivery ${deliveryId}`);
  const { state, attempts, lastStatus, stateReason } = delivery;
  if (state === 'delivered') return { kind: 'delivered', result: { attempts, status: lastStatus } };
  if (state === 'failed') return { kind: 'failed', message: stateReason ?? 'not accepted' };
  const { position, at } = resumePointOf(delivery) ?? { position: 0, at: 0 };
  return { kind: 'open', position, at };
}
