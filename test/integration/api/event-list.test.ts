/** Lists of an account's events, on a real PostgreSQL. */
import fc from 'fast-check';
import { lowestIdAt, newId } from '../../../src/contract/ids.js';
import { insertEvents } from '../../../src/store/events/events.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { deliver, eventAt, idAt } from '../../support/past.js';
import { emitted, expectStatus, newAccount, paths } from '../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

interface Listed {
  readonly id: string;
  readonly deliveries: Record<string, number>;
}

/** All pages of a list, and the number of pages. */
async function listAll(accountId: string, query = ''): Promise<{ events: Listed[]; pages: number }> {
  const events: Listed[] = [];
  let cursor: string | null = null;
  for (let pages = 1; ; pages += 1) {
    const continued: string = cursor === null ? '' : `&cursor=${cursor}`;
    const response = await api.ask('GET', `/v1/accounts/${accountId}/events?${query}${continued}`);
    const { body } = expectStatus(response, 200);
    events.push(...body.data);
    cursor = body.nextCursor;
    if (cursor === null) return { events, pages };
  }
}

test('shows an event without its payload and with the number of its deliveries', async () => {
  const { account, event } = await emitted(api.ask, 'bird');
  const { body } = expectStatus(await api.ask('GET', `/v1/accounts/${account.id}/events`), 200);
  expect(body).toEqual({
    data: [
      {
        id: event.id,
        accountId: account.id,
        accountName: 'Acme',
        provider: 'bird',
        type: event.type,
        occurredAt: expect.any(String),
        channels: [],
        createdAt: expect.any(String),
        deliveries: { delivered: 0, failed: 0, cancelled: 0, open: 1 },
        messages: 0,
      },
    ],
    nextCursor: null,
    searched: null,
  });
});

const states = ['pending', 'retrying', 'paused', 'delivered', 'failed', 'cancelled'] as const;

test('has every event once, the newest first, with any filter and page size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          type: fc.constantFrom('a', 'b'),
          daysAgo: fc.integer({ min: 0, max: 20 }),
          states: fc.array(fc.constantFrom(...states), { maxLength: 3 }),
        }),
        { maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 5 }),
      async (events, limit) => {
        const { id: accountId } = await newAccount(api.ask, 'standard');
        const owner = { accountId, subscriptionId: newId('sub') };
        const written = events.map(({ type, daysAgo, states: given }) => {
          const time = new Date(Date.now() - daysAgo * 86_400_000);
          const row = eventAt(owner, time);
          const deliveries = given.map(() => ({ ...row.deliveries[0]!, id: idAt('dlv', time) }));
          return { type, states: given, row: { ...row, event: { ...row.event, type }, deliveries } };
        });
        await insertEvents(
          api.database.store,
          api.database.store.pool,
          written.map(({ row }) => row),
        );
        for (const { row, states: given } of written) {
          for (const [index, state] of given.entries()) {
            const set = 'UPDATE deliveries SET state = $2, owned = true WHERE id = $1';
            await api.database.store.pool.query(set, [row.deliveries[index]!.id, state]);
          }
        }
        const isOpen = (state: string): boolean => ['pending', 'retrying', 'paused', 'failed'].includes(state);
        for (const type of [undefined, 'a']) {
          for (const undelivered of [false, true]) {
            const expected = written
              .filter((event) => type === undefined || event.type === type)
              .filter((event) => !undelivered || !event.states.includes('delivered') || event.states.some(isOpen))
              .map(({ row }) => row.event.id);
            const filter = `${type ? `&type=${type}` : ''}${undelivered ? '&undelivered=true' : ''}`;
            const { events: listed } = await listAll(accountId, `limit=${limit}${filter}`);
            expect(listed.map(({ id }) => id)).toEqual(expected.sort().reverse());
          }
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('lists the events of a time', async () => {
  const { id: accountId } = await newAccount(api.ask, 'standard');
  const owner = { accountId, subscriptionId: newId('sub') };
  const times = ['2026-10-01T00:00:00.000Z', '2026-10-02T00:00:00.000Z', '2026-10-03T00:00:00.000Z'];
  const made = [];
  for (const time of times) made.push(await deliver(api.database.store, owner, new Date(time)));
  const { events } = await listAll(accountId, `from=${times[1]}&to=${times[2]}`);
  expect(events.map(({ id }) => id)).toEqual([made[1]!.eventId]);
});

test('reads a bounded number of events for a page, and continues where it stopped', async () => {
  const { id: accountId } = await newAccount(api.ask, 'standard');
  const owner = { accountId, subscriptionId: newId('sub') };
  const time = Date.now();
  const rare = { ...eventAt(owner, new Date(time - 86_400_000)), deliveries: [] };
  await insertEvents(api.database.store, api.database.store.pool, [
    { ...rare, event: { ...rare.event, type: 'rare' } },
  ]);
  await api.database.store.pool.query(
    `INSERT INTO events (id, account_id, type, occurred_at, channels, data)
     SELECT left($1, -5) || lpad(number::text, 5, '0'), $2, 'common', now(), '{}', '{}'
     FROM generate_series(1, 10050) AS number`,
    [lowestIdAt('evt', new Date(time)), accountId],
  );
  const { events, pages } = await listAll(accountId, 'type=rare');
  expect([events.map(({ id }) => id), pages]).toEqual([[rare.event.id], 2]);
});

test('rejects a wrong filter', async () => {
  const { id } = await newAccount(api.ask, 'standard');
  for (const [field, query] of [
    ['undelivered', 'undelivered=yes'],
    ['cursor', 'cursor=x'],
    ['limit', 'limit=251'],
    ['from', 'from=yesterday'],
    ['type', 'type='],
  ]) {
    const response = await api.ask('GET', `/v1/accounts/${id}/events?${query}`);
    expect([response.status, paths(response)]).toEqual([422, [field]]);
  }
});

test('an account sees its own events only', async () => {
  const [mine, other] = [await emitted(api.ask, 'standard'), await emitted(api.ask, 'standard')];
  const own = (id: string) =>
    api.ask('GET', `/v1/accounts/${id}/events`, undefined, { authorization: `Bearer ${mine.account.apiKey}` });
  expect((await own(mine.account.id)).body.data.map(({ id }: Listed) => id)).toEqual([mine.event.id]);
  expectStatus(await own(other.account.id), 404);
});
