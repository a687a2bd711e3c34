/** From Temporal to the database: the deliveries of running workflows. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { inChunks } from '../../lib/in-chunks.js';
import { openStates } from '../../store/deliveries/deliveries.js';
import { statesOf, type StateAge } from '../../store/deliveries/reconciliation.js';
import { deliveryIdOf, deliveryWorkflowId, TASK_QUEUE } from '../../workflows/names.js';
import { CONCURRENCY, DEADLINE_MS, mend, SETTLED_AFTER_S, type Finding, type ReconciliationContext } from './types.js';

/** Of this installation only: the task queue is that of its workers. */
const QUERY = `WorkflowType = 'delivery' AND ExecutionStatus = 'Running' AND TaskQueue = '${TASK_QUEUE}'`;

/** Reasons of terminations, as Temporal shows them. */
export const UNKNOWN_REASON = 'reconciliation: the database does not know this delivery';
export const SETTLED_REASON = 'reconciliation: this delivery has ended in the database';

/** Findings of a part, and Temporal's token of the next page; absent after the last one. */
interface RunningPart {
  readonly findings: readonly Finding[];
  readonly compared: number;
  readonly next?: Uint8Array;
}

/** Compares the next running workflows with the database, at most `limit`. Only mismatches are among its findings. */
export async function reconcileRunning(
  context: ReconciliationContext,
  token: Uint8Array | undefined,
  limit: number,
): Promise<RunningPart> {
  const { store, client } = context;
  const { executions, nextPageToken } = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflowService.listWorkflowExecutions({
      namespace: client.options.namespace,
      query: QUERY,
      pageSize: limit,
      nextPageToken: token ?? new Uint8Array(),
    }),
  );
  const ids = executions.flatMap(({ execution }) => deliveryIdOf(execution?.workflowId ?? '') ?? []);
  const states = await statesOf(store, ids);
  const suspects = ids.flatMap((deliveryId) => {
    const kind = mismatchOf(states.get(deliveryId));
    return kind ? [{ deliveryId, kind }] : [];
  });
  const findings = await inChunks(suspects, CONCURRENCY, ({ deliveryId, kind }) =>
    conclusionOf(context, deliveryId, kind),
  );
  return {
    compared: ids.length,
    findings: findings.filter((finding) => finding !== undefined),
    ...(nextPageToken && nextPageToken.length > 0 ? { next: nextPageToken } : {}),
  };
}

/** A row is finished shortly before its workflow closes. */
function mismatchOf(row: StateAge | undefined): 'unknown' | 'settled' | undefined {
  if (!row) return 'unknown';
  return !openStates.includes(row.state) && row.ageS > SETTLED_AFTER_S ? 'settled' : undefined;
}

/** Terminates the workflow. Undefined when it has closed: lists of Temporal are some seconds old. */
async function conclusionOf(
  context: ReconciliationContext,
  deliveryId: string,
  kind: 'unknown' | 'settled',
): Promise<Finding | undefined> {
  const { client, store } = context;
  const runId = await runningRunOf(client, deliveryId);
  if (runId === undefined) return undefined;
  // It may have been redelivered since it was read; what runs is then the workflow of an open delivery.
  const current = mismatchOf((await statesOf(store, [deliveryId])).get(deliveryId));
  if (current !== kind) return undefined;
  const reason = kind === 'unknown' ? UNKNOWN_REASON : SETTLED_REASON;
  return mend(context, kind, deliveryId, async () => {
    try {
      await client.workflow.getHandle(deliveryWorkflowId(deliveryId), runId).terminate(reason);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  });
}

async function runningRunOf(client: Client, deliveryId: string): Promise<string | undefined> {
  try {
    const { status, runId } = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflow.getHandle(deliveryWorkflowId(deliveryId)).describe(),
    );
    return status.name === 'RUNNING' ? runId : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
