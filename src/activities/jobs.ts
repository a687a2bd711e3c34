/** The activities of a job. */
import { activityInfo, getClient } from '@temporalio/activity';
import { applyJobPage, countJob, nextJobPage } from '../dispatch/commands/jobs.js';
import { changeJob } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { JobActivities } from '../workflows/job-types.js';
import { taskReport, withHeartbeats } from './task-report.js';

export function createJobActivities(store: Store): JobActivities {
  return {
    countJob: (jobId) => withHeartbeats(() => countJob(store, jobId)),
    nextJobPage: (jobId) => withHeartbeats(() => nextJobPage(store, jobId)),
    applyJobPage: (task) =>
      applyJobPage({ store, client: getClient(), attempt: activityInfo().attempt, ...taskReport }, task),
    endJob: async (jobId) => void (await changeJob(store, jobId, { state: 'cancelled' })),
  };
}
