/** Open deliveries whose workflow has closed without their rows knowing how, as after a restore of an older copy. */
import { openStates } from './deliveries.js';
import type { Store } from '../store.js';

/** What the result of a workflow says of its delivery. */
export interface WorkflowEnd {
  readonly deliveryId: string;
  /** The redelivery that the row is of. */
  readonly run: number;
  /** The redelivery that the workflow was of. */
  readonly redelivery: number;
  readonly workflowRunId: string;
  readonly closedAt: Date;
  /** Number of the accepted attempt. */
  readonly attempts: number;
  readonly status: number | null;
}

/**
 * Records that an open delivery was accepted, with an attempt of which only number, status and time are known. Gives back
 * the delivery's provider when it was open.
 */
export async function recordDelivered(store: Store, end: WorkflowEnd): Promise<string | undefined> {
  const { deliveryId, run, redelivery, workflowRunId, closedAt, attempts, status } = end;
  const { rows } = await store.pool.query<{ provider: string }>(
    `WITH changed AS (
       UPDATE deliveries
       SET state = 'delivered', state_reason = NULL, run = greatest(run, $3), attempts = greatest(attempts, $6),
         recorded_by = $4, first_attempt_at = coalesce(first_attempt_at, $5), next_attempt_at = NULL,
         last_status = $7, last_reason = NULL, owned = true, settled_at = $5, updated_at = now()
       WHERE id = $1 AND run = $2 AND state = ANY($8)
       RETURNING id, run, provider
     ), accepted AS (
       INSERT INTO attempts (delivery_id, number, run, started_at, outcome, status, message)
       SELECT id, $6, run, $5, 'accepted', $7, 'known by the result of its workflow only' FROM changed
       ON CONFLICT DO NOTHING
     ), claimed AS (
       DELETE FROM claims WHERE delivery_id = $1
     )
     SELECT provider FROM changed`,
    [deliveryId, run, redelivery, workflowRunId, closedAt, attempts, status, openStates],
  );
  return rows[0]?.provider;
}

/** Makes an open delivery one of another redelivery, without an owner; its place in the schedule is kept. */
export async function reopenOpen(
  store: Store,
  { deliveryId, run, redelivery }: { deliveryId: string; run: number; redelivery: number },
): Promise<void> {
  await store.pool.query(
    `UPDATE deliveries
     SET state = 'pending', state_reason = NULL, run = $3, owned = false, batch = false, recorded_by = NULL, updated_at = now()
     WHERE id = $1 AND run = $2 AND state = ANY($4)`,
    [deliveryId, run, redelivery, openStates],
  );
}
