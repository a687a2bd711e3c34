/** Sends what waited while a subscription or account was paused, the oldest first and at a rate. */
import { continueAsNew, proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow';
import { HEARTBEAT_TIMEOUT_MS } from './limits.js';
import type { PauseScope, ResumeActivities } from './resume-types.js';

/** Pages after which the workflow continues as a new run, which limits the size of its history. */
const PAGES_PER_RUN = 200;

const { resumePage } = proxyActivities<ResumeActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  summary: 'resume the oldest waiting deliveries',
});

/**
 * Resumes page by page until nothing waits, or until the scope is paused again. Pages and rate are read from the database
 * each time, so it has no state of its own but the count that it shows. Started again by the sweep if it is lost.
 */
export async function resumePaused(scope: PauseScope, resumedBefore = 0): Promise<number> {
  let sum = resumedBefore;
  for (let pages = 0; pages < PAGES_PER_RUN && !workflowInfo().continueAsNewSuggested; pages += 1) {
    const startedAt = Date.now();
    const { resumed, ratePerSecond } = await resumePage(scope);
    sum += resumed;
    setCurrentDetails(`**${sum} deliveries** resumed.`);
    if (ratePerSecond === 0) return sum;
    const waitMs = startedAt + (resumed * 1_000) / ratePerSecond - Date.now();
    if (waitMs > 0) await sleep(waitMs, { summary: 'keep to the rate' });
  }
  return continueAsNew<typeof resumePaused>(scope, sum);
}
