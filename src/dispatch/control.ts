/** Telling a delivery's workflow what to do. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import { reopenDelivery, type StoredDelivery } from '../store/deliveries.js';
import { loadStartables } from '../store/startables.js';
import { heldDeliveries } from '../store/sweep.js';
import type { Store } from '../store/store.js';
import type { delivery } from '../workflows/delivery.js';
import { SUBSCRIPTION_DISABLED } from '../workflows/types.js';
import type { Dispatcher } from './dispatcher.js';
import { deliveryWorkflowId } from './names.js';
import { startOptions } from './start.js';

/** A signal of the delivery workflow by name, with its arguments. */
export type Order =
  | { readonly signal: 'cancel' | 'pause'; readonly args: [reason: string] }
  | { readonly signal: 'resume' | 'retryNow'; readonly args: [] };

/**
 * Gives an order to an open delivery. One whose workflow has not been started yet is started with it. False when the
 * workflow has ended meanwhile.
 */
export async function giveOrder(
  { client, store }: { client: Client; store: Store },
  deliveryId: string,
  { signal, args }: Order,
): Promise<boolean> {
  const [startable] = await loadStartables(store, [deliveryId]);
  if (startable?.state === 'pending') {
    await client.workflow.signalWithStart<typeof delivery, string[]>('delivery', {
      ...startOptions(startable),
      signal: signal as unknown as SignalDefinition<string[]>,
      signalArgs: args,
    });
    return true;
  }
  try {
    await client.workflow.getHandle(deliveryWorkflowId(deliveryId)).signal(signal, ...args);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Lets the deliveries go on that were held because their subscription was disabled. */
export async function resumeHeld(context: { client: Client; store: Store }, subscriptionId: string): Promise<void> {
  for (const id of await heldDeliveries(context.store, subscriptionId, SUBSCRIPTION_DISABLED)) {
    await giveOrder(context, id, { signal: 'resume', args: [] });
  }
}

/**
 * Delivers a finished delivery again, as a new run of the same workflow id; undefined when it is not finished. The row
 * is committed first: should the start fail, the sweep makes up for it.
 */
export async function redeliver(
  { store, dispatcher }: { store: Store; dispatcher: Dispatcher },
  deliveryId: string,
): Promise<StoredDelivery | undefined> {
  const reopened = await reopenDelivery(store, deliveryId);
  if (reopened) dispatcher.dispatch(await loadStartables(store, [deliveryId]));
  return reopened;
}
