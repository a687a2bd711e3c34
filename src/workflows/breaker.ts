/** Advances the open circuit breaker of a subscription: probes, trials, and then what has waited. */
import {
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { breakerChanged, type BreakerActivities, type BreakerStep } from './breaker-types.js';

/** Steps after which the workflow continues as a new run, which limits the size of its history. */
const STEPS_PER_RUN = 300;

const { advanceBreaker } = proxyActivities<BreakerActivities>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  summary: 'probe the receiver, or send what has waited',
});

/**
 * Runs from when a breaker opens until it is closed and nothing waits for it any more, or until there is nothing to probe
 * with. The database has the state; the workflow has the timers. A signal ends a wait: an attempt of a trial has ended, or
 * the breaker was closed by hand. Started again by the sweep if it is lost.
 */
export async function breaker(subscriptionId: string): Promise<void> {
  let hasChanged = false;
  setHandler(breakerChanged, () => void (hasChanged = true), {
    description: 'Look at the breaker now. An attempt has ended, or it was closed by hand.',
  });
  let isDue = false;
  let released: BreakerStep['released'];
  for (let steps = 0; steps < STEPS_PER_RUN && !workflowInfo().continueAsNewSuggested; steps += 1) {
    hasChanged = false;
    const step: BreakerStep = await advanceBreaker({ subscriptionId, isDue, ...(released ? { released } : {}) });
    setCurrentDetails(`**${step.state}**`);
    released = step.released;
    if (step.waitMs !== null) {
      const since = Date.now();
      const isSignalled = await condition(() => hasChanged, step.waitMs, { summary: step.state });
      // A signal may come in the same task as the end of the wait.
      isDue = !isSignalled || Date.now() - since >= step.waitMs;
    } else if (!hasChanged) return;
    else isDue = false;
  }
  return continueAsNew<typeof breaker>(subscriptionId);
}
