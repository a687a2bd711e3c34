/** Partitions of the tables that grow with every event, by week: creating them ahead of time and dropping them. */
import { idTime, lowestIdAt } from '../contract/ids.js';
import { errorCode } from '../lib/errors.js';
import { inTransaction, longQuery, type Queryable, type Store } from './store.js';
import { weekOf, weeksAfter } from './weeks.js';

/**
 * Old rows are never updated, so the first vacuum freezes them. At a thousand transactions a second, autovacuum would
 * otherwise read every partition again every 56 hours (autovacuum_freeze_max_age) until it is dropped.
 */
const WRITTEN_ONCE = 'autovacuum_freeze_min_age = 0';
/**
 * A change of state creates a dead row with entries in the indexes of open deliveries, which the sweep reads until the next
 * vacuum. So vacuum runs after 5 % of the table has changed instead of 20 %. No update can be heap-only, as those indexes
 * depend on the state; a lower fillfactor would therefore only make the table larger.
 */
const WRITTEN_TWICE = `${WRITTEN_ONCE}, autovacuum_vacuum_scale_factor = 0.05`;

/** The partitioned tables, and the kind of their ids. Storage parameters are set on each partition. */
const partitioned = [
  { table: 'events', key: 'id', kind: 'evt', storage: WRITTEN_ONCE },
  { table: 'event_bodies', key: 'event_id', kind: 'evt', storage: WRITTEN_ONCE },
  { table: 'messages', key: 'event_id', kind: 'evt', storage: WRITTEN_ONCE },
  { table: 'deliveries', key: 'id', kind: 'dlv', storage: WRITTEN_TWICE },
  { table: 'attempts', key: 'delivery_id', kind: 'dlv', storage: WRITTEN_ONCE },
] as const;

type Partitioned = (typeof partitioned)[number];

/** Number of weeks after the current one with partitions; without maintenance for longer, the default partitions fill. */
const WEEKS_AHEAD = 2;
/** The advisory lock for creating and dropping partitions; the number is not used elsewhere. */
const ADVISORY_LOCK = 7_045_831;
/**
 * Longest wait for a table lock, in milliseconds, as all later statements queue behind a waiting one. Shorter than
 * PostgreSQL's deadlock_timeout (1 s), so that in a deadlock this statement fails and not one of a delivery.
 */
const LOCK_TIMEOUT_MS = 500;
/** SQLSTATE of a lock timeout. */
const LOCK_NOT_AVAILABLE = '55P03';

/** A partition and its time: from `from` on and before `until`. */
export interface Partition {
  readonly table: Partitioned['table'];
  readonly name: string;
  /** Undefined when it contains everything older. */
  readonly from?: Date;
  readonly until: Date;
}

/** All partitions except the default ones, the oldest first. */
export async function listPartitions(client: Queryable): Promise<Partition[]> {
  const { rows } = await client.query<{ table: Partitioned['table']; name: string; bound: string }>(
    `SELECT inhparent::regclass::text AS table, c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
     FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
     WHERE inhparent = ANY($1::text[]::regclass[]) AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'`,
    [partitioned.map(({ table }) => table)],
  );
  return rows
    .map(({ table, name, bound }) => {
      const [, from, until] = /^FOR VALUES FROM \((?:MINVALUE|'(.+)')\) TO \('(.+)'\)$/.exec(bound)!;
      return { table, name, ...(from === undefined ? {} : { from: idTime(from) }), until: idTime(until!) };
    })
    .sort((one, other) => one.until.getTime() - other.until.getTime());
}

/**
 * Creates missing partitions for the week of `now` and the following weeks. False when the tables were too busy; it can be
 * retried.
 */
export async function makePartitions(store: Pick<Store, 'pool'>, now: Date): Promise<boolean> {
  const weeks = Array.from({ length: 1 + WEEKS_AHEAD }, (_, ahead) => weeksAfter(weekOf(now), ahead));
  if (missing(weeks, await listPartitions(store.pool)).length === 0) return true;
  return whenNotBusy(store, async (client) => {
    // Listed again, as another process may have created them in the meantime.
    for (const { of, week } of missing(weeks, await listPartitions(client))) await makePartition(client, of, week);
  });
}

function missing(weeks: readonly Date[], existing: readonly Partition[]): { of: Partitioned; week: Date }[] {
  const exists = (of: Partitioned, week: Date): boolean =>
    existing.some(
      ({ table, from, until }) => table === of.table && (from === undefined || from <= week) && week < until,
    );
  return weeks.flatMap((week) => partitioned.filter((of) => !exists(of, week)).map((of) => ({ of, week })));
}

/** Creates a partition. Rows of its week that are in the default partition move into it. */
async function makePartition(client: Queryable, { table, key, kind, storage }: Partitioned, week: Date): Promise<void> {
  const name = `${table}_${week.toISOString().slice(0, 10).replaceAll('-', '')}`;
  // Inserted into the text, as DDL accepts no parameters. Our names and ids contain no characters to escape.
  const [from, until] = [lowestIdAt(kind, week), lowestIdAt(kind, weeksAfter(week, 1))];
  await client.query(`LOCK TABLE ${table}_default IN ACCESS EXCLUSIVE MODE`);
  await client.query(`CREATE TABLE ${name} (LIKE ${table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (${storage})`);
  await client.query(
    longQuery(
      `WITH early AS (DELETE FROM ${table}_default WHERE ${key} >= '${from}' AND ${key} < '${until}' RETURNING *)
       INSERT INTO ${name} SELECT * FROM early`,
      [],
    ),
  );
  await client.query(`ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${until}')`);
}

/** Drops partitions of the same week unless an open delivery needs them or the tables are too busy. */
export async function dropPartitions(
  store: Pick<Store, 'pool'>,
  partitions: readonly [Partition, ...Partition[]],
): Promise<'dropped' | 'needed' | 'busy'> {
  if (await neededByOpen(store.pool, partitions[0])) return 'needed';
  let needed = false;
  const done = await whenNotBusy(store, async (client) => {
    const tables = partitioned.map(({ table }) => `ONLY ${table}`).join(', ');
    // With the lock nothing can be reopened or recovered; the next statement sees what was before.
    await client.query(`LOCK TABLE ${tables} IN ACCESS EXCLUSIVE MODE`);
    needed = await neededByOpen(client, partitions[0]);
    if (!needed) await client.query(`DROP TABLE ${partitions.map(({ name }) => name).join(', ')}`);
  });
  if (!done) return 'busy';
  return needed ? 'needed' : 'dropped';
}

/** Whether a delivery of the week is open, or a later delivery of an event of the week, which a recovery has created. */
async function neededByOpen(client: Queryable, { from, until }: Partition): Promise<boolean> {
  const ids = (kind: 'evt' | 'dlv') => [from === undefined ? '' : lowestIdAt(kind, from), lowestIdAt(kind, until)];
  const { rows } = await client.query<{ needed: boolean }>(
    `SELECT EXISTS (SELECT FROM deliveries WHERE id >= $1 AND id < $2 AND state IN ('pending', 'retrying', 'paused'))
         OR EXISTS (SELECT FROM deliveries WHERE id >= $2 AND event_id >= $3 AND event_id < $4
                                             AND state IN ('pending', 'retrying', 'paused')) AS needed`,
    [...ids('dlv'), ...ids('evt')],
  );
  return rows[0]!.needed;
}

/** Runs `work` in a transaction under the advisory lock; false when a lock timed out and nothing was done. */
async function whenNotBusy(store: Pick<Store, 'pool'>, work: (client: Queryable) => Promise<void>): Promise<boolean> {
  try {
    await inTransaction(store, async (client) => {
      await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await client.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
      await work(client);
    });
    return true;
  } catch (error) {
    if (errorCode(error) === LOCK_NOT_AVAILABLE) return false;
    throw error;
  }
}
