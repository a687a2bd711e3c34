/** A job: sends one command to many deliveries, page by page, at a limited rate. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { jobChangedSignal, type JobActivities, type JobProgress, type JobState } from './job-types.js';
import { HEARTBEAT_TIMEOUT_MS } from './limits.js';

/** Pages after which the workflow continues as a new run, which limits the size of its history. */
const PAGES_PER_RUN = 200;

const options: ActivityOptions = {
  startToCloseTimeout: '5m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
};
const { countJob } = proxyActivities<JobActivities>({ ...options, summary: 'count the deliveries' });
const { nextJobPage } = proxyActivities<JobActivities>({ ...options, summary: 'find the next page' });
const { applyJobPage } = proxyActivities<JobActivities>({ ...options, summary: 'send the command to the page' });
const { endJob } = proxyActivities<JobActivities>({ ...options, summary: 'record the cancellation' });

/**
 * Sends the command of a job to its deliveries, the oldest first. State, rate and position are read from the database for
 * each page. A page in progress is finished before it pauses or ends. Temporal's own cancellation cancels the job.
 */
export async function deliveryJob(jobId: string): Promise<JobState> {
  const root = CancellationScope.current();
  let changed = false;
  let cancelled = false;
  root.cancelRequested.catch(() => (cancelled = true));
  setHandler(jobChangedSignal, () => void (changed = true), {
    description: 'Reads the state and rate of the job again.',
  });
  return CancellationScope.nonCancellable(async () => {
    let progress = await countJob(jobId);
    for (let pages = 0; ; pages += 1) {
      if (cancelled) {
        await endJob(jobId);
        await root.cancelRequested;
      }
      const startedAt = Date.now();
      changed = false;
      const { state, ratePerSecond, ...page } = await nextJobPage(jobId);
      showProgress(progress, state, ratePerSecond);
      if (state === 'paused') {
        await condition(() => changed || cancelled);
      } else if (state !== 'running') {
        return state;
      } else {
        progress = await applyJobPage({ jobId, ...page });
        showProgress(progress, state, ratePerSecond);
        const waitMs = startedAt + (page.items.length * 1_000) / ratePerSecond - Date.now();
        if (waitMs > 0 && !page.isLast) await condition(() => cancelled, waitMs, { summary: 'keep to the rate' });
      }
      if (!cancelled && (pages >= PAGES_PER_RUN || workflowInfo().continueAsNewSuggested)) {
        await continueAsNew<typeof deliveryJob>(jobId);
      }
    }
  });
}

function showProgress({ total, done, skipped }: JobProgress, state: JobState, ratePerSecond: number): void {
  setCurrentDetails(
    `**${done} of ${total ?? '?'}** done, ${skipped} skipped. ${state}, at most ${ratePerSecond} per second.`,
  );
}
