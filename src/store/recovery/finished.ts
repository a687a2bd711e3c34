/** The existing deliveries that a recovery covers, and making finished ones pending again. */
import { isOnceOfBatch } from '../batches.js';
import type { DeliveryState } from '../deliveries/deliveries.js';
import { NOT_EXPIRED, RESET_FOR_NEW_RUN } from '../deliveries/state-changes.js';
import { EVENT_EXISTS } from '../events/stored-events.js';
import { longQuery, type Store } from '../store.js';

/** Which deliveries a recovery covers. */
export interface RecoveryFilter {
  readonly subscriptionId: string;
  /** Only ids from this one on and before `beforeId`. */
  readonly fromId: string;
  readonly beforeId: string;
  /** Event types; empty means all. */
  readonly types: readonly string[];
  /** Only deliveries of events that have it; of any when absent. */
  readonly channel?: string;
  readonly tag?: string;
  /** Only deliveries that were not changed after this time, so that what is sent again and fails again is not recovered twice. */
  readonly asOf: Date;
}

/** Which finished deliveries it covers. */
export interface FinishedFilter extends RecoveryFilter {
  readonly states: readonly DeliveryState[];
}

/** Number of deliveries by state and event type. */
export interface RecoveryCount {
  readonly state: string;
  readonly type: string;
  readonly count: number;
}

/** A finished delivery and the number of its last redelivery. */
export interface FinishedDelivery {
  readonly id: string;
  readonly run: number;
}

/** A delivery that waits for its next attempt, and its number of attempts. */
export interface WaitingDelivery extends FinishedDelivery {
  readonly attempts: number;
}

const IN_SCOPE = `subscription_id = $1 AND id >= $2 AND id < $3 AND ${isOnceOfBatch('$4::text[]')}
  AND (cardinality($4::text[]) = 0 OR event_type = ANY($4))
  AND (($6::text IS NULL AND $7::text IS NULL) OR EXISTS (
    SELECT FROM events e WHERE e.id = event_id
      AND ($6::text IS NULL OR $6 = ANY(e.channels)) AND ($7::text IS NULL OR $7 = ANY(e.tags))))`;
/** Without those that a newer event superseded. */
const IS_FINISHED = `${IN_SCOPE} AND settled_at <= $5 AND state = ANY($8)
  AND NOT (state = 'cancelled' AND supersede_key IS NOT NULL AND state_reason LIKE 'superseded by %')`;
const IS_WAITING = `${IN_SCOPE} AND updated_at <= $5 AND state = 'retrying'`;

const valuesOf = ({ subscriptionId, fromId, beforeId, types, asOf, channel, tag }: RecoveryFilter): unknown[] => [
  subscriptionId,
  fromId,
  beforeId,
  types,
  asOf,
  channel ?? null,
  tag ?? null,
];

/** The time by the database's clock, which also sets when deliveries finish. */
export async function databaseTime(store: Store): Promise<Date> {
  const { rows } = await store.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]!.now;
}

export function countFinished(store: Store, filter: FinishedFilter): Promise<RecoveryCount[]> {
  return countByType(store, IS_FINISHED, [...valuesOf(filter), filter.states]);
}

export function countWaiting(store: Store, filter: RecoveryFilter): Promise<RecoveryCount[]> {
  return countByType(store, IS_WAITING, valuesOf(filter));
}

async function countByType(store: Store, condition: string, values: unknown[]): Promise<RecoveryCount[]> {
  const { rows } = await store.pool.query<RecoveryCount>(
    longQuery(
      `SELECT state, event_type AS type, count(*)::int AS count FROM deliveries WHERE ${condition}
       GROUP BY 1, 2 ORDER BY 1, 2`,
      values,
    ),
  );
  return rows;
}

interface Page {
  readonly afterId: string;
  readonly limit: number;
}

/** The next finished deliveries after an id, the oldest first. */
export async function nextFinished(
  store: Store,
  filter: FinishedFilter,
  { afterId, limit }: Page,
): Promise<FinishedDelivery[]> {
  const { rows } = await store.pool.query<FinishedDelivery>(
    `SELECT id, run FROM deliveries WHERE ${IS_FINISHED} AND id > $9 ORDER BY id LIMIT $10`,
    [...valuesOf(filter), filter.states, afterId, limit],
  );
  return rows;
}

/** The next waiting deliveries after an id, the oldest first. */
export async function nextWaiting(
  store: Store,
  filter: RecoveryFilter,
  { afterId, limit }: Page,
): Promise<WaitingDelivery[]> {
  const { rows } = await store.pool.query<WaitingDelivery>(
    `SELECT id, run, attempts FROM deliveries WHERE ${IS_WAITING} AND id > $8 ORDER BY id LIMIT $9`,
    [...valuesOf(filter), afterId, limit],
  );
  return rows;
}

/**
 * Of deliveries that waited when they were found: those that still wait, and the number of those that were attempted since
 * and need no retry any more.
 */
export async function stillWaiting(
  store: Store,
  found: readonly WaitingDelivery[],
): Promise<{ waiting: WaitingDelivery[]; attempted: number }> {
  const { rows } = await store.pool.query<WaitingDelivery & { attempted: boolean }>(
    `SELECT d.id, d.run, d.attempts, d.attempts > found.attempts AS attempted
     FROM unnest($1::text[], $2::int[], $3::int[]) AS found (id, run, attempts)
     JOIN deliveries d ON d.id = ANY($1) AND d.id = found.id
     WHERE d.attempts > found.attempts OR (d.state = 'retrying' AND d.run = found.run)`,
    [found.map(({ id }) => id), found.map(({ run }) => run), found.map(({ attempts }) => attempts)],
  );
  const waiting = rows.filter(({ attempted }) => !attempted);
  return { waiting, attempted: rows.length - waiting.length };
}

/**
 * Makes finished deliveries pending again that are still in one of these states and were not redelivered since they were
 * found. Returns the ids of all that were redelivered since, also by others. Idempotent: repeating it after a crash
 * returns the same ids and reopens nothing twice.
 */
export async function reopenFinished(
  store: Store,
  found: readonly FinishedDelivery[],
  states: readonly DeliveryState[],
): Promise<string[]> {
  const values = [found.map(({ id }) => id), found.map(({ run }) => run)];
  await store.pool.query(
    `UPDATE deliveries d
     SET ${RESET_FOR_NEW_RUN}
     FROM unnest($1::text[], $2::int[]) AS found (id, run)
     WHERE d.id = ANY($1) AND d.id = found.id AND d.run = found.run AND d.state = ANY($3)
       AND d.state IN ('delivered', 'failed', 'cancelled') AND ${EVENT_EXISTS} AND ${NOT_EXPIRED}`,
    [...values, states],
  );
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT d.id FROM unnest($1::text[], $2::int[]) AS found (id, run)
     JOIN deliveries d ON d.id = ANY($1) AND d.id = found.id AND d.run > found.run`,
    values,
  );
  return rows.map(({ id }) => id);
}
