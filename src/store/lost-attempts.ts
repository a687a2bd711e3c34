/** Attempts that died with their worker and after which none comes that could tell of them. */
import type { Store } from './store.js';

/**
 * Shows as interrupted what an open delivery lacks of the attempts up to a place of its schedule. Doing it again changes
 * nothing, as the place is noted along with it. A worker that was only frozen replaces its own attempt later.
 */
export async function noteLostAttempts(
  store: Store,
  { deliveryId, run, lostUpTo }: { deliveryId: string; run: number; lostUpTo: number },
): Promise<void> {
  await store.pool.query(
    `WITH open AS (
       SELECT id, attempts, lost FROM deliveries, greatest($3 - coalesce(schedule_position, -1), 0) AS lost
       WHERE id = $1 AND run = $2 AND state IN ('pending', 'retrying', 'paused')
     ), noted AS (
       INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
       SELECT id, attempts + n, $2, now(), 'interrupted', 'interrupted',
              'the worker stopped before it could record this attempt'
       FROM open, generate_series(1, lost) AS n
       ON CONFLICT DO NOTHING
     )
     UPDATE deliveries d
     SET attempts = d.attempts + lost, schedule_position = $3, last_status = NULL, last_reason = 'interrupted',
       first_attempt_at = coalesce(first_attempt_at, now()), updated_at = now()
     FROM open WHERE d.id = $1 AND d.id = open.id AND lost > 0`,
    [deliveryId, run, lostUpTo],
  );
}
