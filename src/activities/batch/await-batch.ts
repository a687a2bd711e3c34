/** Waiting, in a delivery's own workflow, until no burst carries it. */
import { setTimeout as sleep } from 'timers/promises';
import type { Client } from '@temporalio/client';
import { burstIsRunning } from '../../dispatch/batches.js';
import { carrierOf, handOver } from '../../store/batches/claims.js';
import { findDelivery } from '../../store/deliveries/deliveries.js';
import { placeOf } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import type { Left } from '../../workflows/types.js';

const POLL_MS = 250;
/** Polls of one try of the activity; it is tried again as long as it takes. */
const POLLS = 60;
/** Every so many polls Temporal is asked whether the burst still runs. */
const POLLS_PER_LOOK = 8;

/** How a burst left the delivery. Throws while it is still carried, so that it is tried again. */
export async function awaitBurst(
  { store, client }: { store: Store; client: Client },
  deliveryId: string,
): Promise<Left> {
  for (let poll = 1; poll <= POLLS; poll += 1) {
    const burst = await carrierOf(store, deliveryId);
    if (burst === undefined) return howLeft(store, deliveryId);
    if (poll % POLLS_PER_LOOK === 0 && !(await burstIsRunning(client, burst))) {
      await handOver(store, [deliveryId]);
      return howLeft(store, deliveryId);
    }
    await sleep(POLL_MS);
  }
  throw new Error('a burst is still making the first attempt');
}

async function howLeft(store: Store, deliveryId: string): Promise<Left> {
  const delivery = await findDelivery(store, deliveryId);
  if (!delivery) throw new Error(`there is no delivery ${deliveryId}`);
  const { state, attempts, lastStatus, stateReason } = delivery;
  if (state === 'delivered') return { kind: 'delivered', result: { attempts, status: lastStatus } };
  if (state === 'failed') return { kind: 'failed', message: stateReason ?? 'not accepted' };
  const { position, at } = placeOf(delivery) ?? { position: 0, at: 0 };
  return { kind: 'open', position, at };
}
