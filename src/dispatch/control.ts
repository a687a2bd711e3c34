/** Telling a delivery's workflow what to do. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import { reopenDelivery, type StoredDelivery } from '../store/deliveries.js';
import { loadStartables, type Startable } from '../store/startables.js';
import { heldDeliveries } from '../store/sweep.js';
import type { Store } from '../store/store.js';
import type { delivery } from '../workflows/delivery.js';
import { SUBSCRIPTION_DISABLED } from '../workflows/types.js';
import type { Dispatcher } from './dispatcher.js';
import { deliveryWorkflowId } from './names.js';
import { startOptions } from './start.js';

/** How long giving one order may take, in milliseconds. */
const DEADLINE_MS = 5_000;

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
  order: Order,
): Promise<boolean> {
  const [startable] = await loadStartables(store, [deliveryId]);
  return client.withDeadline(Date.now() + DEADLINE_MS, () =>
    startable?.state === 'pending' ? startWith(client, startable, order) : tell(client, deliveryId, order),
  );
}

async function startWith(client: Client, startable: Startable, { signal, args }: Order): Promise<boolean> {
  try {
    await client.workflow.signalWithStart<typeof delivery, string[]>('delivery', {
      ...startOptions(startable),
      signal: signal as unknown as SignalDefinition<string[]>,
      signalArgs: args,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function tell(client: Client, deliveryId: string, { signal, args }: Order): Promise<boolean> {
  try {
    await client.workflow.getHandle(deliveryWorkflowId(deliveryId)).signal(signal, ...args);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** How many held deliveries are told to go on at once; the sweep tells the others. */
const RESUMED_AT_ONCE = 200;

/** Lets the deliveries go on that were held because their subscription was disabled. */
export async function resumeHeld(context: { client: Client; store: Store }, subscriptionId: string): Promise<void> {
  for (const id of await heldDeliveries(context.store, subscriptionId, SUBSCRIPTION_DISABLED, RESUMED_AT_ONCE)) {
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
