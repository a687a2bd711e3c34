/** The deliveries that a bulk command applies to. */
import type { DeliveryState } from './deliveries.js';
import type { WaitingDelivery } from '../recovery/finished.js';
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
  const { where, values } = conditions(filter);
  const { rows } = await store.pool.query<WaitingDelivery>(
    longQuery(`SELECT id, run, attempts FROM deliveries WHERE ${where} ORDER BY id LIMIT $${values.length + 1}`, [
      ...values,
      limit,
    ]),
  );
  return rows;
}

/** Counts matching deliveries, up to `max` when it is given. May read many rows. */
export async function countMatching(store: Store, filter: BulkFilter, max?: number): Promise<number> {
  const { where, values } = conditions(filter);
  const { rows } = await store.pool.query<{ count: number }>(
    longQuery(
      `SELECT count(*)::int AS count FROM (SELECT FROM deliveries WHERE ${where} LIMIT $${values.length + 1}) matching`,
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

function conditions(filter: BulkFilter): { where: string; values: unknown[] } {
  const conditions = [
    ['state = ANY(?)', filter.states],
    ['account_id = ?', filter.accountId],
    ['subscription_id = ?', filter.subscriptionId],
    ['provider = ?', filter.provider],
    ['event_type = ?', filter.eventType],
    ['event_id = ?', filter.eventId],
    ['ordering_key = ?', filter.orderingKey],
    ['id = ANY(?)', filter.ids],
    ['state_reason <> ALL(?)', filter.exceptReasons],
    ['id >= ?', filter.fromId],
    ['id < ?', filter.beforeId],
    ['id > ?', filter.afterId],
  ] as const;
  const defined = conditions.filter(([, value]) => value !== undefined);
  // Otherwise what a batch sends would be sent twice.
  const once = filter.eventType === undefined ? 'batch_id IS NULL' : 'batch_events IS NULL';
  return {
    where: `${once} AND ${defined.map(([condition], index) => condition.replace('?', `$${index + 1}`)).join(' AND ')}`,
    values: defined.map(([, value]) => value),
  };
}
