/** Telling a delivery's workflow what to do. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import { claim, releaseClaims } from '../../store/batches/claims.js';
import {
  changeState,
  findDelivery,
  openStates,
  reopenDelivery,
  type StoredDelivery,
} from '../../store/deliveries/deliveries.js';
import {
  loadDeliveryStarts,
  type PendingDelivery,
  type DeliveryStart,
} from '../../store/deliveries/delivery-starts.js';
import { pausedDeliveries } from '../../store/deliveries/sweep.js';
import type { Store } from '../../store/store.js';
import { countEnd } from '../../telemetry/metrics.js';
import type { delivery } from '../../workflows/delivery/workflow.js';
import { SUBSCRIPTION_DISABLED } from '../../workflows/types.js';
import { findLastWorkflow, settleClosed, type LastWorkflow } from '../closed.js';
import type { Dispatcher } from '../dispatcher.js';
import { deliveryWorkflowId } from '../../workflows/names.js';
import { startOptions } from '../start.js';

/** How long giving one order may take, in milliseconds. */
const DEADLINE_MS = 5_000;

/** A signal of the delivery workflow by name, with its arguments. */
export type Command =
  | { readonly signal: 'cancel' | 'pause'; readonly args: [reason: string] }
  | { readonly signal: 'resume'; readonly args: [] }
  | { readonly signal: 'retryNow'; readonly args: [attempts?: number] };

/**
 * Gives an order to an open delivery. One whose workflow has not been started yet, or that Temporal no longer knows, is
 * started with it; one whose workflow has ended without saying so can still be cancelled. False when the workflow has
 * ended and there is nothing to be done.
 */
export async function sendCommand(
  { client, store }: { client: Client; store: Store },
  deliveryId: string,
  command: Command,
): Promise<boolean> {
  const [deliveryStart] = await loadDeliveryStarts(store, [deliveryId]);
  if (!deliveryStart) return false;
  const told = await client.withDeadline(Date.now() + DEADLINE_MS, async () => {
    let workflow: LastWorkflow = { kind: 'unknown' };
    if (deliveryStart.state !== 'pending') {
      if (await notify(client, deliveryId, command)) return true;
      workflow = await findLastWorkflow(client, deliveryId);
    }
    if (workflow.kind === 'unknown') {
      if (await startAheadOfBatches({ client, store }, deliveryStart, command)) return true;
      workflow = await findLastWorkflow(client, deliveryId);
    }
    // What was accepted is not cancelled; anything else is, if that is the order. The sweep sees to terminated ones.
    const wanted = command.signal === 'cancel' ? ['COMPLETED'] : ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'];
    if (workflow.kind === 'closed' && wanted.includes(workflow.status)) {
      await settleClosed({ store, starter: { client, eager: false } }, deliveryStart, workflow);
    }
    return false;
  });
  return told || (command.signal === 'cancel' && (await markCancelled(store, deliveryId, command.args[0])));
}

/** Starts with the order a workflow that no batch gets in the way of; while one carries the delivery, it is awaited first. */
async function startAheadOfBatches(
  { client, store }: { client: Client; store: Store },
  deliveryStart: PendingDelivery,
  command: Command,
): Promise<boolean> {
  const { deliveryId, isUnclaimed } = deliveryStart;
  if (!isUnclaimed) return startWith(client, deliveryStart, command);
  const claimed = await claim(store, deliveryWorkflowId(deliveryId), [deliveryId]);
  if (claimed.length === 0) return startWith(client, { ...deliveryStart, resumeFrom: { kind: 'batched' } }, command);
  const started = await startWith(client, deliveryStart, command);
  await releaseClaims(store, claimed);
  return started;
}

/** Records that an open delivery ended without its workflow saying so; false when it was not open. */
export async function markCancelled(store: Store, id: string, reason: string): Promise<boolean> {
  const delivery = await findDelivery(store, id);
  if (!delivery || !openStates.includes(delivery.state)) return false;
  const end = { deliveryId: id, run: delivery.run, state: 'cancelled', reason, nextAttemptAt: null } as const;
  countEnd(await changeState(store, end), end.state);
  return true;
}

async function startWith(client: Client, deliveryStart: DeliveryStart, { signal, args }: Command): Promise<boolean> {
  try {
    await client.workflow.signalWithStart<typeof delivery, unknown[]>('delivery', {
      ...startOptions(deliveryStart),
      signal: signal as unknown as SignalDefinition<unknown[]>,
      signalArgs: args,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function notify(client: Client, deliveryId: string, { signal, args }: Command): Promise<boolean> {
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

/** Lets the deliveries go on that were held because their subscription was disabled; those it misses the sweep finds. */
export async function resumePaused(context: { client: Client; store: Store }, subscriptionId: string): Promise<void> {
  for (const id of await pausedDeliveries(context.store, subscriptionId, SUBSCRIPTION_DISABLED, RESUMED_AT_ONCE)) {
    try {
      await sendCommand(context, id, { signal: 'resume', args: [] });
    } catch {
      // The subscription is saved, so its edit has not failed although Temporal is away.
      return;
    }
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
  if (reopened) dispatcher.dispatch(await loadDeliveryStarts(store, [deliveryId]));
  return reopened;
}
