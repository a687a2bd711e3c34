/** Which burst carries which delivery. Claiming comes first, looking at the delivery second: so there is never another carrier. */
import type { Store } from '../store.js';

/** A delivery that a burst carries. */
export interface Claim {
  readonly deliveryId: string;
  /** The burst's workflow id. */
  readonly burstId: string;
}

/** Claims deliveries for a burst. Gives the ids it has now: those nobody else has, and those it had before. */
export async function claim(store: Store, burstId: string, ids: readonly string[]): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'claim',
    // In order, so that two that claim the same deliveries wait for each other instead of both.
    text: `
      INSERT INTO claims (delivery_id, burst_id)
      SELECT id, $1 FROM unnest($2::text[]) AS given (id) ORDER BY id
      ON CONFLICT (delivery_id) DO UPDATE SET claimed_at = now() WHERE claims.burst_id = excluded.burst_id
      RETURNING delivery_id AS id`,
    values: [burstId, ids],
  });
  return rows.map(({ id }) => id);
}

/** Gives up deliveries that now have a workflow of their own. */
export async function handOver(store: Store, ids: readonly string[]): Promise<void> {
  await store.pool.query({
    name: 'hand-over',
    text: `
      WITH owned AS (UPDATE deliveries SET owned = true WHERE id = ANY($1) AND NOT owned)
      DELETE FROM claims WHERE delivery_id = ANY($1)`,
    values: [ids],
  });
}

/** Gives up deliveries that turned out to be somebody else's business. */
export async function release(store: Store, burstId: string, ids: readonly string[]): Promise<void> {
  await store.pool.query('DELETE FROM claims WHERE burst_id = $1 AND delivery_id = ANY($2)', [burstId, ids]);
}

/** The workflow id of the burst that carries a delivery, or undefined. */
export async function carrierOf(store: Store, deliveryId: string): Promise<string | undefined> {
  const { rows } = await store.pool.query<{ burst_id: string }>('SELECT burst_id FROM claims WHERE delivery_id = $1', [
    deliveryId,
  ]);
  return rows[0]?.burst_id;
}

/** The oldest claims that are older than some seconds, at most `limit`. */
export async function oldClaims(
  store: Store,
  { olderThan, limit }: { olderThan: number; limit: number },
): Promise<Claim[]> {
  const { rows } = await store.pool.query<Claim>(
    `SELECT delivery_id AS "deliveryId", burst_id AS "burstId" FROM claims
     WHERE claimed_at < now() - make_interval(secs => $1) ORDER BY claimed_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows;
}

/** Deliveries that are left to a burst and have none for longer than some seconds, the oldest first. */
export async function unclaimed(
  store: Store,
  { olderThan, limit }: { olderThan: number; limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM deliveries d
     WHERE NOT owned AND state = 'pending' AND burst AND updated_at < now() - make_interval(secs => $1)
       AND NOT EXISTS (SELECT FROM claims c WHERE c.delivery_id = d.id)
     ORDER BY updated_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows.map(({ id }) => id);
}
