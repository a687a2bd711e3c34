/** Creates partitions ahead of time, and drops or deletes data after its retention. */
import { heartbeat, log } from '@temporalio/activity';
import { defaults } from '../../config/defaults.js';
import { deleteExpiredAudit } from '../../store/audit.js';
import { makePartitions } from '../../store/partitions.js';
import { deleteExpired, dropExpired, findRetentions, type Retention } from '../../store/retention.js';
import type { Store } from '../../store/store.js';

/** Deliveries, and events, that are deleted at once. */
const BATCH_SIZE = 2_000;
/** Batches per call; the next call continues. */
const MAX_BATCHES = 10;
/** Wait after everything is done, in milliseconds: data expires week by week. */
const IDLE_MS = 3_600_000;

/**
 * Returns a function that does the work when it is called, except within an hour after everything was done.
 * `retentionDays` applies to accounts without a setting of their own, `auditDays` to the audit log.
 */
export function createRetention(
  store: Store,
  retentionDays: number,
  auditDays: number = defaults.auditDays,
): (now?: Date) => Promise<void> {
  let idleUntil = 0;
  return async (now = new Date()) => {
    if (now.getTime() < idleUntil) return;
    const made = await makePartitions(store, now);
    const retentions = await findRetentions(store, retentionDays);
    const { dropped, busy } = await dropExpired(store, retentions, now);
    if (dropped > 0) log.info('dropped weeks after their retention', { weeks: dropped });
    heartbeat();
    const done = await deleteBatches(store, retentions, now);
    while ((await deleteExpiredAudit(store, auditDays, now, BATCH_SIZE)) > 0) heartbeat();
    if (made && !busy && done) idleUntil = now.getTime() + IDLE_MS;
  };
}

/** Whether everything that has expired is deleted. */
async function deleteBatches(store: Store, retentions: readonly Retention[], now: Date): Promise<boolean> {
  let batches = 0;
  for (const retention of retentions) {
    while ((await deleteExpired(store, retention, now, BATCH_SIZE)) > 0) {
      heartbeat();
      batches += 1;
      if (batches === MAX_BATCHES) return false;
    }
  }
  return true;
}
