/**
 * How long what happened is kept. A week that is over for every account is dropped as partitions; where accounts differ,
 * rows of those that keep theirs for less are deleted, some at a time. What is open stays, with all it needs.
 */
import { lowestIdAt } from '../contract/ids.js';
import { dropPartitions, listPartitions, type Partition } from './partitions.js';
import { inTransaction, longQuery, type Store } from './store.js';
import { expiry } from './weeks.js';

/** A time that accounts keep what happened for. */
export interface Retention {
  /** 0 is for ever. */
  readonly days: number;
  /** What counts for accounts that say nothing themselves. */
  readonly defaultDays: number;
}

/** The retentions of all accounts, deleted ones included: what was delivered for them stays readable. */
export async function findRetentions(store: Store, defaultDays: number): Promise<Retention[]> {
  const { rows } = await store.pool.query<{ days: number }>(
    `SELECT DISTINCT coalesce(retention_days, $1) AS days FROM accounts ORDER BY days`,
    [defaultDays],
  );
  return rows.map(({ days }) => ({ days, defaultDays }));
}

/** What became of the weeks that are over for every account. */
export interface DroppedWeeks {
  readonly dropped: number;
  /** Whether the tables were too busy to drop one that nothing open is in. */
  readonly busy: boolean;
}

/** Drops the weeks that are over for every account, but for those that open deliveries need. */
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
 * Deletes some of what accounts of one retention need not keep any longer: at most `limit` finished deliveries with their
 * attempts, and as many events, with their bodies, that no delivery is left of. Returns how many deliveries and events.
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
  // Each account by itself from its oldest row on, so that what is kept is not read.
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
  // One that has been reopened meanwhile stays.
  const { rowCount } = await store.pool.query(
    longQuery(
      `WITH gone AS (
       DELETE FROM deliveries WHERE id = ANY($1) AND state IN ('delivered', 'failed', 'cancelled') RETURNING id
     ), attempts_gone AS (
       DELETE FROM attempts a USING gone WHERE a.delivery_id = ANY($1) AND a.delivery_id = gone.id
     )
     SELECT FROM gone`,
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
    // A recovery that was about to add a delivery has done so before this, and shows in what follows, or finds no event.
    await client.query(longQuery('SELECT FROM events WHERE id = ANY($1) FOR UPDATE', [ids]));
    const { rowCount } = await client.query(
      longQuery(
        `WITH gone AS (
         DELETE FROM events e
         WHERE id = ANY($1) AND NOT EXISTS (SELECT FROM deliveries d WHERE d.event_id = ANY($1) AND d.event_id = e.id)
         RETURNING id
       ), bodies_gone AS (
         DELETE FROM event_bodies b USING gone WHERE b.event_id = ANY($1) AND b.event_id = gone.id
       )
       SELECT FROM gone`,
        [ids],
      ),
    );
    return rowCount ?? 0;
  });
}
