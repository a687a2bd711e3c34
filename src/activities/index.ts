/** The activities a worker registers. */
import { activityInfo, getClient } from '@temporalio/activity';
import { defaults } from '../config/defaults.js';
import { changeState, findProgress } from '../store/deliveries/deliveries.js';
import { recordInterrupted } from '../store/attempts/lost-attempts.js';
import { countBatch, countEnd } from '../telemetry/metrics.js';
import type { BatchActivities } from '../workflows/batch-types.js';
import type { RecoveryActivities } from '../workflows/recovery-types.js';
import type { DeliveryActivities, MaintenanceActivities } from '../workflows/types.js';
import { attempt, type AttemptDependencies } from './attempt/attempt.js';
import { awaitBatch } from './batch/await-batch.js';
import { processBatch } from './batch/process-batch.js';
import { fromOutcome } from './attempt/save.js';
import { OutcomeWriter } from './attempt/outcome-writer.js';
import { createRecoveryActivities } from './recovery.js';
import { createRetention } from './maintenance/retention.js';
import { Semaphore } from '../lib/semaphore.js';
import { ConcurrencyLimiter } from './admission/concurrency-limiter.js';
import { sweep } from './maintenance/sweep.js';

/** Deliveries that batches have in memory at once, each with its body. */
const MAX_BATCHED_DELIVERIES = 2_000;
/** Exchanges of batches under way at once, as long as they are quick. */
const QUICK_AT_ONCE = 100;

export interface ActivityDependencies extends AttemptDependencies {
  /** Days that accounts keep what happened for unless they say otherwise; 0 for ever. */
  readonly retentionDays?: number;
}

export function createActivities(
  dependencies: ActivityDependencies,
): DeliveryActivities & BatchActivities & MaintenanceActivities & RecoveryActivities {
  const { store, maxConcurrentAttempts = defaults.maxConcurrentAttempts } = dependencies;
  const { retentionDays = defaults.retentionDays } = dependencies;
  const shared = {
    ...dependencies,
    maxConcurrentAttempts,
    limiter: new ConcurrencyLimiter(),
    outcomes: new OutcomeWriter(store),
  };
  const semaphores = { memory: new Semaphore(MAX_BATCHED_DELIVERIES), requestSemaphore: new Semaphore(QUICK_AT_ONCE) };
  const enforceRetention = createRetention(store, retentionDays);
  return {
    attempt: (task) => attempt(shared, task),
    recordOutcome: (outcome) => shared.outcomes.add(fromOutcome(outcome, ownRunId())),
    getScheduleProgress: ({ deliveryId }) => findProgress(store, deliveryId, ownRunId()),
    changeState: async (task) => {
      if (task.lostUpTo !== undefined || task.attemptsUpTo !== undefined) await recordInterrupted(store, task);
      const nextAttemptAt = task.nextAttemptAt === null ? null : new Date(task.nextAttemptAt);
      countEnd(await changeState(store, { ...task, nextAttemptAt }), task.state);
    },
    awaitBatch: ({ deliveryId }) => awaitBatch({ store, client: getClient() }, deliveryId),
    processBatch: (input) =>
      countBatch(() =>
        processBatch({ ...shared, ...semaphores, starter: { client: getClient(), eager: false } }, input),
      ),
    cancelOwnWorkflow: async () => {
      const { workflowId, runId } = activityInfo().workflowExecution!;
      await getClient().workflow.getHandle(workflowId, runId).cancel();
    },
    sweep: async () => {
      const report = await sweep({ store, client: getClient() });
      await enforceRetention();
      return report;
    },
    ...createRecoveryActivities(store),
  };
}

function ownRunId(): string {
  return activityInfo().workflowExecution?.runId ?? '';
}
