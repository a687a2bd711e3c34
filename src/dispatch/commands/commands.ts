/** Sends commands to the workflow of a delivery. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import type { DeliveryRules } from '../../contract/delivery-rules.js';
import { findDelivery, openStates, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import {
  loadDeliveryStarts,
  type DeliveryStart,
  type PendingDelivery,
} from '../../store/deliveries/delivery-starts.js';
import { cancelCollected } from '../../store/batches.js';
import { takeHeld } from '../../store/deliveries/breaker-waiting.js';
import { cancelWithoutWorkflow } from '../../store/deliveries/ordering.js';
import { changeState, reopenDelivery } from '../../store/deliveries/state-changes.js';
import { pausedDeliveries } from '../../store/deliveries/sweep.js';
import type { Store } from '../../store/store.js';
import { countEnd } from '../../telemetry/metrics.js';
import type { delivery } from '../../workflows/delivery/workflow.js';
import { deliveryWorkflowId } from '../../workflows/names.js';
import { deliverySignals } from '../../workflows/signals.js';
import { SUBSCRIPTION_DISABLED } from '../../workflows/types.js';
import { applyClosedWorkflow, findLastWorkflow, type LastWorkflow } from '../closed.js';
import type { Dispatcher } from '../dispatcher.js';
import { startOptions } from '../start.js';

/** How long sending one command may take, in milliseconds. */
const DEADLINE_MS = 5_000;

export interface CommandContext {
  readonly client: Client;
  readonly store: Store;
}

/** A signal of the delivery workflow (`deliverySignals`) with its arguments. */
export type Command =
  | { readonly signal: 'cancel' | 'pause'; readonly args: [reason: string] }
  | { readonly signal: 'resume'; readonly args: [] }
  | { readonly signal: 'applyPolicy'; readonly args: [rules: DeliveryRules] }
  | { readonly signal: 'retryNow'; readonly args: [attempts?: number] };

/** The definition of a command's signal; that the arguments fit is ensured by the type {@link Command}. */
const definitionOf = ({ signal }: Command) => deliverySignals[signal] as SignalDefinition<unknown[]>;

/**
 * Sends a command to an open delivery. When it has no workflow yet, or Temporal no longer knows it, a workflow is started
 * with the command. A delivery that waits without a workflow, blocked, for a breaker or for a batch, is cancelled at once.
 * When its workflow has closed without recording the end, it can still be cancelled. False when the workflow has closed and
 * nothing remains to be done.
 */
export async function sendCommand(
  { client, store }: CommandContext,
  deliveryId: string,
  command: Command,
): Promise<boolean> {
  const [deliveryStart] = await loadDeliveryStarts(store, [deliveryId]);
  if (!deliveryStart) return false;
  if (deliveryStart.isCollected) {
    // A member of a batch ends with it.
    if (command.signal !== 'cancel') return false;
    const provider = await cancelCollected(store, deliveryId, command.args[0]);
    countEnd(provider, 'cancelled');
    return provider !== undefined;
  }
  const { isBlocked, isHeld } = deliveryStart;
  if (isHeld && command.signal !== 'cancel') {
    // A sender applies the policy in force; only retries by hand are made while the breaker is open.
    if (command.signal === 'applyPolicy') return true;
    if (command.signal === 'retryNow' && command.args[0] !== undefined) return false;
    // Its workflow has it from now on. It was released in the meantime where it cannot be taken.
    if (!(await takeHeld(store, deliveryId))) return sendCommand({ client, store }, deliveryId, command);
  } else if (isBlocked || isHeld) {
    // Nothing is to be sent and no workflow exists, so only its row is cancelled; other commands would break the order.
    if (command.signal !== 'cancel') return false;
    const provider = await cancelWithoutWorkflow(store, deliveryId, command.args[0]);
    if (provider !== undefined) {
      countEnd(provider, 'cancelled');
      return true;
    }
    // It was released in the meantime.
    return sendCommand({ client, store }, deliveryId, command);
  }
  const sent = await client.withDeadline(Date.now() + DEADLINE_MS, async () => {
    let workflow: LastWorkflow = { kind: 'unknown' };
    if (deliveryStart.state !== 'pending') {
      if (await signal(client, deliveryId, command)) return true;
      workflow = await findLastWorkflow(client, deliveryId);
    }
    if (workflow.kind === 'unknown') {
      if (await signalWithStart(client, deliveryStart, command)) return true;
      workflow = await findLastWorkflow(client, deliveryId);
    }
    // A cancel command applies unless the delivery was accepted. Terminated workflows are handled by the sweep.
    const applied = command.signal === 'cancel' ? ['COMPLETED'] : ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'];
    if (workflow.kind === 'closed' && applied.includes(workflow.status)) {
      await applyClosedWorkflow({ store, starter: { client, eager: false } }, deliveryStart, workflow);
    }
    return false;
  });
  return sent || (command.signal === 'cancel' && (await markCancelled(store, deliveryId, command.args[0])));
}

/** Starts a workflow with the command; that of a direct delivery waits for the sender that has claimed it. */
function signalWithStart(client: Client, deliveryStart: PendingDelivery, command: Command): Promise<boolean> {
  return startWith(
    client,
    deliveryStart.isDirect ? { ...deliveryStart, resumeFrom: { kind: 'direct' } } : deliveryStart,
    command,
  );
}

/** Records an open delivery as cancelled whose workflow has not done so; false when it is not open. */
export async function markCancelled(store: Store, id: string, reason: string): Promise<boolean> {
  const delivery = await findDelivery(store, id);
  if (!delivery || !openStates.includes(delivery.state)) return false;
  const end = { deliveryId: id, run: delivery.run, state: 'cancelled', reason, nextAttemptAt: null } as const;
  countEnd(await changeState(store, end), end.state);
  return true;
}

async function startWith(client: Client, deliveryStart: DeliveryStart, command: Command): Promise<boolean> {
  try {
    await client.workflow.signalWithStart<typeof delivery, unknown[]>('delivery', {
      ...startOptions(deliveryStart),
      signal: definitionOf(command),
      signalArgs: command.args,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function signal(client: Client, deliveryId: string, command: Command): Promise<boolean> {
  try {
    await client.workflow.getHandle(deliveryWorkflowId(deliveryId)).signal(definitionOf(command), ...command.args);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Paused deliveries that are resumed by the request that enables their subscription; the sweep resumes the others. */
const MAX_RESUMED = 200;

/** Resumes deliveries that were paused because their subscription was disabled. The sweep resumes those that it misses. */
export async function resumePaused(context: CommandContext, subscriptionId: string): Promise<void> {
  for (const id of await pausedDeliveries(context.store, subscriptionId, SUBSCRIPTION_DISABLED, MAX_RESUMED)) {
    try {
      await sendCommand(context, id, { signal: 'resume', args: [] });
    } catch {
      // Temporal is unavailable. The subscription is saved, so the request must not fail.
      return;
    }
  }
}

/**
 * Redelivers a finished delivery as a new run of the same workflow id; undefined when it is not finished. The row is
 * committed first, so that the sweep starts the workflow when the dispatcher cannot.
 */
export async function redeliver(
  { store, dispatcher }: { store: Store; dispatcher: Dispatcher },
  deliveryId: string,
): Promise<StoredDelivery | undefined> {
  const reopened = await reopenDelivery(store, deliveryId);
  if (reopened) dispatcher.dispatch(await loadDeliveryStarts(store, [deliveryId]));
  return reopened;
}
