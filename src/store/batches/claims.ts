/**
 * Claims: which batch processes which delivery. A batch claims a delivery before it reads it, so that no other batch
 * processes it.
 */
import type { Store } from '../store.js';

/** A delivery that a batch processes. */
export interface Claim {
  readonly deliveryId: string;
  /** The batch's workflow id. */
  readonly batchWorkflowId: string;
}

/** Claims deliveries for a batch. Returns the ids that it holds: newly claimed, or claimed by it before. */
export async function claim(store: Store, batchWorkflowId: string, ids: readonly string[]): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>({
    name: 'claim',
    // Sorted, so that two batches that claim the same deliveries do not deadlock.
    text: `
      INSERT INTO claims (delivery_id, batch_workflow_id)
      SELECT id, $1 FROM unnest($2::text[]) AS given (id) ORDER BY id
      ON CONFLICT (delivery_id) DO UPDATE SET claimed_at = now() WHERE claims.batch_workflow_id = excluded.batch_workflow_id
      RETURNING delivery_id AS id`,
    values: [batchWorkflowId, ids],
  });
  return rows.map(({ id }) => id);
}

/** Releases deliveries that now have their own workflow. */
export async function releaseClaims(store: Store, ids: readonly string[]): Promise<void> {
  await store.pool.query({
    name: 'release-claims',
    text: `
      WITH owned AS (UPDATE deliveries SET owned = true WHERE id = ANY($1) AND NOT owned)
      DELETE FROM claims WHERE delivery_id = ANY($1)`,
    values: [ids],
  });
}

/** Removes the claims of deliveries that a workflow or another batch owns. */
export async function unclaim(store: Store, batchWorkflowId: string, ids: readonly string[]): Promise<void> {
  await store.pool.query('DELETE FROM claims WHERE batch_workflow_id = $1 AND delivery_id = ANY($2)', [
    batchWorkflowId,
    ids,
  ]);
}

/** The workflow id of the batch that processes a delivery, or undefined. */
export async function findBatchOf(store: Store, deliveryId: string): Promise<string | undefined> {
  const { rows } = await store.pool.query<{ batch_workflow_id: string }>(
    'SELECT batch_workflow_id FROM claims WHERE delivery_id = $1',
    [deliveryId],
  );
  return rows[0]?.batch_workflow_id;
}

/** Claims that are older than `olderThan` seconds, the oldest first and at most `limit`. */
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

/** Deliveries for batches that no batch has claimed for `olderThan` seconds, the oldest first. */
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
