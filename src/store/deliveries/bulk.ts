/** The deliveries that a bulk command applies to. */
import type { DeliveryState } from './deliveries.js';
import type { WaitingDelivery } from '../recovery/finished.js';
import type { Store } from '../store.js';

/** Which deliveries. A range of ids is a range of creation times, as ids sort by time. */
export interface BulkFilter {
  readonly states: readonly DeliveryState[];
  readonly accountId?: string | undefined;
  readonly subscriptionId?: string | undefined;
  readonly provider?: string | undefined;
  readonly eventType?: string | undefined;
  /** Only ids from this one on. */
  readonly fromId?: string | undefined;
  /** Only ids before this one. */
  readonly beforeId?: string | undefined;
  /** Only ids after this one. */
  readonly afterId?: string | undefined;
}

/** Matching deliveries, the oldest first. */
export async function findMatching(store: Store, filter: BulkFilter, limit: number): Promise<WaitingDelivery[]> {
  const { where, values } = conditions(filter);
  const { rows } = await store.pool.query<WaitingDelivery>(
    `SELECT id, run, attempts FROM deliveries WHERE ${where} ORDER BY id LIMIT $${values.length + 1}`,
    [...values, limit],
  );
  return rows;
}

/** Counts matching deliveries up to `max`. */
export async function countMatching(store: Store, filter: BulkFilter, max: number): Promise<number> {
  const { where, values } = conditions(filter);
  const { rows } = await store.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM (SELECT FROM deliveries WHERE ${where} LIMIT $${values.length + 1}) matching`,
    [...values, max],
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
