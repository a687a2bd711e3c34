/** Starts the workflow of a delivery. */
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { Priority } from '@temporalio/common';
import { deliveryRules } from '../contract/delivery-rules.js';
import { inChunks } from '../lib/in-chunks.js';
import { contractOf } from '../providers/registry.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import type { delivery } from '../workflows/delivery/workflow.js';
import { deliverySignals } from '../workflows/signals.js';
import type { DeliveryInput } from '../workflows/types.js';
import { deliveryWorkflowId, searchAttributes, TASK_QUEUE } from '../workflows/names.js';

/** Temporal's priority key of deliveries that come after others: its default is 3, and a lower key is first. */
export const LATER_PRIORITY_KEY = 4;

export interface WorkflowStarter {
  readonly client: Client;
  /** Whether the client shares its connection with a worker of this process; the start can then skip the task queue. */
  readonly eager: boolean;
}

/** How long one start may take, in milliseconds; after that the sweep starts the delivery. */
const START_DEADLINE_MS = 10_000;
/** Starts in flight at once. */
const CONCURRENCY = 50;

/** How a long task reports to its activity. */
export interface TaskReport {
  /** Called after every few deliveries. */
  readonly heartbeat: () => void;
  /** Called with the id of what cannot be done now. */
  readonly warn: (message: string, id: string, error: unknown) => void;
}

/** Starts the workflows of many deliveries after those of others; the sweep starts what cannot be started now. */
export async function startLater(
  starter: WorkflowStarter,
  deliveryStarts: readonly DeliveryStart[],
  { heartbeat, warn }: TaskReport,
): Promise<void> {
  const start = async (deliveryStart: DeliveryStart): Promise<void> => {
    try {
      await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
        startDelivery(starter, deliveryStart, LATER_PRIORITY_KEY),
      );
    } catch (error) {
      warn('cannot start a delivery now; the sweep will', deliveryStart.deliveryId, error);
    }
  };
  await inChunks(deliveryStarts, CONCURRENCY, start, heartbeat);
}

/**
 * Starts the workflow of a delivery; false when it was started before. The first run is started only once; a redelivery
 * reuses the workflow id of the finished run. `priorityKey` is Temporal's: 1 is first, 5 is last, 3 is the default.
 */
export async function startDelivery(
  starter: WorkflowStarter,
  deliveryStart: DeliveryStart,
  priorityKey?: number,
): Promise<boolean> {
  for (;;) {
    if (await tryStart(starter, deliveryStart, priorityKey)) return true;
    if (deliveryStart.run === 0) return false;
    // The row of a delivery is finished shortly before its workflow closes, so this may still be the former run.
    const handle = starter.client.workflow.getHandle(deliveryWorkflowId(deliveryStart.deliveryId));
    const { memo, runId } = await handle.describe();
    if (memo?.run === deliveryStart.run) return false;
    const former = starter.client.workflow.getHandle(handle.workflowId, runId);
    // It may be waiting, as when the signal that cancelled it was lost.
    await former.signal(deliverySignals.cancel, 'redelivered').catch(() => undefined);
    // It may fail; only its end matters here.
    await former.result().catch(() => undefined);
  }
}

async function tryStart(
  { client, eager }: WorkflowStarter,
  deliveryStart: DeliveryStart,
  priorityKey: number | undefined,
): Promise<boolean> {
  const options = startOptions(deliveryStart);
  const priority: Priority = { ...options.priority, ...(priorityKey === undefined ? {} : { priorityKey }) };
  try {
    await client.workflow.start<typeof delivery>('delivery', {
      ...options,
      priority,
      ...(eager ? { requestEagerStart: true } : {}),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** The options of a delivery's workflow, including its input. */
export function startOptions(deliveryStart: DeliveryStart) {
  const { deliveryId, run, account, subscriptionId, eventType, url, resumeFrom, expiresAt, priority } = deliveryStart;
  const contract = contractOf(account.provider);
  const input: DeliveryInput = {
    deliveryId,
    run,
    ...deliveryRules(contract, deliveryId, deliveryStart),
    ...(expiresAt ? { expiresAt: expiresAt.getTime() } : {}),
    ...(resumeFrom ? { resumeFrom } : {}),
  };
  return {
    args: [input] as [DeliveryInput],
    taskQueue: TASK_QUEUE,
    workflowId: deliveryWorkflowId(deliveryId),
    workflowIdReusePolicy: run === 0 ? ('REJECT_DUPLICATE' as const) : ('ALLOW_DUPLICATE' as const),
    memo: { run },
    // With a backlog, Temporal rotates over accounts; activities inherit the priority of their workflow.
    priority: {
      fairnessKey: account.parentId ?? account.id,
      fairnessWeight: account.dispatchWeight,
      // Temporal compares this key before it rotates, so one that is above normal would pass the turns of other accounts.
      ...(priority === 'low' ? { priorityKey: LATER_PRIORITY_KEY } : {}),
    },
    // The host only, as the path of the URL may contain a secret.
    staticSummary: `${eventType} → ${new URL(url).host}${run === 0 ? '' : ` (redelivery ${run})`}`.slice(0, 200),
    staticDetails: `Delivery \`${deliveryId}\` of ${contract.title}, account ${account.id}, subscription ${subscriptionId}`,
    typedSearchAttributes: [
      { key: searchAttributes.provider, value: account.provider },
      { key: searchAttributes.account, value: account.id },
      { key: searchAttributes.subscription, value: subscriptionId },
      { key: searchAttributes.eventType, value: eventType.slice(0, 255) },
    ],
  };
}
