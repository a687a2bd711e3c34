/** Who works on the task queue. */
import type { WorkflowService } from '@temporalio/client';
import { temporal as proto } from '@temporalio/proto';
import { TASK_QUEUE } from './names.js';

/** How many workers have asked for activities in the last five minutes, as Temporal remembers it. */
export async function countWorkers(service: WorkflowService, namespace: string): Promise<number> {
  const { TASK_QUEUE_TYPE_ACTIVITY: taskQueueType } = proto.api.enums.v1.TaskQueueType;
  const { pollers } = await service.describeTaskQueue({ namespace, taskQueue: { name: TASK_QUEUE }, taskQueueType });
  return new Set(pollers.map(({ identity }) => identity)).size;
}
