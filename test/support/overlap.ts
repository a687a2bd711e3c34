/** Requests that overlap reliably: each has read a subscription before any of them changes it. */
import type { Store } from '../../src/store/store.js';
import { eventually } from './eventually.js';

/** Starts requests in sequence while the row of a subscription is locked, and waits until all of them wait for the lock. */
export async function overlap<T>(
  { pool }: Store,
  subscriptionId: string,
  starts: readonly (() => Promise<T>)[],
): Promise<T[]> {
  const blocker = await pool.connect();
  try {
    await blocker.query('BEGIN');
    await blocker.query('SELECT 1 FROM subscriptions WHERE id = $1 FOR UPDATE', [subscriptionId]);
    const started: Promise<T>[] = [];
    for (const start of starts) {
      started.push(start());
      // Not on the locking connection, whose transaction sees the activity of others as of its first query.
      await eventually(
        () =>
          pool.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`),
        ({ rowCount }) => rowCount === started.length,
      );
    }
    await blocker.query('COMMIT');
    return await Promise.all(started);
  } finally {
    blocker.release(true);
  }
}
