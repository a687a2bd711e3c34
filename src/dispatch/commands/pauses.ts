/** Sends what waited while a subscription or account was paused. */
import type { Client } from '@temporalio/client';
import { inChunks } from '../../lib/in-chunks.js';
import { endResume, findResumeRate, markResumed, nextPaused } from '../../store/pauses.js';
import { TASK_QUEUE, searchAttributes } from '../../workflows/names.js';
import type { PauseScope, ResumedPage } from '../../workflows/resume-types.js';
import type { resumePaused } from '../../workflows/resume-paused.js';
import { sendCommand, type CommandContext } from './commands.js';

/** How long Temporal may take to respond, in milliseconds. */
const DEADLINE_MS = 5_000;
/** Commands in flight at once. */
const CONCURRENCY = 50;
/** Deliveries of one page; at lower rates a page is what one second allows. */
const MAX_PAGE_SIZE = 500;

/** The workflow that resumes what waits for a scope; only one of each can run at a time. */
export const resumeWorkflowId = ({ accountId, subscriptionId }: PauseScope): string =>
  `resume-${subscriptionId ?? accountId}`;

/** Starts the workflow that resumes what waits for a scope. One that is running continues, with the current rate. */
export async function startResume(client: Client, scope: PauseScope): Promise<void> {
  const { accountId, subscriptionId } = scope;
  await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflow.start<typeof resumePaused>('resumePaused', {
      args: [scope],
      taskQueue: TASK_QUEUE,
      workflowId: resumeWorkflowId(scope),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `send what waited while ${subscriptionId ?? accountId} was paused`,
      typedSearchAttributes: [
        { key: searchAttributes.account, value: accountId },
        ...(subscriptionId === null ? [] : [{ key: searchAttributes.subscription, value: subscriptionId }]),
      ],
    }),
  );
}

/**
 * Resumes the oldest waiting deliveries of a scope, as many as its rate allows in one second. Repeated after a crash it
 * sends commands again, which change nothing.
 */
export async function resumePage(
  context: CommandContext,
  scope: PauseScope,
  heartbeat: () => void,
): Promise<ResumedPage> {
  const { store } = context;
  const ratePerSecond = await findResumeRate(store, scope);
  if (ratePerSecond === undefined) return { resumed: 0, ratePerSecond: 0 };
  const { ids, asOf } = await nextPaused(store, scope, Math.min(ratePerSecond, MAX_PAGE_SIZE));
  if (ids.length === 0 && (await endResume(store, scope))) return { resumed: 0, ratePerSecond: 0 };
  const resume = (id: string) => sendCommand(context, id, { signal: 'resume', args: [] });
  await inChunks(ids, CONCURRENCY, resume, async (chunk) => {
    await markResumed(store, chunk, asOf);
    heartbeat();
  });
  return { resumed: ids.length, ratePerSecond };
}
