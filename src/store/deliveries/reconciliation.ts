/** The deliveries that are compared with Temporal. */
import { IS_COLLECTED } from '../batches.js';
import { onlyRow, type Store } from '../store.js';
import { IS_HELD } from './breaker-waiting.js';
import type { DeliveryState } from './deliveries.js';
import { IS_BLOCKED } from './ordering.js';

/** The position of a scan over open deliveries: they are read by subscription, then by id. */
export interface OpenPosition {
  readonly subscriptionId: string;
  readonly id: string;
}

/** An open delivery. */
export interface OpenDelivery extends OpenPosition {
  /** Whether a workflow should run for it: it does not wait for a sender, a batch, a breaker or another delivery. */
  readonly needsWorkflow: boolean;
}

/** The next open deliveries after a position, at most `limit`. Reads as many entries of one partial index. */
export async function openDeliveriesAfter(
  store: Store,
  after: OpenPosition | undefined,
  limit: number,
): Promise<OpenDelivery[]> {
  const { rows } = await store.pool.query<OpenDelivery>(
    `SELECT d.id, d.subscription_id AS "subscriptionId",
       (d.owned OR (d.sender_id IS NULL AND NOT d.direct))
         AND NOT ${IS_BLOCKED} AND NOT ${IS_HELD} AND NOT ${IS_COLLECTED} AS "needsWorkflow"
     FROM deliveries d
     WHERE d.state IN ('pending', 'retrying', 'paused') AND (d.subscription_id, d.id) > ($1, $2)
     ORDER BY d.subscription_id, d.id LIMIT $3`,
    [after?.subscriptionId ?? '', after?.id ?? '', limit],
  );
  return rows;
}

/** Which of these deliveries are open, and have not changed for some seconds. */
export async function unchangedOpen(store: Store, ids: readonly string[], seconds: number): Promise<Set<string>> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM deliveries
     WHERE id = ANY($1) AND state IN ('pending', 'retrying', 'paused') AND updated_at < now() - make_interval(secs => $2)`,
    [ids, seconds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** The state of a delivery, and how many seconds ago it changed last. */
export interface StateAge {
  readonly state: DeliveryState;
  readonly ageS: number;
}

/** The states of those of these deliveries that exist, by id. */
export async function statesOf(store: Store, ids: readonly string[]): Promise<Map<string, StateAge>> {
  const { rows } = await store.pool.query<StateAge & { id: string }>(
    `SELECT id, state, extract(epoch FROM now() - updated_at)::float8 AS "ageS" FROM deliveries WHERE id = ANY($1)`,
    [ids],
  );
  return new Map(rows.map(({ id, ...age }) => [id, age]));
}

/** The number of open deliveries that the last sweep found without a running workflow that should have one. */
export async function countUnreconciled(store: Store): Promise<number> {
  const found = await store.pool.query<{ unreconciled: number }>('SELECT unreconciled FROM last_sweep WHERE singleton');
  return onlyRow(found)?.unreconciled ?? 0;
}
