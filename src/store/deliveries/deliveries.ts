/** Deliveries: reading them. */
import { isId, lowestIdAt } from '../../contract/ids.js';
import { priorityOf, type Priority } from '../../contract/timing.js';
import { conditions } from '../conditions.js';
import { deliveriesFrom } from '../ranges.js';
import { onlyRow, type Store } from '../store.js';
import { BREAKER_CLAIM } from './breaker-waiting.js';
import { BATCHING_CLAIM } from '../batches.js';
import { ORDERING_CLAIM } from './ordering.js';

export const deliveryStates = ['pending', 'retrying', 'paused', 'delivered', 'failed', 'cancelled'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** States of deliveries that have not ended. */
export const openStates: readonly DeliveryState[] = ['pending', 'retrying', 'paused'];

export interface StoredDelivery {
  readonly id: string;
  readonly eventId: string;
  readonly accountId: string;
  readonly subscriptionId: string;
  readonly provider: string;
  readonly eventType: string;
  readonly state: DeliveryState;
  /** Number of the last redelivery; 0 for the first delivery. */
  readonly run: number;
  /** Recorded attempts of all runs. */
  readonly attempts: number;
  /** Which wait of the schedule follows the last attempt of this run; null before the first. */
  readonly schedulePosition: number | null;
  readonly nextAttemptAt: Date | null;
  readonly lastStatus: number | null;
  readonly lastReason: string | null;
  /** Why it is paused, failed or cancelled, as text. */
  readonly stateReason: string | null;
  /** Whether it has no workflow: a sender is to make its next attempt, or has made one that was accepted. */
  readonly isDirect: boolean;
  /** No attempt is made before this time; null for none. */
  readonly deliverAt: Date | null;
  /** No attempt is made from this time on; null for never. */
  readonly expiresAt: Date | null;
  /** A newer event with this key cancels it while it waits; null for none. */
  readonly supersedeKey: string | null;
  readonly priority: Priority;
  readonly orderingKey: string | null;
  /** Whether it waits until an earlier delivery of its ordering key has ended. */
  readonly isBlocked: boolean;
  /** The batch that it is a member of; null when it is sent alone, or waits for a batch. */
  readonly batchId: string | null;
  /** How many events it sends; null unless it is a batch. */
  readonly batchEvents: number | null;
  /** Whether it waits until a batch is made. */
  readonly isCollected: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly settledAt: Date | null;
}

/** The columns that `toDelivery` reads. */
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
  direct: boolean;
  owned: boolean;
  sender_id: string | null;
  deliver_at: Date | null;
  expires_at: Date | null;
  supersede_key: string | null;
  priority: number;
  ordering_key: string | null;
  batch_id: string | null;
  batch_events: number | null;
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
  deliverAt: row.deliver_at,
  expiresAt: row.expires_at,
  supersedeKey: row.supersede_key,
  priority: priorityOf(row.priority),
  isDirect: row.direct && isWithoutWorkflow(row),
  orderingKey: row.ordering_key,
  isBlocked: row.sender_id === ORDERING_CLAIM && row.state === 'pending' && !row.owned,
  batchId: row.batch_id,
  batchEvents: row.batch_events,
  isCollected: row.sender_id === BATCHING_CLAIM && row.state === 'pending' && row.batch_id === null,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  settledAt: row.settled_at,
});

function isWithoutWorkflow({ state, owned, sender_id }: DeliveryRow): boolean {
  if (sender_id === BATCHING_CLAIM) return true;
  if (state === 'delivered') return sender_id !== null;
  if (state === 'pending') return !owned;
  if (state === 'paused') return sender_id === BREAKER_CLAIM;
  return state === 'cancelled' && (sender_id === ORDERING_CLAIM || sender_id === BREAKER_CLAIM);
}

export async function findDelivery(store: Store, id: string): Promise<StoredDelivery | undefined> {
  const row = onlyRow(await store.pool.query<DeliveryRow>('SELECT * FROM deliveries WHERE id = $1', [id]));
  return row && toDelivery(row);
}

/** Which deliveries to list. A range of ids is a range of creation times, as ids sort by time. */
export interface DeliveryFilter {
  readonly accountId?: string;
  readonly subscriptionId?: string;
  readonly provider?: string;
  readonly eventId?: string;
  /** Of any of these events. */
  readonly eventIds?: readonly string[];
  readonly eventType?: string;
  readonly orderingKey?: string;
  readonly batchId?: string;
  readonly state?: DeliveryState;
  readonly states?: readonly DeliveryState[];
  /** Only ids from this one on. */
  readonly fromId?: string;
  /** Only ids before this one. */
  readonly beforeId?: string;
  readonly limit: number;
}

/** Deliveries of a state that are sorted by their ids at most. */
const MAX_SORTED = 50_000;

/** Deliveries, the newest first. Those of a state are sorted if there are at most `maxSorted`. */
export async function listDeliveries(
  store: Store,
  filter: DeliveryFilter,
  maxSorted = MAX_SORTED,
): Promise<StoredDelivery[]> {
  return (await listRareState(store, filter, maxSorted)) ?? (await listInSequence(store, filter));
}

/**
 * Deliveries of a state that at most `maxSorted` deliveries have, in a range of ids; undefined for other filters and states. They
 * are found by an index of the state: read in the sequence of their ids, each partition would be read to its first one, and
 * those without one completely.
 */
async function listRareState(
  store: Store,
  { state, fromId, beforeId, limit, ...others }: DeliveryFilter,
  maxSorted: number,
): Promise<StoredDelivery[] | undefined> {
  const isAll =
    state !== undefined && state !== 'delivered' && Object.values(others).every((value) => value === undefined);
  if (!isAll) return undefined;
  const { where, values, sql } = conditions();
  where('state = ?', state);
  where('id >= ?', fromId);
  where('id < ?', beforeId);
  const { rows } = await store.pool.query<DeliveryRow & { id: string | null; isRare: boolean }>(
    `WITH found AS MATERIALIZED (SELECT id FROM deliveries WHERE ${sql()} LIMIT $${values.push(maxSorted + 1)}),
       counted AS (SELECT count(*) <= $${values.push(maxSorted)} AS "isRare" FROM found),
       newest AS (SELECT id FROM found WHERE (SELECT "isRare" FROM counted) ORDER BY id DESC LIMIT $${values.push(limit)})
     SELECT d.*, c."isRare" FROM counted c LEFT JOIN (newest JOIN deliveries d USING (id)) ON true ORDER BY d.id DESC`,
    values,
  );
  return rows[0]!.isRare ? rows.filter(({ id }) => id !== null).map(toDelivery) : undefined;
}

/** Reads deliveries in the sequence of their ids. */
async function listInSequence(store: Store, filter: DeliveryFilter): Promise<StoredDelivery[]> {
  const { where, values, sql } = conditions();
  where('account_id = ?', filter.accountId);
  where('subscription_id = ?', filter.subscriptionId);
  where('provider = ?', filter.provider);
  where('event_id = ?', filter.eventId);
  where('id >= ?', filter.eventId && deliveriesFrom(filter.eventId));
  where('event_id = ANY(?)', filter.eventIds);
  where('id >= ?', filter.eventIds && deliveriesFrom([...filter.eventIds].sort()[0] ?? ''));
  where('event_type = ?', filter.eventType);
  where('ordering_key = ?', filter.orderingKey);
  where('batch_id = ?', filter.batchId);
  where('state = ?', filter.state);
  where('state = ANY(?)', filter.states);
  where('id >= ?', filter.fromId);
  where('id < ?', filter.beforeId);
  const { rows } = await store.pool.query<DeliveryRow>(
    `SELECT * FROM deliveries WHERE ${sql()} ORDER BY id DESC LIMIT $${values.push(filter.limit)}`,
    values,
  );
  return rows.map(toDelivery);
}

/**
 * Whether the newest `deliveries` finished deliveries of an event type to a subscription all failed. Only those count that
 * were created since a time and since the last change of the subscription.
 */
export async function newestAllFailed(
  store: Store,
  { subscriptionId, eventType, deliveries, since }: NewestFilter,
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

/** The deliveries that `newestAllFailed` checks. */
export interface NewestFilter {
  readonly subscriptionId: string;
  readonly eventType: string;
  readonly deliveries: number;
  readonly since: Date;
}

/** The progress of a delivery for its workflow; times in Unix milliseconds. */
export interface DeliveryProgress {
  /** Whether the workflow run that asks has recorded the end of the delivery. */
  readonly endRecorded: boolean;
  /** Whether this run of the delivery has made an attempt. */
  readonly attempted: boolean;
  /** Recorded attempts of all runs. */
  readonly attempts: number;
  readonly schedulePosition: number | null;
  readonly nextAttemptAt: number | null;
}

/**
 * Whether what is recorded of a delivery's current run comes from a run of its workflow, or from a sender that made the first
 * attempt beside it, which a restore of the database makes possible. Another run of the workflow, as after a reset in
 * Temporal, sends again what a former one has ended.
 */
export function isRecordedFor(workflowRunId: string, recordedBy: string | null): boolean {
  return recordedBy === workflowRunId || (recordedBy !== null && isId('snd', recordedBy));
}

/** Loads the progress of a delivery for the workflow run `workflowRunId`. */
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
      `SELECT state, recorded_by, first_attempt_at, attempts, schedule_position,
         -- A paused delivery has no next attempt, but keeps the time before which none is made.
         coalesce(next_attempt_at, CASE WHEN schedule_position IS NULL THEN deliver_at END) AS next_attempt_at
       FROM deliveries WHERE id = $1`,
      [id],
    ),
  );
  if (!row) throw new Error(`there is no delivery ${id}`);
  return {
    endRecorded: isRecordedFor(workflowRunId, row.recorded_by) && (row.state === 'delivered' || row.state === 'failed'),
    attempted: row.first_attempt_at !== null,
    attempts: row.attempts,
    schedulePosition: row.schedule_position,
    nextAttemptAt: row.next_attempt_at?.getTime() ?? null,
  };
}

/** Which changes to read. */
export interface ChangeFilter {
  /** By the database's clock: when the transaction of the change began. */
  readonly since: Date;
  /** Only deliveries of these accounts; of all when absent. */
  readonly accountIds?: readonly string[];
  readonly limit: number;
}

/** Deliveries that were changed since a time, as they are now, the oldest change first. */
export async function changedDeliveries(
  store: Store,
  { since, accountIds, limit }: ChangeFilter,
): Promise<StoredDelivery[]> {
  const { rows } = await store.pool.query<DeliveryRow>(
    `SELECT * FROM deliveries WHERE updated_at >= $1 ${accountIds ? 'AND account_id = ANY($3)' : ''}
     ORDER BY updated_at LIMIT $2`,
    accountIds ? [since, limit, accountIds] : [since, limit],
  );
  return rows.map(toDelivery);
}
