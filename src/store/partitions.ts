/** The tables that grow with every event are partitioned by week: making partitions ahead of time and dropping them. */
import { idTime, lowestIdAt } from '../contract/ids.js';
import { errorCode } from '../lib/errors.js';
import { inTransaction, longQuery, type Queryable, type Store } from './store.js';
import { weekOf, weeksAfter } from './weeks.js';

/**
 * Rows that are old are never written again. They are frozen by the first vacuum that comes along: at a thousand
 * transactions a second, autovacuum would otherwise read every partition again every 56 hours
 * (autovacuum_freeze_max_age) for as long as it is kept.
 */
const WRITTEN_ONCE = 'autovacuum_freeze_min_age = 0';
/**
 * A delivery leaves a dead row when its state changes, and with it entries in the indexes of open deliveries, which the
 * sweep walks over until vacuum has been there: after 5 % of the table instead of 20 %. No update can be heap-only, as
 * those indexes depend on the state; a lower fillfactor would therefore only make the table larger.
 */
const WRITTEN_TWICE = `${WRITTEN_ONCE}, autovacuum_vacuum_scale_factor = 0.05`;

/** What is partitioned, and by ids of which kind. Storage parameters are each partition's own. */
const partitioned = [
  { table: 'events', key: 'id', kind: 'evt', storage: WRITTEN_ONCE },
  { table: 'event_bodies', key: 'event_id', kind: 'evt', storage: WRITTEN_ONCE },
  { table: 'deliveries', key: 'id', kind: 'dlv', storage: WRITTEN_TWICE },
  { table: 'attempts', key: 'delivery_id', kind: 'dlv', storage: WRITTEN_ONCE },
] as const;

type Partitioned = (typeof partitioned)[number];

/** How many weeks after the present one have partitions; without maintenance for longer, the default ones fill. */
const WEEKS_AHEAD = 2;
/** Whoever makes or drops partitions holds this; a number that nothing else in the database uses. */
const ADVISORY_LOCK = 7_045_831;
/**
 * A lock that is not had by then is given up, in milliseconds: whoever comes later waits behind the one who waits. Less
 * than PostgreSQL's deadlock_timeout, so that it is this statement that gives way and nobody's delivery.
 */
const LOCK_TIMEOUT_MS = 500;
/** SQLSTATE of a lock that was given up. */
const LOCK_NOT_AVAILABLE = '55P03';

/** A partition and the time it is for: from `from` on, before `until`. */
export interface Partition {
  readonly table: Partitioned['table'];
  readonly name: string;
  /** Undefined where it holds everything older. */
  readonly from?: Date;
  readonly until: Date;
}

/** All partitions but the default ones, the oldest first. */
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
 * Makes the partitions of the week of a time and of those that follow it, where they are missing. False when the tables
 * were too busy for that; then it can be tried again.
 */
export async function makePartitions(store: Pick<Store, 'pool'>, now: Date): Promise<boolean> {
  const weeks = Array.from({ length: 1 + WEEKS_AHEAD }, (_, ahead) => weeksAfter(weekOf(now), ahead));
  if (missing(weeks, await listPartitions(store.pool)).length === 0) return true;
  return whenNotBusy(store, async (client) => {
    // Another process may have made them meanwhile.
    for (const { of, week } of missing(weeks, await listPartitions(client))) await makePartition(client, of, week);
  });
}

function missing(weeks: readonly Date[], there: readonly Partition[]): { of: Partitioned; week: Date }[] {
  const isThere = (of: Partitioned, week: Date): boolean =>
    there.some(({ table, from, until }) => table === of.table && (from === undefined || from <= week) && week < until);
  return weeks.flatMap((week) => partitioned.filter((of) => !isThere(of, week)).map((of) => ({ of, week })));
}

/** Rows of that week that came too early for it have waited in the default partition and move. */
async function makePartition(client: Queryable, { table, key, kind, storage }: Partitioned, week: Date): Promise<void> {
  const name = `${table}_${week.toISOString().slice(0, 10).replaceAll('-', '')}`;
  // Written into the statements, which take no parameters: names and ids of ours without a character to escape.
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

/** Drops partitions for the same time, unless a delivery that is open needs them or the tables are too busy. */
export async function dropPartitions(
  store: Pick<Store, 'pool'>,
  partitions: readonly [Partition, ...Partition[]],
): Promise<'dropped' | 'needed' | 'busy'> {
  if (await neededByOpen(store.pool, partitions[0])) return 'needed';
  let needed = false;
  const done = await whenNotBusy(store, async (client) => {
    const tables = partitioned.map(({ table }) => `ONLY ${table}`).join(', ');
    // From here on nothing is reopened or recovered; what was before shows in the next statement.
    await client.query(`LOCK TABLE ${tables} IN ACCESS EXCLUSIVE MODE`);
    needed = await neededByOpen(client, partitions[0]);
    if (!needed) await client.query(`DROP TABLE ${partitions.map(({ name }) => name).join(', ')}`);
  });
  if (!done) return 'busy';
  return needed ? 'needed' : 'dropped';
}

/** Whether a delivery of that time is open, or a later one of an event of that time, which a recovery has made. */
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

/** Runs `work` in a transaction, alone among those who do; false when a lock was not to be had and nothing was done. */
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
