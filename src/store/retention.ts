/**
 * Retention of events, deliveries and attempts. A week that has expired for every account is dropped as partitions. When
 * accounts differ, rows of those with a shorter retention are deleted in batches. Open deliveries stay with their events.
 */
import { lowestIdAt } from '../contract/ids.js';
import { dropPartitions, listPartitions, type Partition } from './partitions.js';
import { inTransaction, longQuery, type Store } from './store.js';
import { expiry } from './weeks.js';

export interface Retention {
  /** 0 keeps data indefinitely. */
  readonly days: number;
  /** The retention of accounts without a setting of their own. */
  readonly defaultDays: number;
}

/** The retentions of all accounts, including deleted ones, whose deliveries stay readable. */
export async function findRetentions(store: Store, defaultDays: number): Promise<Retention[]> {
  const { rows } = await store.pool.query<{ days: number }>(
    `SELECT DISTINCT coalesce(retention_days, $1) AS days FROM accounts ORDER BY days`,
    [defaultDays],
  );
  return rows.map(({ days }) => ({ days, defaultDays }));
}

export interface DroppedWeeks {
  readonly dropped: number;
  /** Whether the tables were too busy to drop a week without open deliveries. */
  readonly busy: boolean;
}

/** Drops the weeks that have expired for every account and that no open delivery needs. */
export async function dropExpired(store: Store, retentions: readonly Retention[], now: Date): Promise<DroppedWeeks> {
  const days = retentions.map((retention) => retention.days);
  if (days.length === 0 || days.includes(0)) return { dropped: 0, busy: false };
  const before = expiry(now, Math.max(...days));
  const weeks = new Map<number, [Partition, ...Partition[]]>();
  for (const partition of await listPartitions(store.pool)) {
    const until = partition.until.getTime();
    if (partition.until <= before) weeks.set(until, [partition, ...(weeks.get(until) ?? [])]);
  }
  const outcomes = [];
  for (const partitions of weeks.values()) outcomes.push(await dropPartitions(store, partitions));
  return { dropped: outcomes.filter((outcome) => outcome === 'dropped').length, busy: outcomes.includes('busy') };
}

/**
 * Deletes expired data of accounts with one retention: at most `limit` finished deliveries with their attempts, and at most
 * `limit` events without deliveries, with their bodies. Returns how many deliveries and events.
 */
export async function deleteExpired(store: Store, retention: Retention, now: Date, limit: number): Promise<number> {
  if (retention.days === 0) return 0;
  const before = expiry(now, retention.days);
  return (
    (await deleteDeliveries(store, retention, lowestIdAt('dlv', before), limit)) +
    (await deleteEvents(store, retention, lowestIdAt('evt', before), limit))
  );
}

async function deleteDeliveries(store: Store, retention: Retention, before: string, limit: number): Promise<number> {
  // Reads each account from its oldest row on, so that rows within the retention are not read.
  const expired = await store.pool.query<{ id: string }>(
    longQuery(
      `SELECT d.id FROM accounts a CROSS JOIN LATERAL (
       SELECT id FROM deliveries
       WHERE account_id = a.id AND id < $3 AND state IN ('delivered', 'failed', 'cancelled') ORDER BY id LIMIT $4
     ) d
     WHERE coalesce(a.retention_days, $2) = $1 LIMIT $4`,
      [retention.days, retention.defaultDays, before, limit],
    ),
  );
  // Deliveries that were reopened in the meantime stay.
  const { rowCount } = await store.pool.query(
    longQuery(
      `WITH deleted AS (
       DELETE FROM deliveries WHERE id = ANY($1) AND state IN ('delivered', 'failed', 'cancelled') RETURNING id
     ), deleted_attempts AS (
       DELETE FROM attempts a USING deleted WHERE a.delivery_id = ANY($1) AND a.delivery_id = deleted.id
     )
     SELECT FROM deleted`,
      [expired.rows.map(({ id }) => id)],
    ),
  );
  return rowCount ?? 0;
}

async function deleteEvents(store: Store, retention: Retention, before: string, limit: number): Promise<number> {
  const expired = await store.pool.query<{ id: string }>(
    longQuery(
      `SELECT e.id FROM accounts a CROSS JOIN LATERAL (
       SELECT id FROM events
       WHERE account_id = a.id AND id < $3 AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = events.id)
       ORDER BY id LIMIT $4
     ) e
     WHERE coalesce(a.retention_days, $2) = $1 LIMIT $4`,
      [retention.days, retention.defaultDays, before, limit],
    ),
  );
  const ids = expired.rows.map(({ id }) => id);
  return inTransaction(store, async (client) => {
    // Waits for recoveries that are adding a delivery: the next statement sees it. Later ones find no event.
    await client.query(longQuery('SELECT FROM events WHERE id = ANY($1) FOR UPDATE', [ids]));
    const { rowCount } = await client.query(
      longQuery(
        `WITH deleted AS (
         DELETE FROM events e
         WHERE id = ANY($1) AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = ANY($1) AND d.event_id = e.id)
         RETURNING id
       ), deleted_bodies AS (
         DELETE FROM event_bodies b USING deleted WHERE b.event_id = ANY($1) AND b.event_id = deleted.id
       ), deleted_messages AS (
         DELETE FROM messages m USING deleted WHERE m.event_id = ANY($1) AND m.event_id = deleted.id
       )
       SELECT FROM deleted`,
        [ids],
      ),
    );
    return rowCount ?? 0;
  });
}
