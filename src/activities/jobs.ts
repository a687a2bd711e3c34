/** The activities of a job. */
import { activityInfo, getClient, heartbeat, log } from '@temporalio/activity';
import { applyJobPage, countJob, nextJobPage } from '../dispatch/commands/jobs.js';
import { changeJob } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { JobActivities } from '../workflows/job-types.js';
import { HEARTBEAT_INTERVAL_MS } from '../workflows/limits.js';

export function createJobActivities(store: Store): JobActivities {
  return {
    countJob: (jobId) => withHeartbeats(() => countJob(store, jobId)),
    nextJobPage: (jobId) => withHeartbeats(() => nextJobPage(store, jobId)),
    applyJobPage: (task) => {
      const context = {
        store,
        client: getClient(),
        attempt: activityInfo().attempt,
        heartbeat,
        warn: (message: string, id: string, error: unknown) => void log.warn(message, { id, error: String(error) }),
      };
      return applyJobPage(context, task);
    },
    endJob: async (jobId) => void (await changeJob(store, jobId, { state: 'cancelled' })),
  };
}

/** A timer heartbeats, as one statement may read many rows for a long time. */
async function withHeartbeats<Result>(work: () => Promise<Result>): Promise<Result> {
  const heartbeats = setInterval(heartbeat, HEARTBEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeats);
  }
}
