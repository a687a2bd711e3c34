/** Deliveries: reading them, and the changes of state that are not the outcome of an attempt. */
import { lowestIdAt } from '../../contract/ids.js';
import { EVENT_IS_KEPT } from '../events/events.js';
import { recordExhausted } from '../events/operational-events.js';
import { deliveriesFrom } from '../ranges.js';
import { onlyRow, type Store } from '../store.js';

export const deliveryStates = ['pending', 'retrying', 'paused', 'delivered', 'failed', 'cancelled'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** States in which a workflow still works on a delivery. */
export const openStates: readonly DeliveryState[] = ['pending', 'retrying', 'paused'];

export interface StoredDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly accountId: string;
  readonly subscriptionId: string;
  readonly provider: string;
  readonly eventType: string;
  readonly state: DeliveryState;
  /** Counts redeliveries: 0 is the delivery itself. */
  readonly run: number;
  /** Attempts recorded so far, over all runs. */
  readonly attempts: number;
  /** Which wait of the schedule follows the last attempt of this run; null before the first. */
  readonly schedulePosition: number | null;
  readonly nextAttemptAt: Date | null;
  readonly lastStatus: number | null;
  readonly lastReason: string | null;
  /** Why it is paused, failed or cancelled, in words. */
  readonly stateReason: string | null;
  /** The workflow id of the batch in which it was accepted; null where its own workflow knows how it ended. */
  readonly batchWorkflowId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly settledAt: Date | null;
}

/** The columns from which `toDelivery` reads a delivery. */
export interface DeliveryRow {
  id: string;
  event_id: string;
  account_id: string;
  subscription_id: string;
  provider: string;
  event_type: string;
  state: DeliveryState;
  run: number;
  attempts: number;
  schedule_position: number | null;
  next_attempt_at: Date | null;
  last_status: number | null;
  last_reason: string | null;
  state_reason: string | null;
  batch_workflow_id: string | null;
  created_at: Date;
  updated_at: Date;
  settled_at: Date | null;
}

export const toDelivery = (row: DeliveryRow): StoredDelivery => ({
  id: row.id,
  eventId: row.event_id,
  accountId: row.account_id,
  subscriptionId: row.subscription_id,
  provider: row.provider,
  eventType: row.event_type,
  state: row.state,
  run: row.run,
  attempts: row.attempts,
  schedulePosition: row.schedule_position,
  nextAttemptAt: row.next_attempt_at,
  lastStatus: row.last_status,
  lastReason: row.last_reason,
  stateReason: row.state_reason,
  batchWorkflowId: row.batch_workflow_id,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  settledAt: row.settled_at,
});

export async function findDelivery(store: Store, id: string): Promise<StoredDelivery | undefined> {
  const row = onlyRow(await store.pool.query<DeliveryRow>('SELECT * FROM deliveries WHERE id = $1', [id]));
  return row && toDelivery(row);
}

/** What deliveries to list; ids bound a time range because they sort by it. */
export interface DeliveryFilter {
  readonly accountId?: string;
  readonly subscriptionId?: string;
  readonly provider?: string;
  readonly eventId?: string;
  readonly eventType?: string;
  readonly state?: DeliveryState;
  readonly states?: readonly DeliveryState[];
  /** Only ids from this one on. */
  readonly fromId?: string;
  /** Only ids before this one. */
  readonly beforeId?: string;
  readonly limit: number;
}

/** Deliveries from the newest on. */
export async function listDeliveries(store: Store, filter: DeliveryFilter): Promise<StoredDelivery[]> {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const where = (condition: string, value: unknown): void => {
    if (value !== undefined) conditions.push(condition.replace('?', `$${values.push(value)}`));
  };
  where('account_id = ?', filter.accountId);
  where('subscription_id = ?', filter.subscriptionId);
  where('provider = ?', filter.provider);
  where('event_id = ?', filter.eventId);
  where('id >= ?', filter.eventId && deliveriesFrom(filter.eventId));
  where('event_type = ?', filter.eventType);
  where('state = ?', filter.state);
  where('state = ANY(?)', filter.states);
  where('id >= ?', filter.fromId);
  where('id < ?', filter.beforeId);
  const { rows } = await store.pool.query<DeliveryRow>(
    `SELECT * FROM deliveries ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
     ORDER BY id DESC LIMIT $${values.push(filter.limit)}`,
    values,
  );
  return rows.map(toDelivery);
}

/**
 * Whether the newest finished deliveries of an event type to a subscription, as many as `deliveries`, all failed.
 * Counted are those accepted since a time and since the subscription was last changed.
 */
export async function keepsFailing(
  store: Store,
  { subscriptionId, eventType, deliveries, since }: StreakQuestion,
): Promise<boolean> {
  const { rows } = await store.pool.query<{ failing: boolean }>(
    `SELECT count(*) = $4 AND bool_and(state = 'failed') AS failing FROM (
       SELECT state FROM deliveries
       WHERE subscription_id = $1 AND event_type = $2 AND id >= $3 AND state IN ('delivered', 'failed')
         AND created_at >= (SELECT updated_at FROM subscriptions WHERE id = $1)
       ORDER BY id DESC LIMIT $4
     ) newest`,
    [subscriptionId, eventType, lowestIdAt('dlv', since), deliveries],
  );
  return rows[0]!.failing;
}

/** What `keepsFailing` is asked. */
export interface StreakQuestion {
  readonly subscriptionId: string;
  readonly eventType: string;
  readonly deliveries: number;
  readonly since: Date;
}

/** A change of state of one run; later runs are left alone. */
export interface StateChange {
  readonly deliveryId: string;
  readonly run: number;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly nextAttemptAt: Date | null;
}

/**
 * Records a change of state that is not the outcome of an attempt. What was delivered stays delivered. Gives back the
 * delivery's provider when it is in another state than before.
 */
export async function changeState(store: Store, change: StateChange): Promise<string | undefined> {
  const { rows } = await store.pool.query<{ provider: string }>(
    `WITH former AS MATERIALIZED (
       SELECT id, state FROM deliveries WHERE id = $1
     ), changed AS (
       UPDATE deliveries SET state = $3, state_reason = $4, next_attempt_at = $5, owned = true, updated_at = now(),
         settled_at = CASE WHEN $3 IN ('failed', 'cancelled') THEN now() END
       WHERE id = $1 AND run = $2 AND state <> 'delivered'
       RETURNING *
     ), told AS (${recordExhausted('changed', 'former')})
     SELECT changed.provider FROM changed JOIN former ON former.id = changed.id AND former.state <> changed.state`,
    [change.deliveryId, change.run, change.state, change.reason, change.nextAttemptAt],
  );
  return rows[0]?.provider;
}

/**
 * Makes a finished delivery pending again, as a new run without an owner; undefined when it is not finished, or when its
 * event is no longer kept.
 */
export async function reopenDelivery(store: Store, id: string): Promise<StoredDelivery | undefined> {
  const result = await store.pool.query<DeliveryRow>(
    `UPDATE deliveries d SET state = 'pending', run = run + 1, owned = false, recorded_by = NULL, first_attempt_at = NULL,
       schedule_position = NULL, next_attempt_at = NULL, state_reason = NULL, settled_at = NULL, batch = false, batch_workflow_id = NULL,
       updated_at = now()
     WHERE id = $1 AND state IN ('delivered', 'failed', 'cancelled') AND ${EVENT_IS_KEPT} RETURNING *`,
    [id],
  );
  const row = onlyRow(result);
  return row && toDelivery(row);
}

/** Notes that these deliveries have a workflow, so that the sweep need not look at them again. */
export async function markOwned(store: Store, ids: readonly string[]): Promise<void> {
  await store.pool.query('UPDATE deliveries SET owned = true WHERE id = ANY($1) AND NOT owned', [ids]);
}

/** Where a delivery stands, as its workflow needs to know it; times in Unix milliseconds. */
export interface DeliveryProgress {
  /** Whether the workflow run that asks has already recorded its end. */
  readonly settledHere: boolean;
  /** Whether this run of the delivery has made an attempt. */
  readonly attempted: boolean;
  /** Attempts of all runs that are recorded. */
  readonly attempts: number;
  readonly schedulePosition: number | null;
  readonly nextAttemptAt: number | null;
}

/** Where a delivery stands; `workflowRunId` is the workflow run that asks. */
export async function findProgress(store: Store, id: string, workflowRunId: string): Promise<DeliveryProgress> {
  const row = onlyRow(
    await store.pool.query<{
      state: DeliveryState;
      recorded_by: string | null;
      first_attempt_at: Date | null;
      attempts: number;
      schedule_position: number | null;
      next_attempt_at: Date | null;
    }>(
      `SELECT state, recorded_by, first_attempt_at, attempts, schedule_position, next_attempt_at FROM deliveries WHERE id = $1`,
      [id],
    ),
  );
  if (!row) throw new Error(`there is no delivery ${id}`);
  return {
    settledHere: row.recorded_by === workflowRunId && (row.state === 'delivered' || row.state === 'failed'),
    attempted: row.first_attempt_at !== null,
    attempts: row.attempts,
    schedulePosition: row.schedule_position,
    nextAttemptAt: row.next_attempt_at?.getTime() ?? null,
  };
}
