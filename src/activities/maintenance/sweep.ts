/** The sweep: everything that must not depend on the process that began it being still alive. */
import { heartbeat } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { TERMINATED } from '../../dispatch/closed.js';
import { sendCommand } from '../../dispatch/commands/commands.js';
import { deliveryIdOf } from '../../workflows/names.js';
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import { markOwned } from '../../store/deliveries/deliveries.js';
import { deleteResponses } from '../../store/events/idempotency.js';
import { loadDeliveryStarts, type DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import {
  cancelTerminated,
  deliveriesOfDeletedSubscriptions,
  recordSweep,
  ownerlessDeliveries,
} from '../../store/deliveries/sweep.js';
import { countEnd } from '../../telemetry/metrics.js';
import { SUBSCRIPTION_DELETED, type SweepReport } from '../../workflows/types.js';
import { recoverStaleBatches } from './recover-stale-batches.js';
import { emitWaiting } from './emit-operational-events.js';
import { recoverOverdue } from './recover-overdue.js';
import { resumeForgotten } from './resume-deliveries.js';

/** Seconds after which a pending delivery should have its workflow. */
const OWNERLESS_AFTER_S = 10;
/** How long one start may take, in milliseconds. */
const START_DEADLINE_MS = 5_000;
/** Rows looked at together. */
const BATCH = 200;
/** How far back terminated workflows are looked for, in milliseconds. */
const TERMINATED_WITHIN_MS = 3_600_000;
/** Hours after which an idempotency key may be used for another request. */
const IDEMPOTENCY_HOURS = 24;

export interface MaintenanceDependencies {
  readonly store: Store;
  readonly client: Client;
}

/**
 * Starts what has no owner, ends what lost its subscription, takes note of terminated workflows, resumes what waits for
 * nothing and emits operational events.
 */
export async function sweep({ store, client }: MaintenanceDependencies): Promise<SweepReport> {
  const starter: WorkflowStarter = { client, eager: false };
  const started = (await startOwnerless(store, starter)) + (await recoverOverdue(store, starter));
  const cancelled = await cancelOrphans(store, client);
  const batched = await recoverStaleBatches(store, starter);
  const terminated = await recordTerminated(store, client);
  const resumed = await resumeForgotten(store, client, BATCH);
  const emitted = await emitWaiting(store, starter, BATCH);
  await deleteResponses(store, IDEMPOTENCY_HOURS);
  await recordSweep(store);
  return { started, batched, cancelled, terminated, resumed, emitted };
}

async function startOwnerless(store: Store, starter: WorkflowStarter): Promise<number> {
  let started = 0;
  for (;;) {
    const ids = await ownerlessDeliveries(store, { olderThan: OWNERLESS_AFTER_S, limit: BATCH });
    if (ids.length === 0) return started;
    const deliveryStarts = await loadDeliveryStarts(store, ids);
    const results = await Promise.all(deliveryStarts.map((deliveryStart) => startInTime(starter, deliveryStart)));
    started += results.filter((result) => result === 'started').length;
    const late = new Set(
      deliveryStarts.filter((_, index) => results[index] === 'late').map(({ deliveryId }) => deliveryId),
    );
    const owned = ids.filter((id) => !late.has(id));
    await markOwned(store, owned);
    heartbeat();
    if (late.size > 0) return started;
  }
}

/** A redelivery may have to wait for its former run; one that waits for long is left to the next sweep. */
async function startInTime(
  starter: WorkflowStarter,
  deliveryStart: DeliveryStart,
): Promise<'started' | 'there' | 'late'> {
  try {
    const deadline = Date.now() + START_DEADLINE_MS;
    return (await starter.client.withDeadline(deadline, () => startDelivery(starter, deliveryStart)))
      ? 'started'
      : 'there';
  } catch {
    return 'late';
  }
}

async function cancelOrphans(store: Store, client: Client): Promise<number> {
  const ids = await deliveriesOfDeletedSubscriptions(store, BATCH);
  for (const id of ids) {
    heartbeat();
    await sendCommand({ client, store }, id, { signal: 'cancel', args: [SUBSCRIPTION_DELETED] });
  }
  return ids.length;
}

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
