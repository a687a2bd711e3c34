/** The activities a worker registers. */
import { activityInfo, getClient } from '@temporalio/activity';
import { defaults } from '../config/defaults.js';
import { Semaphore } from '../lib/semaphore.js';
import { recordInterrupted } from '../store/attempts/recording.js';
import { findProgress } from '../store/deliveries/deliveries.js';
import { changeState } from '../store/deliveries/state-changes.js';
import { countBatch, countEnd } from '../telemetry/metrics.js';
import type { BatchActivities } from '../workflows/batch-types.js';
import type { RecoveryActivities } from '../workflows/recovery-types.js';
import type { DeliveryActivities, MaintenanceActivities } from '../workflows/types.js';
import { ConcurrencyLimiter } from './admission/concurrency-limiter.js';
import { attempt, type AttemptDependencies } from './attempt/attempt.js';
import { OutcomeWriter } from './attempt/outcome-writer.js';
import { rowOfUnrecorded } from './attempt/save.js';
import { awaitBatch } from './batch/await-batch.js';
import { processBatch } from './batch/process-batch.js';
import { createRetention } from './maintenance/retention.js';
import { sweep } from './maintenance/sweep.js';
import { createRecoveryActivities } from './recovery.js';

/** Deliveries of batches in memory at once, each with its body. */
const MAX_BATCHED_DELIVERIES = 2_000;
/** Requests of batches in flight at once, as long as they are quick. */
const MAX_QUICK_REQUESTS = 100;

export interface ActivityDependencies extends AttemptDependencies {
  /** Days that data of accounts without a setting of their own is kept; 0 keeps it indefinitely. */
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
  const semaphores = {
    memory: new Semaphore(MAX_BATCHED_DELIVERIES),
    requestSemaphore: new Semaphore(MAX_QUICK_REQUESTS),
  };
  const enforceRetention = createRetention(store, retentionDays);
  return {
    attempt: (task) => attempt(shared, task),
    recordOutcome: (outcome) => shared.outcomes.write(rowOfUnrecorded(outcome, ownRunId())),
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
