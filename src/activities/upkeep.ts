/** The sweep: everything that must not depend on the process that began it being still alive. */
import { heartbeat } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { giveOrder } from '../dispatch/control.js';
import { deliveryIdOf, deliveryWorkflowId } from '../dispatch/names.js';
import { startDelivery, type Starter } from '../dispatch/start.js';
import { changeState, findDelivery, markOwned } from '../store/deliveries.js';
import { forgetAnswers } from '../store/idempotency.js';
import { loadStartables } from '../store/startables.js';
import type { Store } from '../store/store.js';
import { cancelTerminated, orphanedDeliveries, overdueDeliveries, unownedDeliveries } from '../store/sweep.js';
import { SUBSCRIPTION_DELETED, type SweepReport } from '../workflows/types.js';
import { emitWaiting } from './emit.js';
import { resumeForgotten } from './resume.js';

/** Seconds after which a pending delivery should have its workflow. */
const UNOWNED_AFTER_S = 10;
/** Seconds by which an attempt may be late before its workflow is looked for. */
const OVERDUE_AFTER_S = 300;
/** Rows looked at together. */
const BATCH = 200;
/** How far back terminated workflows are looked for, in milliseconds. */
const TERMINATED_WITHIN_MS = 3_600_000;
/** Hours after which an idempotency key may be used for another request. */
const IDEMPOTENCY_HOURS = 24;

export interface UpkeepDependencies {
  readonly store: Store;
  readonly client: Client;
}

/**
 * Starts what has no owner, ends what lost its subscription, takes note of terminated workflows, resumes what waits for
 * nothing and emits operational events.
 */
export async function sweep({ store, client }: UpkeepDependencies): Promise<SweepReport> {
  const starter: Starter = { client, eager: false };
  const started = (await startUnowned(store, starter)) + (await startLost(store, starter));
  const cancelled = await cancelOrphans(store, client);
  const terminated = await noteTerminated(store, client);
  const resumed = await resumeForgotten(store, client, BATCH);
  const emitted = await emitWaiting(store, starter, BATCH);
  await forgetAnswers(store, IDEMPOTENCY_HOURS);
  return { started, cancelled, terminated, resumed, emitted };
}

async function startUnowned(store: Store, starter: Starter): Promise<number> {
  let started = 0;
  for (;;) {
    const ids = await unownedDeliveries(store, { olderThan: UNOWNED_AFTER_S, limit: BATCH });
    if (ids.length === 0) return started;
    const startables = await loadStartables(store, ids);
    const results = await Promise.all(startables.map((startable) => startDelivery(starter, startable)));
    started += results.filter(Boolean).length;
    await markOwned(store, ids);
    heartbeat();
  }
}

/**
 * Deliveries that are long overdue: Temporal may no longer know them, as after the loss of its database, and then their
 * schedule begins anew; or their workflow has ended without saying so.
 */
async function startLost(store: Store, starter: Starter): Promise<number> {
  const ids = await overdueDeliveries(store, { overdueBy: OVERDUE_AFTER_S, limit: BATCH });
  let started = 0;
  for (const startable of await loadStartables(store, ids)) {
    heartbeat();
    const status = await workflowStatus(starter.client, startable.deliveryId);
    if (status === 'RUNNING') continue;
    if (status === undefined) started += (await startDelivery(starter, startable)) ? 1 : 0;
    else await noteEnd(store, startable.deliveryId, `its workflow ended as ${status}`);
  }
  return started;
}

async function workflowStatus(client: Client, deliveryId: string): Promise<string | undefined> {
  try {
    const { status } = await client.workflow.getHandle(deliveryWorkflowId(deliveryId)).describe();
    return status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function cancelOrphans(store: Store, client: Client): Promise<number> {
  const ids = await orphanedDeliveries(store, BATCH);
  for (const id of ids) {
    heartbeat();
    const told = await giveOrder({ client, store }, id, { signal: 'cancel', args: [SUBSCRIPTION_DELETED] });
    if (!told) await noteEnd(store, id, SUBSCRIPTION_DELETED);
  }
  return ids.length;
}

async function noteTerminated(store: Store, client: Client): Promise<number> {
  const since = new Date(Date.now() - TERMINATED_WITHIN_MS).toISOString();
  const query = `WorkflowType = 'delivery' AND ExecutionStatus = 'Terminated' AND CloseTime > '${since}'`;
  const terminated: { id: string; closedAt: Date }[] = [];
  for await (const { workflowId, closeTime } of client.workflow.list({ query })) {
    const id = deliveryIdOf(workflowId);
    if (id && closeTime) terminated.push({ id, closedAt: closeTime });
  }
  heartbeat();
  return cancelTerminated(store, terminated, 'terminated in Temporal');
}

/** Records that a delivery ended without its workflow saying so. */
async function noteEnd(store: Store, id: string, reason: string): Promise<void> {
  const delivery = await findDelivery(store, id);
  if (!delivery || delivery.settledAt !== null) return;
  await changeState(store, { deliveryId: id, run: delivery.run, state: 'cancelled', reason, nextAttemptAt: null });
}
