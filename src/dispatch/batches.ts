/** Starts batches: one workflow that makes the first attempts of many deliveries. */
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { newId } from '../contract/ids.js';
import { contractOf } from '../providers/registry.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import type { BatchGroup, BatchInput } from '../workflows/batch-types.js';
import type { batch } from '../workflows/batch.js';
import { TASK_QUEUE } from '../workflows/names.js';
import type { WorkflowStarter } from './start.js';

/** Deliveries per batch: enough that the workflow costs little for each, few enough to load them at once. */
export const MAX_BATCH_SIZE = 1_000;

/** The workflow id of a new batch. */
export function newBatchId(): string {
  return `batch-${newId('bat')}`;
}

export function startBatch(
  { client, eager }: WorkflowStarter,
  deliveryStarts: readonly DeliveryStart[],
  workflowId = newBatchId(),
): Promise<WorkflowHandle<typeof batch>> {
  const accounts = new Set(deliveryStarts.map(({ account }) => account.id)).size;
  return client.workflow.start<typeof batch>('batch', {
    args: [batchInput(deliveryStarts)],
    taskQueue: TASK_QUEUE,
    workflowId,
    staticSummary: `${deliveryStarts.length} deliveries of ${accounts === 1 ? 'one account' : `${accounts} accounts`}`,
    ...(eager ? { requestEagerStart: true } : {}),
  });
}

/** Whether a batch is running in Temporal. */
export async function isBatchRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The input of a batch: deliveries with the same schedule and time limit are one group. */
export function batchInput(deliveryStarts: readonly DeliveryStart[]): BatchInput {
  const groups = new Map<string, BatchGroup & { deliveryIds: string[] }>();
  for (const { deliveryId, account, eventType } of deliveryStarts) {
    const contract = contractOf(account.provider);
    const schedule = contract.schedule(eventType, account);
    const timeLimitMs = contract.timeLimitMs(eventType, account);
    const key = `${timeLimitMs} ${schedule.join(' ')}`;
    if (!groups.has(key)) groups.set(key, { schedule, timeLimitMs, deliveryIds: [] });
    groups.get(key)!.deliveryIds.push(deliveryId);
  }
  return { groups: [...groups.values()] };
}
