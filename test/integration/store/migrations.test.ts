/** What is in the database when it is migrated stays. */
import { join } from 'node:path';
import { Client } from 'pg';
import { findDelivery, listDeliveries } from '../../../src/store/deliveries/deliveries';
import { findEvent } from '../../../src/store/events/events';
import { migrate } from '../../../src/store/migrate';
import { listPartitions } from '../../../src/store/partitions';
import { weekOf, weeksAfter } from '../../../src/store/weeks';
import { openEmptyDatabase, type TestDatabase } from '../../support/database';
import { idAt, placesOf } from '../../support/past';

const DAY_MS = 86_400_000;
/** What was the newest schema before the tables were partitioned. */
const BEFORE_PARTITIONS = 7;

let database: TestDatabase;
beforeEach(async () => {
  database = await openEmptyDatabase();
});
afterEach(() => database.close());

async function migrateTo(count: number): Promise<void> {
  const { runner } = await import('node-pg-migrate');
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const dir = join(__dirname, '../../../src/store/migrations');
  await runner({ dbClient: client, dir, direction: 'up', count, migrationsTable: 'migrations', log: () => undefined });
  await client.end();
}

interface Written {
  readonly eventId: string;
  readonly deliveryId: string;
}

/** A delivery as it was written then. */
async function write(time: Date): Promise<Written> {
  const written = { eventId: idAt('evt', time), deliveryId: idAt('dlv', time) };
  const { eventId, deliveryId } = written;
  const { pool } = database.store;
  await pool.query(
    `INSERT INTO events (id, account_id, type, occurred_at, channels, data, created_at)
     VALUES ($1, 'acc_1', 'user.created', $2, '{}', '{"n":1}', $2)`,
    [eventId, time],
  );
  await pool.query(`INSERT INTO event_bodies (event_id, variant, body) VALUES ($1, 'default', 'x')`, [eventId]);
  await pool.query(
    `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, state)
     VALUES ($1, $2, 'acc_1', 'sub_1', 'standard', 'user.created', 'default', 'retrying')`,
    [deliveryId, eventId],
  );
  await pool.query(
    `INSERT INTO attempts (delivery_id, number, run, started_at, outcome) VALUES ($1, 1, 0, $2, 'refused')`,
    [deliveryId, time],
  );
  return written;
}

test('rows of several weeks are there after the tables are partitioned, as they were', async () => {
  await migrateTo(BEFORE_PARTITIONS);
  const now = Date.now();
  const written: Written[] = [];
  for (const days of [60, 30, 14, 7, 1, 0]) written.push(await write(new Date(now - days * DAY_MS)));
  const rows = async () => (await database.store.pool.query('SELECT * FROM deliveries ORDER BY id')).rows;
  const before = await rows();
  await migrate(database.url);

  expect(await rows()).toMatchObject(before);
  expect((await listDeliveries(database.store, { limit: 10 })).map(({ id }) => id)).toEqual(
    written.map(({ deliveryId }) => deliveryId).reverse(),
  );
  for (const each of written) {
    expect(await placesOf(database.store, each)).toEqual([
      'attempts_before',
      'deliveries_before',
      'event_bodies_before',
      'events_before',
    ]);
    expect(await findEvent(database.store, each.eventId)).toMatchObject({ text: '{"n":1}' });
    expect(await findDelivery(database.store, each.deliveryId)).toMatchObject({ state: 'retrying' });
  }
});

test('what comes afterwards goes into partitions that follow on what was there', async () => {
  await migrateTo(BEFORE_PARTITIONS);
  await write(new Date());
  await migrate(database.url);
  const next = weeksAfter(weekOf(new Date()), 1);
  const ofEvents = (await listPartitions(database.store.pool)).filter(({ table }) => table === 'events');
  expect(ofEvents.map(({ from, until }) => [from, until]).slice(0, 2)).toEqual([
    [undefined, next],
    [next, weeksAfter(next, 1)],
  ]);
  const later = await write(new Date(next.getTime() + DAY_MS));
  expect(await placesOf(database.store, later)).toContain(
    `events_${next.toISOString().slice(0, 10).replaceAll('-', '')}`,
  );
});

test('rows of a process with a clock ahead are there, too', async () => {
  await migrateTo(BEFORE_PARTITIONS);
  const ahead = await write(new Date(Date.now() + 100 * DAY_MS));
  await migrate(database.url);
  expect(await placesOf(database.store, ahead)).toContain('deliveries_before');
});

test('every index is one of the partitioned table, and those that were built serve on', async () => {
  await migrateTo(BEFORE_PARTITIONS);
  await write(new Date());
  const { pool } = database.store;
  const built = `SELECT count(*)::int AS count FROM pg_index i
                 JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname = ANY($1)`;
  const former = (await pool.query(built, [['events', 'event_bodies', 'deliveries', 'attempts']])).rows;
  await migrate(database.url);
  const { rows } = await pool.query(
    `SELECT count(*) FILTER (WHERE c.relname LIKE '%\\_before')::int AS count,
            count(*) FILTER (WHERE p.inhparent IS NULL)::int AS strays
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
     LEFT JOIN pg_inherits p ON p.inhrelid = i.indexrelid WHERE t.relname LIKE '%\\_before'`,
  );
  expect(rows).toEqual([{ ...former[0], strays: 0 }]);
});

test('a database that is new has no partition for what was before', async () => {
  await migrate(database.url);
  const names = (await listPartitions(database.store.pool)).map(({ name }) => name);
  expect(names.filter((name) => name.endsWith('before'))).toEqual([]);
});
