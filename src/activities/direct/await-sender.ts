/** Waits, for a delivery's own workflow, until no sender has the delivery. */
import { setTimeout as sleep } from 'node:timers/promises';
import { findDelivery } from '../../store/deliveries/deliveries.js';
import { resumePointOf } from '../../store/deliveries/delivery-starts.js';
import { takeFromSenders } from '../../store/direct/senders.js';
import type { Store } from '../../store/store.js';
import type { DirectOutcome } from '../../workflows/types.js';

const POLL_MS = 250;
/** Polls of one try of the activity, which Temporal retries. */
const POLLS = 60;

/**
 * Takes a direct delivery over and returns its state. Throws while a sender makes the first attempt, so that the activity
 * is retried. A sender that has died loses its deliveries when its lease expires.
 */
export async function awaitSender(store: Store, deliveryId: string): Promise<DirectOutcome> {
  for (let poll = 1; poll <= POLLS; poll += 1) {
    if (await takeFromSenders(store, deliveryId)) return outcomeOf(store, deliveryId);
    await sleep(POLL_MS);
  }
  throw new Error('a sender is still making the first attempt');
}

async function outcomeOf(store: Store, deliveryId: string): Promise<DirectOutcome> {
  const delivery = await findDelivery(store, deliveryId);
  if (!delivery) throw new Error(`there is no delivery ${deliveryId}`);
  const { state, attempts, lastStatus, stateReason } = delivery;
  if (state === 'delivered') return { kind: 'delivered', result: { attempts, status: lastStatus } };
  if (state === 'failed') return { kind: 'failed', message: stateReason ?? 'not accepted' };
  const { position, at } = resumePointOf(delivery) ?? { position: 0, at: 0 };
  return { kind: 'open', position, at };
}
