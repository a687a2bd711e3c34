/** From the database to Temporal: the workflows of open deliveries. */
import { inChunks } from '../../lib/in-chunks.js';
import { loadDeliveryStarts, type PendingDelivery } from '../../store/deliveries/delivery-starts.js';
import { openDeliveriesAfter, unchangedOpen, type OpenPosition } from '../../store/deliveries/reconciliation.js';
import { markOwned, reopenAsRun } from '../../store/deliveries/state-changes.js';
import { findDelivery } from '../../store/deliveries/deliveries.js';
import { applyClosedWorkflow, conclude, findLastWorkflow, type LastWorkflow, type RunningWorkflow } from '../closed.js';
import { sendCommand, type Command } from '../commands/commands.js';
import { deliveryWorkflowId } from '../../workflows/names.js';
import { deliveryQueries } from '../../workflows/signals.js';
import { startDelivery } from '../start.js';
import { CONCURRENCY, DEADLINE_MS, mend, SETTLED_AFTER_S, type Finding, type ReconciliationContext } from './types.js';

/** Findings of a part, and where the next part begins; absent after the last one. */
interface OpenPart {
  readonly findings: readonly Finding[];
  readonly next?: OpenPosition;
}

interface Compared {
  readonly deliveryStart: PendingDelivery;
  readonly workflow: LastWorkflow;
}

/** Compares the next open deliveries with Temporal, at most `limit`. */
export async function reconcileOpen(
  context: ReconciliationContext,
  after: OpenPosition | undefined,
  limit: number,
): Promise<OpenPart> {
  const { store, client } = context;
  const open = await openDeliveriesAfter(store, after, limit);
  const ids = open.filter(({ needsWorkflow }) => needsWorkflow).map(({ id }) => id);
  const compared = await inChunks(
    await loadDeliveryStarts(store, ids),
    CONCURRENCY,
    async (deliveryStart): Promise<Compared> => ({
      deliveryStart,
      workflow: await client.withDeadline(Date.now() + DEADLINE_MS, () =>
        findLastWorkflow(client, deliveryStart.deliveryId),
      ),
    }),
  );
  const suspects = compared.filter(
    (one) => one.workflow.kind !== 'running' || mayDiffer(one.deliveryStart, one.workflow),
  );
  // Many have ended, or were started, between the two lookups.
  const still = await unchangedOpen(
    store,
    suspects.map(({ deliveryStart }) => deliveryStart.deliveryId),
    SETTLED_AFTER_S,
  );
  const findings = await inChunks(compared, CONCURRENCY, (one) => conclusionOf(context, one, still));
  const last = open.at(-1);
  return { findings, ...(last && open.length === limit ? { next: last } : {}) };
}

async function conclusionOf(
  context: ReconciliationContext,
  { deliveryStart, workflow }: Compared,
  still: ReadonlySet<string>,
): Promise<Finding> {
  const { deliveryId } = deliveryStart;
  if (!still.has(deliveryId)) return { kind: 'running', deliveryId };
  if (workflow.kind === 'running') return comparePause(context, deliveryStart);
  if (workflow.kind === 'closed')
    return mend(context, 'closed', deliveryId, () => mendClosed(context, deliveryStart, workflow));
  return mend(context, 'missing', deliveryId, () => startMissing(context, deliveryStart));
}

/** Whether its workflow is to be queried, which takes longer than finding it. One with an activity is not paused. */
const mayDiffer = ({ state }: PendingDelivery, { isIdle }: RunningWorkflow): boolean => state === 'paused' || isIdle;

/** A workflow that is paused although its delivery is not would wait indefinitely, and the other way round it would send. */
async function comparePause(context: ReconciliationContext, { deliveryId, state }: PendingDelivery): Promise<Finding> {
  const { store, client } = context;
  const shouldBePaused = state === 'paused';
  const isPaused = await isPausedInWorkflow(context, deliveryId);
  if (isPaused === undefined || isPaused === shouldBePaused) return { kind: 'running', deliveryId };
  return mend(context, 'pause', deliveryId, async () => {
    const command: Command = shouldBePaused
      ? { signal: 'pause', args: [await pauseReason(context, deliveryId)] }
      : { signal: 'resume', args: [] };
    await sendCommand({ store, client }, deliveryId, command);
  });
}

/** Undefined when the workflow cannot say so, as one that has just ended. */
async function isPausedInWorkflow(
  { client, warn }: ReconciliationContext,
  deliveryId: string,
): Promise<boolean | undefined> {
  const handle = client.workflow.getHandle(deliveryWorkflowId(deliveryId));
  try {
    return await client.withDeadline(Date.now() + DEADLINE_MS, () => handle.query(deliveryQueries.isPaused));
  } catch (error) {
    warn(deliveryId, error);
    return undefined;
  }
}

/** Takes over the end of the workflow, or starts another one where the end is unknown. */
async function mendClosed(
  context: ReconciliationContext,
  deliveryStart: PendingDelivery,
  workflow: Extract<LastWorkflow, { kind: 'closed' }>,
): Promise<void> {
  const { store, client } = context;
  const { deliveryId, run, state } = deliveryStart;
  const conclusion = conclude(workflow, run);
  if (conclusion.kind === 'restart' && state === 'paused') {
    const reason = await pauseReason(context, deliveryId);
    await reopenAsRun(store, { deliveryId, run, redelivery: conclusion.redelivery });
    await sendCommand({ store, client }, deliveryId, { signal: 'pause', args: [reason] });
    return;
  }
  await applyClosedWorkflow({ store, starter: { client, eager: false } }, deliveryStart, workflow);
  if (conclusion.kind === 'restart') await markOwned(store, [deliveryId]);
}

/** Starts a workflow at the delivery's position of the schedule. A paused one stays paused. */
async function startMissing(context: ReconciliationContext, deliveryStart: PendingDelivery): Promise<void> {
  const { store, client } = context;
  const { deliveryId, state } = deliveryStart;
  if (state === 'paused') {
    const reason = await pauseReason(context, deliveryId);
    await sendCommand({ store, client }, deliveryId, { signal: 'pause', args: [reason] });
  } else {
    await startDelivery({ client, eager: false }, deliveryStart);
  }
  await markOwned(store, [deliveryId]);
}

async function pauseReason({ store }: ReconciliationContext, deliveryId: string): Promise<string> {
  return (await findDelivery(store, deliveryId))?.stateReason ?? 'paused';
}
