/** Attempts that died with their worker and after which none comes that could tell of them. */
import type { Store } from '../store.js';

/** Attempts that nobody recorded, up to a number of attempts or, where that is not known, up to a position. */
export interface LostAttempts {
  readonly deliveryId: string;
  readonly run: number;
  /** The position of the schedule that the last of them had; absent where none was used up. */
  readonly lostUpTo?: number;
  /** How many attempts the delivery has with them. */
  readonly attemptsUpTo?: number;
}

/**
 * Shows as interrupted the attempts that an open delivery lacks. Doing it again changes nothing, as their count and the
 * position are recorded along with them. A worker that was only frozen replaces its own attempt later.
 */
export async function recordInterrupted(
  store: Store,
  { deliveryId, run, lostUpTo, attemptsUpTo }: LostAttempts,
): Promise<void> {
  await store.pool.query(
    `WITH open AS (
       SELECT id, attempts, lost
       FROM deliveries, greatest(coalesce($4::integer - attempts, $3::integer - coalesce(schedule_position, -1)), 0) AS lost
       WHERE id = $1 AND run = $2 AND state IN ('pending', 'retrying', 'paused')
     ), noted AS (
       INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
       SELECT id, attempts + n, $2, now(), 'interrupted', 'interrupted',
              'the worker stopped before it could record this attempt'
       FROM open, generate_series(1, lost) AS n
       ON CONFLICT DO NOTHING
     )
     UPDATE deliveries d
     SET attempts = d.attempts + lost, schedule_position = coalesce($3::integer, schedule_position), last_status = NULL, last_reason = 'interrupted',
       first_attempt_at = coalesce(first_attempt_at, now()), updated_at = now()
     FROM open WHERE d.id = $1 AND d.id = open.id AND lost > 0`,
    [deliveryId, run, lostUpTo, attemptsUpTo],
  );
}
