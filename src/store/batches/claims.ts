/** Which batch carries which delivery. Claiming comes first, looking at the delivery second: so there is never another carrier. */
import type { Store } from '../store.js';

/** A delivery that a batch carries. */
export interface Claim {
  readonly deliveryId: string;
  /** The batch's workflow id. */
  readonly batchWorkflowId: string;
}

/** Claims deliveries for a batch. Gives the ids it has now: those nobody else has, and those it had before. */
export async function claim(store: Store, batchWorkflowId: string, ids: readonly string[]): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'claim',
    // In order, so that two that claim the same deliveries wait for each other instead of both.
    text: `
      INSERT INTO claims (delivery_id, batch_workflow_id)
      SELECT id, $1 FROM unnest($2::text[]) AS given (id) ORDER BY id
      ON CONFLICT (delivery_id) DO UPDATE SET claimed_at = now() WHERE claims.batch_workflow_id = excluded.batch_workflow_id
      RETURNING delivery_id AS id`,
    values: [batchWorkflowId, ids],
  });
  return rows.map(({ id }) => id);
}

/** Gives up deliveries that now have a workflow of their own. */
export async function releaseClaims(store: Store, ids: readonly string[]): Promise<void> {
  await store.pool.query({
    name: 'hand-over',
    text: `
      WITH owned AS (UPDATE deliveries SET owned = true WHERE id = ANY($1) AND NOT owned)
      DELETE FROM claims WHERE delivery_id = ANY($1)`,
    values: [ids],
  });
}

/** Gives up deliveries that turned out to be somebody else's business. */
export async function unclaim(store: Store, batchWorkflowId: string, ids: readonly string[]): Promise<void> {
  await store.pool.query('DELETE FROM claims WHERE batch_workflow_id = $1 AND delivery_id = ANY($2)', [
    batchWorkflowId,
    ids,
  ]);
}

/** The workflow id of the batch that carries a delivery, or undefined. */
export async function findBatchOf(store: Store, deliveryId: string): Promise<string | undefined> {
  const { rows } = await store.pool.query<{ batch_workflow_id: string }>(
    'SELECT batch_workflow_id FROM claims WHERE delivery_id = $1',
    [deliveryId],
  );
  return rows[0]?.batch_workflow_id;
}

/** The oldest claims that are older than some seconds, at most `limit`. */
export async function oldClaims(
  store: Store,
  { olderThan, limit }: { olderThan: number; limit: number },
): Promise<Claim[]> {
  const { rows } = await store.pool.query<Claim>(
    `SELECT delivery_id AS "deliveryId", batch_workflow_id AS "batchWorkflowId" FROM claims
     WHERE claimed_at < now() - make_interval(secs => $1) ORDER BY claimed_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows;
}

/** Deliveries that are left to a batch and have none for longer than some seconds, the oldest first. */
export async function unclaimed(
  store: Store,
  { olderThan, limit }: { olderThan: number; limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM deliveries d
     WHERE NOT owned AND state = 'pending' AND batch AND updated_at < now() - make_interval(secs => $1)
       AND NOT EXISTS (SELECT FROM claims c WHERE c.delivery_id = d.id)
     ORDER BY updated_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows.map(({ id }) => id);
}
