/**
 * The query plans of all important statements. Tables this small would be read by a sequential scan; with these disabled, the
 * plan shows whether an index can be used, and how many partitions the statement is planned for.
 */
import { Client } from 'pg';
import { explaining, nodesOf, type Explained } from '../../../tools/bench/storage/explain.js';
import { queries } from '../../../tools/bench/storage/queries.js';
import { makeOpen, makeOwner, type Sample } from '../../../tools/bench/storage/sample.js';
import { makePartitions } from '../../../src/store/partitions.js';
import { weekOf, weeksAfter } from '../../../src/store/weeks.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';

const PAST_WEEKS = 8;
const PARTITION = /^(events|event_bodies|deliveries|attempts)_/;

let database: TestDatabase;
let client: Client;
let sample: Sample;
beforeAll(async () => {
  database = await openTestDatabase();
  const { store } = database;
  for (let weeks = 1; weeks <= PAST_WEEKS; weeks += 1) {
    await makePartitions(store, weeksAfter(weekOf(new Date()), -weeks));
  }
  sample = await makeOpen(store, await makeOwner(store));
  client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query('SET enable_seqscan = off');
});
afterAll(async () => {
  await client.end();
  await database.close();
});

const scansOf = (explained: readonly Explained[]) =>
  explained.flatMap(({ plan }) => nodesOf(plan)).filter((node) => PARTITION.test(node['Relation Name'] ?? ''));

test.each(queries)('reads no partition sequentially to $name', async (query) => {
  const explained = await explaining(client, database.store.box, false, (store) => query.ask(store, sample));
  expect(explained.length).toBeGreaterThan(0);
  const whole = scansOf(explained).filter((node) => node['Node Type'] === 'Seq Scan');
  expect(whole.map((node) => node['Relation Name'])).toEqual([]);
});

test.each(queries.filter(({ when }) => when === 'delivery'))(
  'is planned for few partitions to $name',
  async (query) => {
    const explained = await explaining(client, database.store.box, false, (store) => query.ask(store, sample));
    const partitions = new Set(scansOf(explained).map((node) => node['Relation Name']));
    // One of each table, and at the start of a week also its neighbour.
    const weeks = new Set([...partitions].map((name) => name!.replace(PARTITION, '')));
    expect(weeks.size).toBeLessThanOrEqual(3);
  },
);
