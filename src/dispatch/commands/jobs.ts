/** Runs jobs: starts their workflows, finds their deliveries and sends these the command. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { inChunks } from '../../lib/in-chunks.js';
import { cancelledAmong, countMatching, findMatching } from '../../store/deliveries/bulk.js';
import { loadDeliveryStarts } from '../../store/deliveries/delivery-starts.js';
import { changeJob, findJob, recordPage, recordTotal, type StoredJob } from '../../store/jobs.js';
import { reopenFinished } from '../../store/recovery/finished.js';
import type { Store } from '../../store/store.js';
import type { deliveryJob } from '../../workflows/job.js';
import {
  jobChangedSignal,
  type JobItem,
  type JobPage,
  type JobPageTask,
  type JobProgress,
} from '../../workflows/job-types.js';
import { searchAttributes, TASK_QUEUE } from '../../workflows/names.js';
import { retryWaiting } from '../recovery/retry-waiting.js';
import { LATER_PRIORITY_KEY, startLater, type TaskReport } from '../start.js';
import { sendCommand, type Command, type CommandContext } from './commands.js';

/** How long Temporal may take to respond, in milliseconds. */
const DEADLINE_MS = 5_000;
/** Commands in flight at once. */
const CONCURRENCY = 50;
/** Deliveries of one page; at lower rates a page is what one second allows. */
const MAX_PAGE_SIZE = 500;

/** How often a page is repeated before the deliveries that accept no command are skipped. */
const MAX_PAGE_ATTEMPTS = 10;

/** The id of a job's workflow. */
export const jobWorkflowId = (jobId: string): string => `job-${jobId}`;

/** Starts the workflow of a job, or lets the one that runs read the job again. */
export async function notifyJob(client: Client, { id, action, accountId }: StoredJob): Promise<void> {
  await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflow.signalWithStart<typeof deliveryJob, []>('deliveryJob', {
      args: [id],
      taskQueue: TASK_QUEUE,
      workflowId: jobWorkflowId(id),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      signal: jobChangedSignal,
      signalArgs: [],
      // Page by page, in turn with other accounts, and after first attempts.
      priority: { priorityKey: LATER_PRIORITY_KEY, fairnessKey: accountId ?? 'operator' },
      staticSummary: `${action} deliveries`,
      staticDetails: `Job \`${id}\` of ${accountId === null ? 'an operator' : `account ${accountId}`}`,
      typedSearchAttributes: accountId === null ? [] : [{ key: searchAttributes.account, value: accountId }],
    }),
  );
}

/** Starts the workflow of an open job that has none; a job whose workflow was terminated in Temporal is cancelled. */
export async function continueJob({ store, client }: CommandContext, job: StoredJob): Promise<void> {
  const status = await client.withDeadline(Date.now() + DEADLINE_MS, () => workflowStatus(client, job.id));
  if (status === 'RUNNING') return;
  if (status === 'TERMINATED') await changeJob(store, job.id, { state: 'cancelled' });
  else await notifyJob(client, job);
}

/** Undefined when Temporal does not know the workflow. */
async function workflowStatus(client: Client, jobId: string): Promise<string | undefined> {
  try {
    return (await client.workflow.getHandle(jobWorkflowId(jobId)).describe()).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Counts the deliveries of a job once. */
export async function countJob(store: Store, jobId: string): Promise<JobProgress> {
  const job = await mustFindJob(store, jobId);
  if (job.total !== null) return job;
  const total = await countMatching(store, job.filter);
  await recordTotal(store, jobId, total);
  return { ...job, total };
}

/** State and rate of a job, and its next deliveries while it is running: as many as its rate allows in one second. */
export async function nextJobPage(store: Store, jobId: string): Promise<JobPage> {
  const { state, ratePerSecond, filter, afterId } = await mustFindJob(store, jobId);
  if (state !== 'running') return { state, ratePerSecond, items: [], afterId, isLast: false };
  const limit = Math.min(ratePerSecond, MAX_PAGE_SIZE);
  const items = await findMatching(store, { ...filter, afterId: afterId === '' ? undefined : afterId }, limit);
  return { state, ratePerSecond, items, afterId, isLast: items.length < limit };
}

/** What sends the pages of a job. */
export interface JobContext extends CommandContext, TaskReport {
  /** Number of this attempt of the page, from 1 on. */
  readonly attempt: number;
}

/** Sends the command of a job to a page and records the result. Repeated after a crash, it counts and attempts nothing twice. */
export async function applyJobPage(context: JobContext, task: JobPageTask): Promise<JobProgress> {
  const { store } = context;
  const { jobId, items, afterId, isLast } = task;
  const done = items.length === 0 ? 0 : await apply(context, await mustFindJob(store, jobId), items);
  const lastId = items.at(-1)?.id ?? afterId;
  await recordPage(store, { jobId, afterId, lastId, isLast, done, skipped: items.length - done });
  return mustFindJob(store, jobId);
}

async function apply(context: JobContext, job: StoredJob, items: readonly JobItem[]): Promise<number> {
  const { store, heartbeat } = context;
  const { action, reason, filter } = job;
  switch (action) {
    case 'redeliver':
      return redeliver(context, items, filter.states);
    case 'retry': {
      const failures: Failures = [];
      const done = await retryWaiting(
        store,
        items,
        (id, command) => trySend(context, failures, id, command),
        heartbeat,
      );
      report(context, failures);
      return done;
    }
    case 'resume':
      return (await sendToAll(context, items, { signal: 'resume', args: [] })).length;
    case 'pause':
      return (await sendToAll(context, items, { signal: 'pause', args: [reason] })).length;
    case 'cancel': {
      const sent = new Set(await sendToAll(context, items, { signal: 'cancel', args: [reason] }));
      const others = items.filter(({ id }) => !sent.has(id)).map(({ id }) => id);
      // Those that this page has cancelled before it was repeated accept no further command.
      return sent.size + (await cancelledAmong(store, others, reason));
    }
  }
}

/** Makes finished deliveries pending again and starts their workflows; the sweep starts those that are not started now. */
async function redeliver(
  context: JobContext,
  items: readonly JobItem[],
  states: StoredJob['filter']['states'],
): Promise<number> {
  const { store, client } = context;
  const ids = await reopenFinished(store, items, states);
  const deliveryStarts = (await loadDeliveryStarts(store, ids)).filter(({ state }) => state === 'pending');
  await startLater({ client, eager: false }, deliveryStarts, context);
  return ids.length;
}

type Failures = { readonly id: string; readonly error: unknown }[];

/** Sends one command to all; returns the ids of those that accepted it. */
async function sendToAll(context: JobContext, items: readonly JobItem[], command: Command): Promise<string[]> {
  const failures: Failures = [];
  const sent = await inChunks(
    items,
    CONCURRENCY,
    async ({ id }) => ((await trySend(context, failures, id, command)) ? [id] : []),
    context.heartbeat,
  );
  report(context, failures);
  return sent.flat();
}

async function trySend(context: JobContext, failures: Failures, id: string, command: Command): Promise<boolean> {
  try {
    return await sendCommand(context, id, command);
  } catch (error) {
    failures.push({ id, error });
    return false;
  }
}

/** Throws, so that the page is repeated; at last warns, so that one delivery does not stop the job for ever. */
function report({ attempt, warn }: JobContext, failures: Failures): void {
  const [first] = failures;
  if (first && attempt < MAX_PAGE_ATTEMPTS) throw first.error;
  for (const { id, error } of failures) warn('cannot send the command of a job; the delivery is skipped', id, error);
}

async function mustFindJob(store: Store, id: string): Promise<StoredJob> {
  const job = await findJob(store, id);
  if (!job) throw new Error(`there is no job ${id}`);
  return job;
}
