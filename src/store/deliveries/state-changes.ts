/** Changes of a delivery's state that are not the outcome of an attempt. */
import { EVENT_EXISTS } from '../events/stored-events.js';
import { recordExhausted } from '../events/operational-events.js';
import { onlyRow, type Store } from '../store.js';
import { BREAKER_CLAIM } from './breaker-waiting.js';
import { openStates, toDelivery, type DeliveryRow, type DeliveryState, type StoredDelivery } from './deliveries.js';

/** A change of state of one run; it does not change later runs. */
export interface StateChange {
  readonly deliveryId: string;
  readonly run: number;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly nextAttemptAt: Date | null;
  /** The new position of the schedule, when steps of it were skipped. */
  readonly schedulePosition?: number;
}

/**
 * Records a change of state. A delivered delivery stays delivered, and a superseded one cancelled. Returns the delivery's provider when its state has
 * changed.
 */
export async function changeState(store: Store, change: StateChange): Promise<string | undefined> {
  const { rows } = await store.pool.query<{ provider: string }>(
    `WITH former AS MATERIALIZED (
       SELECT id, state FROM deliveries WHERE id = $1
     ), changed AS (
       UPDATE deliveries SET state = $3, state_reason = $4, next_attempt_at = $5, owned = true, updated_at = now(),
         schedule_position = coalesce($6, schedule_position), sender_id = nullif(sender_id, '${BREAKER_CLAIM}'),
         settled_at = CASE WHEN $3 IN ('failed', 'cancelled') THEN now() END
       WHERE id = $1 AND run = $2 AND state <> 'delivered'
         AND (state <> 'cancelled' OR supersede_key IS NULL OR $3 = 'cancelled')
       RETURNING *
     ), exhausted AS (${recordExhausted('changed', 'former')})
     SELECT changed.provider FROM changed JOIN former ON former.id = changed.id AND former.state <> changed.state`,
    [change.deliveryId, change.run, change.state, change.reason, change.nextAttemptAt, change.schedulePosition],
  );
  return rows[0]?.provider;
}

/** The columns that a redelivery resets in the row `d` of a finished delivery: a new run without an owner. */
export const RESET_FOR_NEW_RUN = `
  state = 'pending', run = d.run + 1, owned = false, recorded_by = NULL, first_attempt_at = NULL, schedule_position = NULL,
  next_attempt_at = NULL, state_reason = NULL, settled_at = NULL, direct = false, sender_id = NULL, deliver_at = NULL,
  parked = false, batch_id = NULL, updated_at = now()`;

/** SQL condition: the delivery `d` has not expired. An expired one cannot be redelivered, as nothing would be sent. */
export const NOT_EXPIRED = '(d.expires_at IS NULL OR d.expires_at > now())';

/**
 * Makes a finished delivery pending again, as a new run without an owner; undefined when it is not finished or its event
 * was deleted or has expired.
 */
export async function reopenDelivery(store: Store, id: string): Promise<StoredDelivery | undefined> {
  const result = await store.pool.query<DeliveryRow>(
    `UPDATE deliveries d SET ${RESET_FOR_NEW_RUN}
     WHERE id = $1 AND state IN ('delivered', 'failed', 'cancelled') AND ${EVENT_EXISTS} AND ${NOT_EXPIRED} RETURNING *`,
    [id],
  );
  const row = onlyRow(result);
  return row && toDelivery(row);
}

/** Records that these deliveries have a workflow, so that the sweep skips them. */
export async function markOwned(store: Store, ids: readonly string[]): Promise<void> {
  await store.pool.query('UPDATE deliveries SET owned = true WHERE id = ANY($1) AND NOT owned', [ids]);
}

/** The end of a delivery according to its workflow. */
export interface WorkflowEnd {
  readonly deliveryId: string;
  /** The redelivery of the row. */
  readonly run: number;
  /** The redelivery of the workflow. */
  readonly redelivery: number;
  readonly workflowRunId: string;
  readonly closedAt: Date;
  /** Number of the accepted attempt. */
  readonly attempts: number;
  readonly status: number | null;
}

/**
 * Records that an open delivery was accepted, with an attempt of which only number, status and time are known. Returns
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
       SELECT id, $6, run, $5, 'accepted', $7, 'known from the result of its workflow only' FROM changed
       ON CONFLICT DO NOTHING
     )
     SELECT provider FROM changed`,
    [deliveryId, run, redelivery, workflowRunId, closedAt, attempts, status, openStates],
  );
  return rows[0]?.provider;
}

/** Makes an open delivery pending as another redelivery, without an owner; it keeps its position in the schedule. */
export async function reopenAsRun(
  store: Store,
  { deliveryId, run, redelivery }: { deliveryId: string; run: number; redelivery: number },
): Promise<void> {
  await store.pool.query(
    `UPDATE deliveries
     SET state = 'pending', state_reason = NULL, run = $3, owned = false, direct = false, sender_id = NULL, recorded_by = NULL, updated_at = now()
     WHERE id = $1 AND run = $2 AND state = ANY($4)`,
    [deliveryId, run, redelivery, openStates],
  );
}
