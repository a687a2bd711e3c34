/** The activities a worker registers. */
import { activityInfo, getClient } from '@temporalio/activity';
import { defaults } from '../config/settings.js';
import { changeState, findPlace } from '../store/deliveries.js';
import { recordAttempt } from '../store/attempts.js';
import { countEnd } from '../telemetry/metrics.js';
import type { RecoveryActivities } from '../workflows/recovery-types.js';
import type { DeliveryActivities, UpkeepActivities } from '../workflows/types.js';
import { attempt, type AttemptDependencies } from './attempt.js';
import { fromOutcome } from './record.js';
import { createRecoveryActivities } from './recovery.js';
import { Slots } from './slots.js';
import { sweep } from './upkeep.js';

export function createActivities(
  dependencies: AttemptDependencies,
): DeliveryActivities & UpkeepActivities & RecoveryActivities {
  const { store, maxConcurrentAttempts = defaults.maxConcurrentAttempts } = dependencies;
  const slots = new Slots();
  return {
    attempt: (task) => attempt({ ...dependencies, slots, maxConcurrentAttempts }, task),
    recordOutcome: (outcome) => recordAttempt(store, fromOutcome(outcome, ownRunId())),
    place: ({ deliveryId }) => findPlace(store, deliveryId, ownRunId()),
    changeState: async (task) => {
      const nextAttemptAt = task.nextAttemptAt === null ? null : new Date(task.nextAttemptAt);
      countEnd(await changeState(store, { ...task, nextAttemptAt }), task.state);
    },
    cancelOwnWorkflow: async () => {
      const { workflowId, runId } = activityInfo().workflowExecution!;
      await getClient().workflow.getHandle(workflowId, runId).cancel();
    },
    sweep: () => sweep({ store, client: getClient() }),
    ...createRecoveryActivities(store),
  };
}

function ownRunId(): string {
  return activityInfo().workflowExecution?.runId ?? '';
}
