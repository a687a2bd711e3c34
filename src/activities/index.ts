/** The activities a worker registers. */
import { activityInfo, getClient, heartbeat, log } from '@temporalio/activity';
import { defaults } from '../config/defaults.js';
import { advanceBreaker } from '../dispatch/commands/breakers.js';
import { emitPage } from '../dispatch/broadcasts.js';
import { resumePage } from '../dispatch/commands/pauses.js';
import type { Mailer } from '../dispatch/alerts/mail.js';
import { runAlerts } from '../dispatch/alerts/run.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { recordInterrupted } from '../store/attempts/recording.js';
import { cancelBroadcast } from '../store/broadcasts.js';
import { findProgress } from '../store/deliveries/deliveries.js';
import { changeState } from '../store/deliveries/state-changes.js';
import { countEnd } from '../telemetry/metrics.js';
import type { BreakerActivities } from '../workflows/breaker-types.js';
import type { BroadcastActivities } from '../workflows/broadcast-types.js';
import type { JobActivities } from '../workflows/job-types.js';
import type { RecoveryActivities } from '../workflows/recovery-types.js';
import type { ResumeActivities } from '../workflows/resume-types.js';
import type { DeliveryActivities, MaintenanceActivities } from '../workflows/types.js';
import { ConcurrencyLimiter } from './admission/concurrency-limiter.js';
import { awaitAttempt } from './attempt/await-attempt.js';
import { attempt, type AttemptDependencies, type SharedDependencies } from './attempt/attempt.js';
import { OutcomeWriter } from './attempt/outcome-writer.js';
import { rowOfUnrecorded } from './attempt/save.js';
import { Breakers, type BreakerSettings } from './breakers.js';
import { awaitSender } from './direct/await-sender.js';
import { createJobActivities } from './jobs.js';
import { createRetention } from './maintenance/retention.js';
import { sweep } from './maintenance/sweep.js';
import { taskReport } from './task-report.js';
import { createRecoveryActivities } from './recovery.js';

/** `wakeBreaker` starts or wakes the workflow of a circuit breaker; without it the sweep does. */
export function shareDependencies(
  dependencies: AttemptDependencies,
  {
    wakeBreaker = async () => undefined,
    onBreakerError = () => undefined,
  }: {
    readonly wakeBreaker?: BreakerSettings['wake'];
    readonly onBreakerError?: BreakerSettings['onError'];
  } = {},
): SharedDependencies {
  const { store, egress, maxConcurrentAttempts = defaults.maxConcurrentAttempts } = dependencies;
  return {
    store,
    egress,
    maxConcurrentAttempts,
    limiter: new ConcurrencyLimiter(),
    outcomes: new OutcomeWriter(store),
    breakers: new Breakers({ store, wake: wakeBreaker, onError: onBreakerError }),
  };
}

interface ActivitySettings {
  /** Starts the deliveries of broadcasts. */
  readonly dispatcher: Pick<Dispatcher, 'modesFor' | 'dispatchNew'>;
  readonly retentionDays?: number | undefined;
  readonly idempotencyHours?: number | undefined;
  readonly auditDays?: number | undefined;
  readonly mailer?: Mailer | undefined;
}

export function createActivities(
  shared: SharedDependencies,
  {
    dispatcher,
    retentionDays = defaults.retentionDays,
    idempotencyHours = defaults.idempotencyHours,
    auditDays = defaults.auditDays,
    mailer,
  }: ActivitySettings,
): DeliveryActivities &
  MaintenanceActivities &
  RecoveryActivities &
  ResumeActivities &
  BroadcastActivities &
  BreakerActivities &
  JobActivities {
  const { store } = shared;
  const enforceRetention = createRetention(store, retentionDays, auditDays);
  return {
    attempt: (task) => attempt(shared, task),
    recordOutcome: (outcome) => shared.outcomes.write(rowOfUnrecorded(outcome, ownRunId())),
    getScheduleProgress: ({ deliveryId }) => findProgress(store, deliveryId, ownRunId()),
    changeState: async (task) => {
      if (task.lostUpTo !== undefined || task.attemptsUpTo !== undefined) await recordInterrupted(store, task);
      const nextAttemptAt = task.nextAttemptAt === null ? null : new Date(task.nextAttemptAt);
      countEnd(await changeState(store, { ...task, nextAttemptAt }), task.state);
    },
    awaitAttempt: (task) => awaitAttempt(store, task),
    awaitSender: ({ deliveryId }) => awaitSender(store, deliveryId),
    cancelOwnWorkflow: async () => {
      const { workflowId, runId } = activityInfo().workflowExecution!;
      await getClient().workflow.getHandle(workflowId, runId).cancel();
    },
    sweep: async () => {
      try {
        const report = await sweep({ store, client: getClient(), idempotencyHours });
        await enforceRetention();
        return report;
      } finally {
        // Even when the sweep fails: then people should know of a backlog.
        await alertPeople({ store, egress: shared.egress, mailer });
      }
    },
    advanceBreaker: (task) => advanceBreaker({ store, client: getClient() }, task),
    resumePage: (scope) => resumePage({ store, client: getClient() }, scope, heartbeat),
    broadcastPage: ({ broadcastId }) =>
      emitPage(
        {
          store,
          dispatcher,
          ...taskReport,
        },
        broadcastId,
      ),
    cancelBroadcast: async ({ broadcastId }) => void (await cancelBroadcast(store, broadcastId)),
    ...createRecoveryActivities(store),
    ...createJobActivities(store),
  };
}

/** Never rejects: what goes wrong is tried again by the next sweep. */
async function alertPeople({
  store,
  egress,
  mailer,
}: Pick<SharedDependencies, 'store' | 'egress'> & Pick<ActivitySettings, 'mailer'>): Promise<void> {
  const onError = (error: unknown, ruleId?: string): void => {
    log.warn('cannot alert people now; the next sweep will', { ruleId, error: String(error) });
  };
  await runAlerts({
    ...{ store, egress, onError, onProgress: heartbeat },
    ...(mailer ? { mailer } : {}),
  }).catch(onError);
}

function ownRunId(): string {
  return activityInfo().workflowExecution?.runId ?? '';
}
