/** Waits, for a delivery's own workflow, until no batch processes the delivery. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isBatchRunning } from '../../dispatch/batches.js';
import { findBatchOf, releaseClaims } from '../../store/batches/claims.js';
import { findDelivery } from '../../store/deliveries/deliveries.js';
import { resumePointOf } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import type { BatchOutcome } from '../../workflows/types.js';

const POLL_MS = 250;
/** Polls of one try of the activity, which Temporal retries. */
const POLLS = 60;
/** One in this many polls asks Temporal whether the batch is running. */
const POLLS_PER_STATUS_CHECK = 8;

/** The state of the delivery after its batch. Throws while the batch processes it, so that the activity is retried. */
export async function awaitBatch(
  { store, client }: { store: Store; client: Client },
  deliveryId: string,
): Promise<BatchOutcome> {
  for (let poll = 1; poll <= POLLS; poll += 1) {
    const batch = await findBatchOf(store, deliveryId);
    if (batch === undefined) return outcomeOf(store, deliveryId);
    if (poll % POLLS_PER_STATUS_CHECK === 0 && !(await isBatchRunning(client, batch))) {
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
