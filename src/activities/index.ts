/** The activities a worker registers. */
import { activityInfo, getClient } from '@temporalio/activity';
import { defaults } from '../config/defaults.js';
import { changeState, findPlace } from '../store/deliveries/deliveries.js';
import { noteLostAttempts } from '../store/attempts/lost-attempts.js';
import { countBurst, countEnd } from '../telemetry/metrics.js';
import type { BurstActivities } from '../workflows/batch-types.js';
import type { RecoveryActivities } from '../workflows/recovery-types.js';
import type { DeliveryActivities, UpkeepActivities } from '../workflows/types.js';
import { attempt, type AttemptDependencies } from './attempt/attempt.js';
import { awaitBurst } from './batch/await-batch.js';
import { carry } from './batch/process-batch.js';
import { fromOutcome } from './attempt/save.js';
import { Recorder } from './attempt/outcome-writer.js';
import { createRecoveryActivities } from './recovery.js';
import { createRetention } from './maintenance/retention.js';
import { Room } from '../lib/semaphore.js';
import { Slots } from './admission/concurrency-limiter.js';
import { sweep } from './maintenance/sweep.js';

/** Deliveries that bursts have in memory at once, each with its body. */
const MOST_CARRIED_AT_ONCE = 2_000;
/** Exchanges of bursts under way at once, as long as they are quick. */
const QUICK_AT_ONCE = 100;

export interface ActivityDependencies extends AttemptDependencies {
  /** Days that accounts keep what happened for unless they say otherwise; 0 for ever. */
  readonly retentionDays?: number;
}

export function createActivities(
  dependencies: ActivityDependencies,
): DeliveryActivities & BurstActivities & UpkeepActivities & RecoveryActivities {
  const { store, maxConcurrentAttempts = defaults.maxConcurrentAttempts } = dependencies;
  const { retentionDays = defaults.retentionDays } = dependencies;
  const shared = { ...dependencies, maxConcurrentAttempts, slots: new Slots(), recorder: new Recorder(store) };
  const rooms = { room: new Room(MOST_CARRIED_AT_ONCE), lines: new Room(QUICK_AT_ONCE) };
  const enforceRetention = createRetention(store, retentionDays);
  return {
    attempt: (task) => attempt(shared, task),
    recordOutcome: (outcome) => shared.recorder.add(fromOutcome(outcome, ownRunId())),
    place: ({ deliveryId }) => findPlace(store, deliveryId, ownRunId()),
    changeState: async (task) => {
      if (task.lostUpTo !== undefined || task.attemptsUpTo !== undefined) await noteLostAttempts(store, task);
      const nextAttemptAt = task.nextAttemptAt === null ? null : new Date(task.nextAttemptAt);
      countEnd(await changeState(store, { ...task, nextAttemptAt }), task.state);
    },
    awaitBurst: ({ deliveryId }) => awaitBurst({ store, client: getClient() }, deliveryId),
    carry: (input) =>
      countBurst(() => carry({ ...shared, ...rooms, starter: { client: getClient(), eager: false } }, input)),
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
