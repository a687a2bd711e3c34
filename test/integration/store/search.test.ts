/** Searches that end before everything is read, on more rows than a page reads. */
import { listDeliveries } from '../../../src/store/deliveries/deliveries.js';
import { searchDeliveries, type DeliverySearch } from '../../../src/store/deliveries/search.js';
import { listEvents, type EventFilter } from '../../../src/store/events/list-events.js';
import { fill } from '../../../tools/bench/steps/fill.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';

/** More than a page of deliveries and a page of events read. */
const ROWS = 52_000;
const MEBIBYTE = 1_048_576;

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  await fill(database.url, ROWS, { days: 10 });
});
afterAll(() => database.close());

const query = async <Row extends object>(text: string, values: unknown[] = []) =>
  (await database.store.pool.query<Row>(text, values)).rows;
/** The oldest and the newest ids of a table. */
const ends = async (table: string): Promise<[string, string]> => {
  const [row] = await query<{ oldest: string; newest: string }>(
    `SELECT min(id) AS oldest, max(id) AS newest FROM ${table}`,
  );
  return [row!.oldest, row!.newest];
};

/** All pages of a search: what each has found, and whether it ended because enough were read. */
async function deliveryPages(search: Omit<DeliverySearch, 'limit'>, limit = 50) {
  const pages: { ids: string[]; isCut: boolean }[] = [];
  let beforeId: string | undefined;
  do {
    const page = await searchDeliveries(database.store, { ...search, beforeId, limit });
    pages.push({ ids: page.deliveries.map(({ id }) => id), isCut: page.isCut });
    beforeId = page.nextBeforeId ?? undefined;
  } while (beforeId !== undefined);
  return pages;
}

async function eventPages(filter: Omit<EventFilter, 'limit'>, limit = 50) {
  const pages: { ids: string[]; read: number }[] = [];
  let beforeId: string | undefined;
  do {
    const page = await listEvents(database.store, { ...filter, beforeId, limit });
    pages.push({ ids: page.events.map(({ id }) => id), read: page.read });
    beforeId = page.nextBeforeId ?? undefined;
  } while (beforeId !== undefined);
  return pages;
}

test('a page of deliveries reads 30,000, and the next one continues there', async () => {
  const [oldest, newest] = await ends('deliveries');
  await query('UPDATE deliveries SET last_status = 599 WHERE id = ANY($1)', [[oldest, newest]]);
  expect(await deliveryPages({ minStatus: 599, maxStatus: 599 })).toEqual([
    { ids: [newest], isCut: true },
    { ids: [oldest], isCut: false },
  ]);
  // A page that is full has read no more than it shows.
  expect(await deliveryPages({ minStatus: 599 }, 1)).toEqual([
    { ids: [newest], isCut: true },
    { ids: [oldest], isCut: false },
  ]);
  expect(await deliveryPages({ minStatus: 598, maxStatus: 598 })).toEqual([
    { ids: [], isCut: true },
    { ids: [], isCut: false },
  ]);
});

test('deliveries of a few subscriptions are merged in their sequence, to the last one', async () => {
  const owners = await query<{ id: string }>(
    'SELECT DISTINCT subscription_id AS id FROM deliveries ORDER BY 1 LIMIT 9',
  );
  for (const count of [1, 8, 9]) {
    const subscriptions = owners.slice(0, count).map(({ id }) => id);
    const expected = await query<{ id: string }>(
      'SELECT id FROM deliveries WHERE subscription_id = ANY($1) ORDER BY id DESC',
      [subscriptions],
    );
    const pages = await deliveryPages({ subscriptions: [subscriptions] }, 500);
    expect(pages.flatMap(({ ids }) => ids)).toEqual(expected.map(({ id }) => id));
  }
});

test('a page of events with a text reads 20,000, and the next one continues there', async () => {
  const [oldest, newest] = await ends('events');
  await query(`UPDATE events SET data = '{"note":"a rare one"}' WHERE id = ANY($1)`, [[oldest, newest]]);
  expect(await eventPages({ text: 'a rare one' })).toEqual([
    { ids: [newest], read: 20_000 },
    { ids: [], read: 20_000 },
    { ids: [oldest], read: ROWS - 40_000 },
  ]);
  expect((await eventPages({ text: 'a rare one' }, 1)).flatMap(({ ids }) => ids)).toEqual([newest, oldest]);
  // In any case in the type, as it is in the payload.
  expect((await listEvents(database.store, { text: 'USER.cre', limit: 1 })).events).toHaveLength(1);
  expect((await eventPages({ text: 'A RARE ONE' })).flatMap(({ ids }) => ids)).toEqual([]);
});

test('a page of events with a text ends after 32 MiB of payloads', async () => {
  const rows = await query<{ id: string }>('SELECT id FROM events ORDER BY id DESC LIMIT 70');
  const ids = rows.map(({ id }) => id);
  await query(`UPDATE events SET data = '"' || repeat('x', $2) || '"' WHERE id = ANY($1)`, [ids, MEBIBYTE]);
  const first = await listEvents(database.store, { text: 'no such text', limit: 50 });
  expect(first).toMatchObject({ events: [], read: 32, nextBeforeId: ids[31] });
  const second = await listEvents(database.store, { text: 'no such text', beforeId: ids[31], limit: 50 });
  expect(second).toMatchObject({ events: [], read: 32, nextBeforeId: ids[63] });
});

test('lists the deliveries of a state alike, whether few or many have it', async () => {
  const { store } = database;
  const failed = (await query<{ id: string }>(`SELECT id FROM deliveries WHERE state = 'failed' ORDER BY id DESC`)).map(
    ({ id }) => id,
  );
  const [from, before] = [failed[10]!, failed[2]!];
  for (const maxSorted of [failed.length, failed.length - 1]) {
    const list = async (range: { fromId?: string; beforeId?: string }) =>
      (await listDeliveries(store, { state: 'failed', limit: 5, ...range }, maxSorted)).map(({ id }) => id);
    expect(await list({})).toEqual(failed.slice(0, 5));
    expect(await list({ beforeId: before })).toEqual(failed.slice(3, 8));
    expect(await list({ fromId: from, beforeId: failed[8]! })).toEqual(failed.slice(9, 11));
  }
  expect(await listDeliveries(store, { state: 'cancelled', limit: 5 })).toEqual([]);
});
