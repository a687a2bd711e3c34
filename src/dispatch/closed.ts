/**
 * Open deliveries whose workflow has closed, for example after a restore of an older copy of the database: updates their
 * rows with the result of the workflow.
 */
import { WorkflowFailedError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { changeState, recordDelivered, reopenAsRun } from '../store/deliveries/state-changes.js';
import type { Store } from '../store/store.js';
import { countEnd } from '../telemetry/metrics.js';
import { FailureType } from '../workflows/failure.js';
import { deliveryWorkflowId } from '../workflows/names.js';
import type { DeliveryResult } from '../workflows/types.js';
import { startDelivery, type WorkflowStarter } from './start.js';

/** The state reason of deliveries whose workflow was terminated. */
export const TERMINATED = 'terminated in Temporal';

/** The last workflow of a delivery in Temporal. */
export type LastWorkflow = { readonly kind: 'unknown' } | RunningWorkflow | ClosedWorkflow;

export interface RunningWorkflow {
  readonly kind: 'running';
  /** Whether it has no activity: it waits for a time, or is paused. Between attempts of a round it has one. */
  readonly isIdle: boolean;
}

export interface ClosedWorkflow {
  readonly kind: 'closed';
  /** As the SDK names it, such as `COMPLETED`. */
  readonly status: string;
  /** The redelivery that it was started for; 0 for the first delivery. */
  readonly redelivery: number;
  readonly runId: string;
  readonly closedAt: Date;
  /** Present when it completed. */
  readonly result?: DeliveryResult;
  /** Present when it failed. */
  readonly failure?: { readonly type: string | undefined; readonly message: string };
}

/** What an open delivery becomes after its workflow has closed. */
export type Conclusion =
  | { readonly kind: 'delivered'; readonly result: DeliveryResult }
  | { readonly kind: 'failed' | 'cancelled'; readonly reason: string }
  /** The end is unknown, so it is delivered again: a duplicate is allowed, a loss is not. */
  | { readonly kind: 'restart'; readonly redelivery: number };

/** Failures that end a delivery. */
const ENDS: ReadonlySet<string | undefined> = new Set([
  FailureType.exhausted,
  FailureType.stopped,
  FailureType.expired,
]);

/** The conclusion for an open delivery of this redelivery. */
export function conclude(closed: ClosedWorkflow, redelivery: number): Conclusion {
  // The workflow of this redelivery was never started.
  if (closed.redelivery < redelivery) return { kind: 'restart', redelivery };
  if (closed.result) return { kind: 'delivered', result: closed.result };
  if (closed.status === 'CANCELLED') return { kind: 'cancelled', reason: 'cancelled in Temporal' };
  if (closed.status === 'TERMINATED') return { kind: 'cancelled', reason: TERMINATED };
  const { type, message = '' } = closed.failure ?? {};
  const ended = ENDS.has(type);
  if (ended && closed.redelivery === redelivery) return { kind: 'failed', reason: message };
  return { kind: 'restart', redelivery: closed.redelivery + 1 };
}

export async function findLastWorkflow(client: Client, deliveryId: string): Promise<LastWorkflow> {
  const workflowId = deliveryWorkflowId(deliveryId);
  try {
    const { status, runId, closeTime, memo, raw } = await client.workflow.getHandle(workflowId).describe();
    if (status.name === 'RUNNING') return { kind: 'running', isIdle: (raw.pendingActivities ?? []).length === 0 };
    return {
      kind: 'closed',
      status: status.name,
      redelivery: (memo?.run as number | undefined) ?? 0,
      runId,
      closedAt: closeTime ?? new Date(),
      ...(await findEnd(client, workflowId, runId, status.name)),
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'unknown' };
    throw error;
  }
}

async function findEnd(
  client: Client,
  workflowId: string,
  runId: string,
  status: string,
): Promise<Pick<ClosedWorkflow, 'result' | 'failure'>> {
  if (status !== 'COMPLETED' && status !== 'FAILED') return {};
  try {
    return { result: (await client.workflow.getHandle(workflowId, runId).result()) as DeliveryResult };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const type = cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
    return { failure: { type, message: cause?.message ?? error.message } };
  }
}

/** Updates an open delivery from its closed workflow; true when it was started again instead. */
export async function applyClosedWorkflow(
  { store, starter }: { store: Store; starter: WorkflowStarter },
  deliveryStart: DeliveryStart,
  closed: ClosedWorkflow,
): Promise<boolean> {
  const { deliveryId, run } = deliveryStart;
  const conclusion = conclude(closed, run);
  switch (conclusion.kind) {
    case 'delivered': {
      const { redelivery, runId, closedAt } = closed;
      const end = { ...conclusion.result, deliveryId, run, redelivery, workflowRunId: runId, closedAt };
      countEnd(await recordDelivered(store, end), 'delivered');
      return false;
    }
    case 'restart':
      await reopenAsRun(store, { deliveryId, run, redelivery: conclusion.redelivery });
      return startDelivery(starter, { ...deliveryStart, run: conclusion.redelivery });
    default: {
      const { kind: state, reason } = conclusion;
      countEnd(await changeState(store, { deliveryId, run, state, reason, nextAttemptAt: null }), state);
      return false;
    }
  }
}
