/** Partitions by week. */
import { Client } from 'pg';
import { listPartitions, makePartitions } from '../../../src/store/partitions.js';
import { weekOf, weeksAfter } from '../../../src/store/weeks.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { deliver, noOne, originsOf } from '../../support/past.js';

const TABLES = ['attempts', 'deliveries', 'event_bodies', 'events', 'messages'];
const name = (week: Date): string => week.toISOString().slice(0, 10).replaceAll('-', '');
const tablesIn = (suffix: string): string[] => TABLES.map((table) => `${table}_${suffix}`);
/** Where the rows of a delivery are, which has no messages. */
const placesIn = (suffix: string): string[] => tablesIn(suffix).filter((name) => !name.startsWith('messages_'));

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

const names = async (): Promise<string[]> => (await listPartitions(database.store.pool)).map((each) => each.name);

test('creates partitions for this week and the following ones when migrating', async () => {
  // The template was migrated at the start of the tests, which may have been in the week before.
  const ahead = [0, 1].flatMap((weeks) => tablesIn(name(weeksAfter(weekOf(new Date()), weeks))));
  expect(await names()).toEqual(expect.arrayContaining(ahead));
});

test('creates each partition once when several processes request it at once', async () => {
  const week = weeksAfter(weekOf(new Date()), 10);
  const before = await names();
  await Promise.all([1, 2, 3].map(() => makePartitions(database.store, week)));
  expect(await makePartitions(database.store, week)).toBe(true);
  const made = (await names()).filter((each) => !before.includes(each));
  expect(made.sort()).toEqual([0, 1, 2].flatMap((weeks) => tablesIn(name(weeksAfter(week, weeks)))).sort());
});

test('gives partitions their indexes, checks and storage parameters', async () => {
  const [partition] = (await listPartitions(database.store.pool)).filter(({ table }) => table === 'deliveries');
  const { rows } = await database.store.pool.query<{ own: number; all: number; checks: number; options: string[] }>(
    `SELECT (SELECT count(*)::int FROM pg_index WHERE indrelid = $1::regclass) AS own,
            (SELECT count(*)::int FROM pg_index WHERE indrelid = 'deliveries'::regclass) AS all,
            (SELECT count(*)::int FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c') AS checks,
            (SELECT reloptions FROM pg_class WHERE oid = $1::regclass) AS options`,
    [partition!.name],
  );
  expect(rows).toEqual([
    {
      own: rows[0]!.all,
      all: rows[0]!.all,
      checks: 1,
      options: expect.arrayContaining(['autovacuum_freeze_min_age=0']),
    },
  ]);
});

test('stores rows in the partition of their week, to the millisecond', async () => {
  const week = weekOf(new Date());
  const first = await deliver(database.store, noOne(), week);
  const next = weeksAfter(week, 1);
  const last = await deliver(database.store, noOne(), new Date(next.getTime() - 1));
  const following = await deliver(database.store, noOne(), next);
  expect(await originsOf(database.store, first)).toEqual(placesIn(name(week)));
  expect(await originsOf(database.store, last)).toEqual(placesIn(name(week)));
  expect(await originsOf(database.store, following)).toEqual(placesIn(name(next)));
});

test('moves rows into the partition of their week when it is created later', async () => {
  const week = weeksAfter(weekOf(new Date()), 20);
  const early = await deliver(database.store, noOne(), new Date(week.getTime() + 1));
  const earlier = await deliver(database.store, noOne(), new Date(week.getTime() - 1));
  expect(await originsOf(database.store, early)).toEqual(placesIn('default'));
  await makePartitions(database.store, week);
  expect(await originsOf(database.store, early)).toEqual(placesIn(name(week)));
  expect(await originsOf(database.store, earlier)).toEqual(placesIn('default'));
});

test('creates nothing and blocks others only shortly when a table is locked for long', async () => {
  const reader = new Client({ connectionString: database.url });
  await reader.connect();
  await reader.query('BEGIN');
  await reader.query('SELECT count(*) FROM attempts');
  const week = weeksAfter(weekOf(new Date()), 30);
  const before = await names();
  expect(await makePartitions(database.store, week)).toBe(false);
  expect(await names()).toEqual(before);
  await reader.query('COMMIT');
  await reader.end();
  expect(await makePartitions(database.store, week)).toBe(true);
});
