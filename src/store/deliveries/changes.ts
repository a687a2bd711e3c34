/** What has changed lately, for whoever watches deliveries live. */
import { toDelivery, type DeliveryRow, type StoredDelivery } from './deliveries.js';
import type { Store } from '../store.js';

/** Which changes to read. */
export interface ChangeFilter {
  /** By the database's clock: when the transaction that made the change began. */
  readonly since: Date;
  /** Only deliveries of these accounts; of all when absent. */
  readonly accountIds?: readonly string[];
  readonly limit: number;
}

/** Deliveries that were changed since a time, as they are now, the change that is longest ago first. */
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
