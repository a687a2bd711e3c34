/** The activities a worker registers. */
import { activityInfo, getClient } from '@temporalio/activity';
import { defaults } from '../config/settings.js';
import { changeState, findPlace } from '../store/deliveries.js';
import { recordAttempt } from '../store/attempts.js';
import type { RecoveryActivities } from '../workflows/recovery-types.js';
import type { DeliveryActivities, UpkeepActivities } from '../workflows/types.js';
import { attempt, type AttemptDependencies } from './attempt.js';
import { fromOutcome } from './record.js';
import { createRecoveryActivities } from './recovery.js';
import { createRetention } from './retention.js';
import { Slots } from './slots.js';
import { sweep } from './upkeep.js';

export interface ActivityDependencies extends AttemptDependencies {
  /** Days that accounts keep what happened for unless they say otherwise; 0 for ever. */
  readonly retentionDays?: number;
}

export function createActivities(
  dependencies: ActivityDependencies,
): DeliveryActivities & UpkeepActivities & RecoveryActivities {
  const { store, maxConcurrentAttempts = defaults.maxConcurrentAttempts } = dependencies;
  const slots = new Slots();
  const enforceRetention = createRetention(store, dependencies.retentionDays ?? defaults.retentionDays);
  return {
    attempt: (task) => attempt({ ...dependencies, slots, maxConcurrentAttempts }, task),
    recordOutcome: (outcome) => recordAttempt(store, fromOutcome(outcome, ownRunId())),
    place: ({ deliveryId }) => findPlace(store, deliveryId, ownRunId()),
    changeState: (task) =>
      changeState(store, {
        ...task,
        nextAttemptAt: task.nextAttemptAt === null ? null : new Date(task.nextAttemptAt),
      }),
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
