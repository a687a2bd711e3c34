/** Starts, finds and cancels recoveries. They exist in Temporal only; the database has no rows of them. */
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import { idSuffix, isId, newId } from '../../contract/ids.js';
import type { recovery } from '../../workflows/recovery.js';
import type { RecoveryInput, RecoveryMemo } from '../../workflows/recovery-types.js';
import { searchAttributes, TASK_QUEUE } from '../../workflows/names.js';
import type { Receiver } from './find-recoverable.js';

/** How long Temporal may take to respond, in milliseconds. */
const DEADLINE_MS = 5_000;

export interface FoundRecovery extends RecoveryMemo {
  readonly state: 'running' | 'completed' | 'cancelled' | 'failed' | 'terminated';
  readonly workflowId: string;
  readonly runId: string;
  readonly startedAt: Date;
  readonly closedAt: Date | null;
}

/** The workflow id of a subscription's recovery. As it is the same for all, only one can run at a time. */
export function recoveryWorkflowId(subscriptionId: string): string {
  return `recovery-${subscriptionId}`;
}

/** A new id. It contains the subscription's id, from which the workflow id is derived. */
export function newRecoveryId(subscriptionId: string): string {
  return `${newId('rec')}_${idSuffix(subscriptionId)}`;
}

/** The subscription of a recovery; undefined when the text is not a recovery id. */
export function subscriptionOfRecovery(recoveryId: string): string | undefined {
  const [, own, subscription] = /^(rec_[0-9a-z]{26})_([0-9a-z]{26})$/.exec(recoveryId) ?? [];
  const id = `sub_${subscription}`;
  return own !== undefined && isId('rec', own) && isId('sub', id) ? id : undefined;
}

/** Starts a recovery; false when one of the subscription is running. */
export async function startRecovery(client: Client, receiver: Receiver, input: RecoveryInput): Promise<boolean> {
  const { account, subscription } = receiver;
  const { recoveryId, scope, ratePerSecond } = input;
  const memo: RecoveryMemo = {
    recovery: { recoveryId, scope, ratePerSecond },
    progress: { total: null, recovered: 0, skipped: 0 },
  };
  const [from, to] = [scope.from, scope.to].map((time) => new Date(time).toISOString());
  try {
    await client.withDeadline(Date.now() + DEADLINE_MS, () =>
      client.workflow.start<typeof recovery>('recovery', {
        args: [input],
        taskQueue: TASK_QUEUE,
        workflowId: recoveryWorkflowId(subscription.id),
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        memo: { ...memo },
        staticSummary: `${scope.states.join(', ')} → ${new URL(subscription.url).host}`.slice(0, 200),
        staticDetails: `Recovery \`${recoveryId}\` of subscription ${subscription.id}, from ${from} to ${to}`,
        typedSearchAttributes: [
          { key: searchAttributes.provider, value: account.provider },
          { key: searchAttributes.account, value: account.id },
          { key: searchAttributes.subscription, value: subscription.id },
        ],
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** The subscription's last recovery; undefined when Temporal has none. */
export async function lastRecovery(client: Client, subscriptionId: string): Promise<FoundRecovery | undefined> {
  try {
    const handle = client.workflow.getHandle(recoveryWorkflowId(subscriptionId));
    return toFound(await client.withDeadline(Date.now() + DEADLINE_MS, () => handle.describe()));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** A recovery by id. Former ones are searched in Temporal's list, which is updated with a delay. */
export async function findRecovery(client: Client, recoveryId: string): Promise<FoundRecovery | undefined> {
  const subscriptionId = subscriptionOfRecovery(recoveryId);
  if (subscriptionId === undefined) return undefined;
  const last = await lastRecovery(client, subscriptionId);
  if (!last || last.recovery.recoveryId === recoveryId) return last;
  const former = await listRecoveries(client, subscriptionId, Infinity);
  return former.find(({ recovery }) => recovery.recoveryId === recoveryId);
}

/** The recoveries of a subscription within Temporal's retention, the newest first. */
export async function listRecoveries(client: Client, subscriptionId: string, limit: number): Promise<FoundRecovery[]> {
  const query =
    `WorkflowType = 'recovery' AND ${searchAttributes.subscription.name} = '${subscriptionId}' ` +
    `AND ExecutionStatus != 'ContinuedAsNew'`;
  return client.withDeadline(Date.now() + DEADLINE_MS, async () => {
    const found: FoundRecovery[] = [];
    for await (const execution of client.workflow.list({ query })) {
      if (found.length >= limit) break;
      found.push(toFound(execution));
    }
    return found;
  });
}

/** Requests Temporal to cancel a running recovery; false when it has already ended. */
export async function cancelRecovery(client: Client, { recovery, workflowId }: FoundRecovery): Promise<boolean> {
  const last = await lastRecovery(client, recovery.scope.subscriptionId);
  if (last?.state !== 'running' || last.recovery.recoveryId !== recovery.recoveryId) return false;
  try {
    await client.withDeadline(Date.now() + DEADLINE_MS, () => client.workflow.getHandle(workflowId).cancel());
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function toFound(execution: Omit<WorkflowExecutionInfo, 'raw'>): FoundRecovery {
  const { memo, status, workflowId, runId, startTime, closeTime } = execution;
  return {
    ...(memo as unknown as RecoveryMemo),
    state: stateOf(status.name),
    workflowId,
    runId,
    startedAt: startTime,
    closedAt: closeTime ?? null,
  };
}

function stateOf(status: WorkflowExecutionInfo['status']['name']): FoundRecovery['state'] {
  switch (status) {
    case 'COMPLETED':
      return 'completed';
    case 'CANCELLED':
      return 'cancelled';
    case 'FAILED':
    case 'TIMED_OUT':
      return 'failed';
    case 'TERMINATED':
      return 'terminated';
    default:
      return 'running';
  }
}
