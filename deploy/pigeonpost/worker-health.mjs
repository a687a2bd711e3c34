// Asks Temporal whether the worker in this very container polls for work. Succeeds when it does.
import { hostname } from 'node:os';
import { Connection } from '@temporalio/client';
import { loadConfig } from '../../dist/config.js';
import { TASK_QUEUE } from '../../dist/dispatch/names.js';

/** A poll waits for work for a minute, and is counted when it begins. */
const RECENT_MS = 150_000;
const PATIENCE_MS = 8_000;

const { temporal } = loadConfig();
const connection = await Connection.connect({ ...temporal.connectionOptions, connectTimeout: PATIENCE_MS });
const polls = await connection.withDeadline(Date.now() + PATIENCE_MS, () => Promise.all([1, 2].map(lastPoll)));
await connection.close();
const age = Date.now() - Math.max(...polls);
console.log(age < RECENT_MS ? `polled ${Math.round(age / 1_000)} s ago` : 'does not poll');
process.exitCode = age < RECENT_MS ? 0 : 1;

/** When this container last polled for workflow tasks (1) or activities (2), in milliseconds; 0 for never. */
async function lastPoll(taskQueueType) {
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace: temporal.namespace,
    taskQueue: { name: TASK_QUEUE },
    taskQueueType,
  });
  // A worker calls itself by its process id and its host.
  const own = pollers.filter(({ identity }) => identity.endsWith(`@${hostname()}`));
  return Math.max(0, ...own.map(({ lastAccessTime }) => Number(lastAccessTime.seconds) * 1_000));
}
