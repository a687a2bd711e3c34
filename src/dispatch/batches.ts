/** Bursts: starting the workflow that carries many deliveries, and asking whether one still runs. */
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { newId } from '../contract/ids.js';
import { contractOf } from '../providers/registry.js';
import type { Startable } from '../store/deliveries/delivery-starts.js';
import type { BurstGroup, BurstInput } from '../workflows/batch-types.js';
import type { burst } from '../workflows/batch.js';
import { TASK_QUEUE } from '../workflows/names.js';
import type { Starter } from './start.js';

/** Deliveries of one burst at most: enough to make a workflow cheap for each, few enough to be read at once. */
export const MOST_CARRIED = 1_000;

/** The workflow id of a new burst. */
export function newBurstId(): string {
  return `burst-${newId('bur')}`;
}

/** Starts a burst of first attempts. */
export function startBurst(
  { client, eager }: Starter,
  startables: readonly Startable[],
  workflowId = newBurstId(),
): Promise<WorkflowHandle<typeof burst>> {
  const accounts = new Set(startables.map(({ account }) => account.id)).size;
  return client.workflow.start<typeof burst>('burst', {
    args: [burstInput(startables)],
    taskQueue: TASK_QUEUE,
    workflowId,
    staticSummary: `${startables.length} deliveries of ${accounts === 1 ? 'one account' : `${accounts} accounts`}`,
    ...(eager ? { requestEagerStart: true } : {}),
  });
}

/** Whether a burst may still be carrying something. */
export async function burstIsRunning(client: Client, workflowId: string): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The input: deliveries with the same schedule and time limit say so once. */
export function burstInput(startables: readonly Startable[]): BurstInput {
  const groups = new Map<string, BurstGroup & { deliveryIds: string[] }>();
  for (const { deliveryId, account, eventType } of startables) {
    const contract = contractOf(account.provider);
    const schedule = contract.schedule(eventType, account);
    const timeLimitMs = contract.timeLimitMs(eventType, account);
    const key = `${timeLimitMs} ${schedule.join(' ')}`;
    if (!groups.has(key)) groups.set(key, { schedule, timeLimitMs, deliveryIds: [] });
    groups.get(key)!.deliveryIds.push(deliveryId);
  }
  return { groups: [...groups.values()] };
}
