/** The sweep: completes what a process did not complete before it died. */
import { heartbeat, log } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { TERMINATED } from '../../dispatch/closed.js';
import { sendCommand } from '../../dispatch/commands/commands.js';
import { wakeBreaker } from '../../dispatch/commands/breakers.js';
import { startBroadcast } from '../../dispatch/broadcasts.js';
import { eraseExpired } from '../../dispatch/commands/erase.js';
import { continueJob } from '../../dispatch/commands/jobs.js';
import { startResume } from '../../dispatch/commands/pauses.js';
import { emitOperations } from '../../dispatch/operational-events.js';
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import { loadDeliveryStarts, type DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import { releaseEnded } from '../../store/deliveries/ordering.js';
import { markOwned } from '../../store/deliveries/state-changes.js';
import {
  cancelTerminated,
  deliveriesOfDeletedSubscriptions,
  ownerlessDeliveries,
  recordSweep,
} from '../../store/deliveries/sweep.js';
import { defaults } from '../../config/defaults.js';
import { eraseLateAttempts } from '../../store/erasures.js';
import { runningBroadcasts } from '../../store/broadcasts.js';
import { deleteResponses } from '../../store/events/idempotency.js';
import { deleteEndedJobs, openJobs } from '../../store/jobs.js';
import { resumingScopes } from '../../store/pauses.js';
import type { Store } from '../../store/store.js';
import { overdueBreakers } from '../../store/subscriptions/breakers.js';
import { pausedOfEnabled } from '../../store/subscriptions/waiting.js';
import { countEnd } from '../../telemetry/metrics.js';
import { deliveryIdOf } from '../../workflows/names.js';
import { SUBSCRIPTION_DELETED, WAITING_REASONS, type SweepReport } from '../../workflows/types.js';
import { recoverOverdue } from './recover.js';

/** Seconds after which a pending delivery should have its workflow. */
const OWNERLESS_AFTER_S = 10;
/** How long one start may take, in milliseconds. */
const START_DEADLINE_MS = 5_000;
/** Rows per query. */
const BATCH_SIZE = 200;
/** Days after which a job that has ended is deleted. */
const JOB_DAYS = 30;
/** How far back terminated workflows are searched, in milliseconds. */
const TERMINATED_WITHIN_MS = 3_600_000;

export interface MaintenanceDependencies {
  readonly store: Store;
  readonly client: Client;
  /** Hours after which an idempotency key may be used for another request. */
  readonly idempotencyHours?: number;
}

export async function sweep({
  store,
  client,
  idempotencyHours = defaults.idempotencyHours,
}: MaintenanceDependencies): Promise<SweepReport> {
  const starter: WorkflowStarter = { client, eager: false };
  const ownerless = await startOwnerless(store, starter);
  const overdue = await recoverOverdue(store, starter);
  const released = await releaseEnded(store);
  const cancelled = await cancelOfDeletedSubscriptions(store, client);
  const terminated = await recordTerminated(store, client);
  const resumed = await resumePaused(store, client);
  await continueResumes(store, client);
  await wakeOverdueBreakers(store, client);
  await continueJobs(store, client);
  await continueBroadcasts(store, client);
  const emitted = await emitOperationalEvents(store, starter);
  await eraseExpired({ store, client }, heartbeat);
  await eraseLateAttempts(store);
  await deleteResponses(store, idempotencyHours);
  await deleteEndedJobs(store, JOB_DAYS);
  const unreconciled = ownerless.late + overdue.unreconciled;
  await recordSweep(store, unreconciled);
  const started = ownerless.started + overdue.started;
  return { started, unreconciled, cancelled, terminated, resumed, emitted, released };
}

/** Starts pending deliveries that have no workflow; `late` is how many could not be started now. */
async function startOwnerless(store: Store, starter: WorkflowStarter): Promise<{ started: number; late: number }> {
  let started = 0;
  for (;;) {
    const ids = await ownerlessDeliveries(store, { olderThan: OWNERLESS_AFTER_S, limit: BATCH_SIZE });
    if (ids.length === 0) return { started, late: 0 };
    const deliveryStarts = await loadDeliveryStarts(store, ids);
    const results = await Promise.all(deliveryStarts.map((deliveryStart) => startInTime(starter, deliveryStart)));
    started += results.filter((result) => result === 'started').length;
    const late = new Set(
      deliveryStarts.filter((_, index) => results[index] === 'late').map(({ deliveryId }) => deliveryId),
    );
    const owned = ids.filter((id) => !late.has(id));
    await markOwned(store, owned);
    heartbeat();
    if (late.size > 0) return { started, late: late.size };
  }
}

/** A redelivery waits until its former run has closed; when that takes too long the next sweep starts it. */
async function startInTime(
  starter: WorkflowStarter,
  deliveryStart: DeliveryStart,
): Promise<'started' | 'existing' | 'late'> {
  try {
    const deadline = Date.now() + START_DEADLINE_MS;
    return (await starter.client.withDeadline(deadline, () => startDelivery(starter, deliveryStart)))
      ? 'started'
      : 'existing';
  } catch (error) {
    log.debug('cannot start a delivery now', { deliveryId: deliveryStart.deliveryId, error: String(error) });
    return 'late';
  }
}

async function cancelOfDeletedSubscriptions(store: Store, client: Client): Promise<number> {
  const ids = await deliveriesOfDeletedSubscriptions(store, BATCH_SIZE);
  for (const id of ids) {
    heartbeat();
    await sendCommand({ client, store }, id, { signal: 'cancel', args: [SUBSCRIPTION_DELETED] });
  }
  return ids.length;
}

/** Records deliveries whose workflow was terminated in Temporal as cancelled. */
async function recordTerminated(store: Store, client: Client): Promise<number> {
  const since = new Date(Date.now() - TERMINATED_WITHIN_MS).toISOString();
  const query = `WorkflowType = 'delivery' AND ExecutionStatus = 'Terminated' AND CloseTime > '${since}'`;
  const terminated: { id: string; closedAt: Date }[] = [];
  for await (const { workflowId, closeTime } of client.workflow.list({ query })) {
    const id = deliveryIdOf(workflowId);
    if (id && closeTime) terminated.push({ id, closedAt: closeTime });
  }
  heartbeat();
  const cancelled = await cancelTerminated(store, terminated, TERMINATED);
  for (const provider of cancelled) countEnd(provider, 'cancelled');
  return cancelled.length;
}

/**
 * Resumes paused deliveries of subscriptions that are enabled and not paused. The process that enabled the subscription may
 * have died, Temporal may have been unavailable, there may have been too many for one request, or a delivery may have
 * paused after it.
 */
async function resumePaused(store: Store, client: Client): Promise<number> {
  let resumed = 0;
  let after = '';
  for (;;) {
    const ids = await pausedOfEnabled(store, { reasons: WAITING_REASONS, after, limit: BATCH_SIZE });
    const sent = await Promise.all(ids.map((id) => sendCommand({ client, store }, id, { signal: 'resume', args: [] })));
    heartbeat();
    resumed += sent.filter(Boolean).length;
    if (ids.length < BATCH_SIZE) return resumed;
    after = ids.at(-1)!;
  }
}

/** Starts the workflows that send what waited during a pause; those that are running are not changed. */
async function continueResumes(store: Store, client: Client): Promise<void> {
  let after = '';
  for (;;) {
    const scopes = await resumingScopes(store, { after, limit: BATCH_SIZE });
    await Promise.all(scopes.map((scope) => startResume(client, scope)));
    heartbeat();
    if (scopes.length < BATCH_SIZE) return;
    const { accountId, subscriptionId } = scopes.at(-1)!;
    after = subscriptionId ?? accountId;
  }
}

/** Starts or wakes the workflows of breakers that a crash, an idle time or a late delivery has left behind. */
async function wakeOverdueBreakers(store: Store, client: Client): Promise<void> {
  let after = '';
  for (;;) {
    const scopes = await overdueBreakers(store, { after, limit: BATCH_SIZE });
    await Promise.all(scopes.map((scope) => wakeBreaker(client, scope)));
    heartbeat();
    if (scopes.length < BATCH_SIZE) return;
    after = scopes.at(-1)!.subscriptionId;
  }
}

/** Starts the workflows of jobs that have none; the process that started or resumed one may have died before. */
async function continueJobs(store: Store, client: Client): Promise<void> {
  let after = '';
  for (;;) {
    const jobs = await openJobs(store, { after, limit: BATCH_SIZE });
    await Promise.all(jobs.map((job) => continueJob({ store, client }, job)));
    heartbeat();
    if (jobs.length < BATCH_SIZE) return;
    after = jobs.at(-1)!.id;
  }
}

/** Starts the workflows of running broadcasts; those that are running are not changed. */
async function continueBroadcasts(store: Store, client: Client): Promise<void> {
  for (const { id, provider } of await runningBroadcasts(store)) {
    await startBroadcast(client, id, provider);
    heartbeat();
  }
}

/** Emits all waiting operational events and starts their deliveries. Returns how many events were claimed. */
async function emitOperationalEvents(store: Store, starter: WorkflowStarter): Promise<number> {
  let emitted = 0;
  for (;;) {
    const { claimed, deliveryStarts } = await emitOperations(store, BATCH_SIZE);
    // A delivery that cannot be started now has no owner, so the next sweep starts it.
    await Promise.all(deliveryStarts.map((deliveryStart) => startDelivery(starter, deliveryStart)));
    heartbeat();
    emitted += claimed;
    if (claimed < BATCH_SIZE) return emitted;
  }
}
