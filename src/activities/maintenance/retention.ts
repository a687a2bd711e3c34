/** What of the maintenance keeps the tables in shape: partitions for the time to come, and none for longer than agreed. */
import { heartbeat, log } from '@temporalio/activity';
import { makePartitions } from '../../store/partitions.js';
import { deleteExpired, dropExpired, findRetentions, type Retention } from '../../store/retention.js';
import type { Store } from '../../store/store.js';

/** Deliveries, and events, that are deleted at once. */
const BATCH = 2_000;
/** Batches of one sweep; the next one goes on. */
const BATCHES = 10;
/** Once all is done, how long nothing is looked for, in milliseconds: what expires does so week by week. */
const REST_MS = 3_600_000;

/**
 * Makes partitions ahead of time and lets go of what has been kept for long enough, whenever it is called; does nothing
 * for an hour after there was nothing left to do. `retentionDays` counts for accounts that say nothing themselves.
 */
export function createRetention(store: Store, retentionDays: number): (now?: Date) => Promise<void> {
  let restsUntil = 0;
  return async (now = new Date()) => {
    if (now.getTime() < restsUntil) return;
    const made = await makePartitions(store, now);
    const retentions = await findRetentions(store, retentionDays);
    const { dropped, busy } = await dropExpired(store, retentions, now);
    if (dropped > 0) log.info('dropped weeks that have been kept for long enough', { weeks: dropped });
    heartbeat();
    const emptied = await deleteBatches(store, retentions, now);
    if (made && !busy && emptied) restsUntil = now.getTime() + REST_MS;
  };
}

/** Whether nothing is left to delete. */
async function deleteBatches(store: Store, retentions: readonly Retention[], now: Date): Promise<boolean> {
  let batches = 0;
  for (const retention of retentions) {
    while ((await deleteExpired(store, retention, now, BATCH)) > 0) {
      heartbeat();
      batches += 1;
      if (batches === BATCHES) return false;
    }
  }
  return true;
}
