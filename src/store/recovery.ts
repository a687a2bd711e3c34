/** What a recovery finds among the deliveries of a subscription, and making them pending again. */
import type { DeliveryState } from './deliveries.js';
import { EVENT_IS_KEPT } from './events.js';
import { longQuery, type Store } from './store.js';

/** Which finished deliveries a recovery takes. */
export interface FinishedFilter {
  readonly subscriptionId: string;
  /** Only ids from this one on, and before that one. */
  readonly fromId: string;
  readonly beforeId: string;
  readonly states: readonly DeliveryState[];
  /** Event types; empty means all. */
  readonly types: readonly string[];
  /** Only what was finished by then: what is redelivered and fails again is not taken twice. */
  readonly settledBy: Date;
}

/** How many there are of a kind. */
export interface RecoveryCount {
  readonly state: string;
  readonly type: string;
  readonly count: number;
}

/** A finished delivery and which redelivery it was. */
export interface FinishedDelivery {
  readonly id: string;
  readonly run: number;
}

const MATCHES = `subscription_id = $1 AND id >= $2 AND id < $3 AND state = ANY($4)
  AND (cardinality($5::text[]) = 0 OR event_type = ANY($5)) AND settled_at <= $6`;

const valuesOf = ({ subscriptionId, fromId, beforeId, states, types, settledBy }: FinishedFilter): unknown[] => [
  subscriptionId,
  fromId,
  beforeId,
  states,
  types,
  settledBy,
];

/** The database's time, by which it says when deliveries were finished. */
export async function databaseTime(store: Store): Promise<Date> {
  const { rows } = await store.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return rows[0]!.now;
}

export async function countFinished(store: Store, filter: FinishedFilter): Promise<RecoveryCount[]> {
  const { rows } = await store.pool.query<RecoveryCount>(
    longQuery(
      `SELECT state, event_type AS type, count(*)::int AS count FROM deliveries WHERE ${MATCHES}
       GROUP BY 1, 2 ORDER BY 1, 2`,
      valuesOf(filter),
    ),
  );
  return rows;
}

/** The next finished deliveries after an id, the oldest first. */
export async function nextFinished(
  store: Store,
  filter: FinishedFilter,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<FinishedDelivery[]> {
  const { rows } = await store.pool.query<FinishedDelivery>(
    `SELECT id, run FROM deliveries WHERE ${MATCHES} AND id > $7 ORDER BY id LIMIT $8`,
    [...valuesOf(filter), afterId, limit],
  );
  return rows;
}

/**
 * Makes finished deliveries pending again that are still in one of these states and were not redelivered meanwhile.
 * Gives back the ids of all that have been redelivered since they were found, whoever did it: asking again after a
 * crash gives the same answer and reopens nothing twice.
 */
export async function reopenFinished(
  store: Store,
  found: readonly FinishedDelivery[],
  states: readonly DeliveryState[],
): Promise<string[]> {
  const values = [found.map(({ id }) => id), found.map(({ run }) => run)];
  await store.pool.query(
    `UPDATE deliveries d
     SET state = 'pending', run = d.run + 1, owned = false, recorded_by = NULL, first_attempt_at = NULL,
       schedule_position = NULL, next_attempt_at = NULL, state_reason = NULL, settled_at = NULL, burst = false, carrier = NULL,
       updated_at = now()
     FROM unnest($1::text[], $2::int[]) AS found (id, run)
     WHERE d.id = ANY($1) AND d.id = found.id AND d.run = found.run AND d.state = ANY($3)
       AND d.state IN ('delivered', 'failed', 'cancelled') AND ${EVENT_IS_KEPT}`,
    [...values, states],
  );
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT d.id FROM unnest($1::text[], $2::int[]) AS found (id, run)
     JOIN deliveries d ON d.id = ANY($1) AND d.id = found.id AND d.run > found.run`,
    values,
  );
  return rows.map(({ id }) => id);
}
