/** The deliveries that a bulk command applies to. */
import type { DeliveryState } from './deliveries.js';
import type { WaitingDelivery } from '../recovery/finished.js';
import { conditions, type Conditions } from '../conditions.js';
import { longQuery, type Store } from '../store.js';

/** Which deliveries. A range of ids is a range of creation times, as ids sort by time. */
export interface BulkFilter {
  readonly states: readonly DeliveryState[];
  readonly accountId?: string | undefined;
  readonly subscriptionId?: string | undefined;
  readonly provider?: string | undefined;
  readonly eventType?: string | undefined;
  readonly eventId?: string | undefined;
  readonly orderingKey?: string | undefined;
  /** Only these deliveries. */
  readonly ids?: readonly string[] | undefined;
  /** Not those that are paused for one of these reasons. */
  readonly exceptReasons?: readonly string[] | undefined;
  /** Only ids from this one on. */
  readonly fromId?: string | undefined;
  /** Only ids before this one. */
  readonly beforeId?: string | undefined;
  /** Only ids after this one. */
  readonly afterId?: string | undefined;
}

/** Matching deliveries, the oldest first. May read many rows. */
export async function findMatching(store: Store, filter: BulkFilter, limit: number): Promise<WaitingDelivery[]> {
  const { sql, values } = matching(filter);
  const { rows } = await store.pool.query<WaitingDelivery>(
    longQuery(`SELECT id, run, attempts FROM deliveries WHERE ${sql()} ORDER BY id LIMIT $${values.length + 1}`, [
      ...values,
      limit,
    ]),
  );
  return rows;
}

/** Counts matching deliveries, up to `max` when it is given. May read many rows. */
export async function countMatching(store: Store, filter: BulkFilter, max?: number): Promise<number> {
  const { sql, values } = matching(filter);
  const { rows } = await store.pool.query<{ count: number }>(
    longQuery(
      `SELECT count(*)::int AS count FROM (SELECT FROM deliveries WHERE ${sql()} LIMIT $${values.length + 1}) matching`,
      [...values, max ?? null],
    ),
  );
  return rows[0]!.count;
}

/** How many of these deliveries are cancelled for a reason. */
export async function cancelledAmong(store: Store, ids: readonly string[], reason: string): Promise<number> {
  if (ids.length === 0) return 0;
  const { rows } = await store.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM deliveries WHERE id = ANY($1) AND state = 'cancelled' AND state_reason = $2`,
    [ids, reason],
  );
  return rows[0]!.count;
}

/** Of what a batch sends, only one delivery; otherwise it would be sent twice. */
function matching(filter: BulkFilter): Conditions {
  const collected = conditions();
  const { where } = collected;
  where('state = ANY(?)', filter.states);
  where('account_id = ?', filter.accountId);
  where('subscription_id = ?', filter.subscriptionId);
  where('provider = ?', filter.provider);
  where('event_type = ?', filter.eventType);
  where('event_id = ?', filter.eventId);
  where('ordering_key = ?', filter.orderingKey);
  where('id = ANY(?)', filter.ids);
  where('state_reason <> ALL(?)', filter.exceptReasons);
  where('id >= ?', filter.fromId);
  where('id < ?', filter.beforeId);
  where('id > ?', filter.afterId);
  return { ...collected, sql: () => `${collected.sql()} AND ${onceOf(filter)}` };
}

const onceOf = ({ eventType }: BulkFilter): string =>
  eventType === undefined ? 'batch_id IS NULL' : 'batch_events IS NULL';
