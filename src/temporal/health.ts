/** The health of Temporal and the number of workers that poll our task queue. */
import type { Client, WorkflowService } from '@temporalio/client';
import { temporal as proto } from '@temporalio/proto';
import { TASK_QUEUE } from '../workflows/names.js';

export const temporalStates = ['ok', 'unavailable', 'namespace_missing'] as const;
export type TemporalState = (typeof temporalStates)[number];

/** gRPC's code for what there is not. */
const NOT_FOUND = 5;

/** Asks Temporal for the namespace; `withinMs` is the deadline in milliseconds. */
export async function temporalState(client: Client, withinMs: number): Promise<TemporalState> {
  return (await checkNamespace(client, withinMs)).state;
}

/** The same, with the error when the state is not `ok`. */
export async function checkNamespace(
  client: Client,
  withinMs: number,
): Promise<{ readonly state: TemporalState; readonly error?: unknown }> {
  const { namespace } = client.options;
  try {
    await client.withDeadline(Date.now() + withinMs, () => client.workflowService.describeNamespace({ namespace }));
    return { state: 'ok' };
  } catch (error) {
    return { state: (error as { code?: unknown }).code === NOT_FOUND ? 'namespace_missing' : 'unavailable', error };
  }
}

/** How long a reading for a metric may take, in milliseconds. */
const READING_MS = 2_000;

/** Whether Temporal responds to this client within two seconds and has the namespace. */
export async function isTemporalUp(client: Client): Promise<boolean> {
  return (await temporalState(client, READING_MS)) === 'ok';
}

/** How many workers have asked for activities in the last five minutes, as Temporal remembers it. */
export async function countWorkers(service: WorkflowService, namespace: string): Promise<number> {
  const { TASK_QUEUE_TYPE_ACTIVITY: taskQueueType } = proto.api.enums.v1.TaskQueueType;
  const { pollers } = await service.describeTaskQueue({ namespace, taskQueue: { name: TASK_QUEUE }, taskQueueType });
  return new Set(pollers.map(({ identity }) => identity)).size;
}
