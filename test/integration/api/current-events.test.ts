/** Events are matched with subscriptions and settings as they are, although each API process caches them. */
import { emitOperations } from '../../../src/dispatch/operational-events.js';
import { loadEntry } from '../../../src/store/subscriptions/subscription-cache.js';
import { insertCurrentEvents } from '../../../src/store/events/events.js';
import { insertMissing } from '../../../src/store/recovery/missing.js';
import { startApi, type TestApi } from '../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventAt } from '../../support/past.js';
import { expectStatus, newAccount } from '../../support/samples.js';

const EVENT = { type: 'user.created', data: {} };
const FIELDS = { url: 'https://hooks.example.com/in', eventTypes: ['user.created'] };

let database: TestDatabase;
let changing: TestApi;
let emitting: TestApi;
beforeAll(async () => {
  database = await openTestDatabase();
  [changing, emitting] = [await startApi({ store: database.store }), await startApi({ store: database.store })];
});
afterAll(async () => {
  await changing.close();
  await emitting.close();
  await database.close();
});
afterEach(() => jest.restoreAllMocks());

const subscribe = async (accountId: string, fields: object = {}): Promise<string> =>
  expectStatus(await changing.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { ...FIELDS, ...fields }), 201)
    .body.id;
const emit = (accountId: string, body: unknown = EVENT, headers = {}) =>
  emitting.ask('POST', `/v1/accounts/${accountId}/events`, body, headers);
const countOf = async (table: 'events' | 'deliveries', accountId: string): Promise<number> => {
  const { rows } = await database.store.pool.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM ${table} WHERE account_id = $1`,
    [accountId],
  );
  return rows[0]!.count;
};

const pool = () => database.store.pool;

/** Lets `watch` run each named statement of the pool, and do something before or after it. */
function watchStatements(watch: (name: string | undefined, run: () => Promise<unknown>) => Promise<unknown>): void {
  const query = pool().query.bind(pool()) as (...args: unknown[]) => Promise<unknown>;
  const spy = jest.spyOn(pool(), 'query') as unknown as jest.SpyInstance<Promise<unknown>, unknown[]>;
  spy.mockImplementation((...args) => watch((args[0] as { name?: string }).name, () => query(...args)));
}

/** An account that the emitting API has cached. */
async function cached(fields: object = {}): Promise<string> {
  const { id } = await newAccount(changing.ask, 'standard', fields);
  expectStatus(await emit(id), 202);
  return id;
}

const receiversOf = ({ deliveries }: { deliveries: { subscriptionId: string }[] }): string[] =>
  deliveries.map(({ subscriptionId }) => subscriptionId);

test('an event goes to a subscription that another process has created, until that is disabled or deleted', async () => {
  const accountId = await cached();
  const id = await subscribe(accountId);
  expect(receiversOf((await emit(accountId)).body)).toEqual([id]);
  await changing.ask('PATCH', `/v1/subscriptions/${id}`, { enabled: false });
  expect(receiversOf((await emit(accountId)).body)).toEqual([]);
  await changing.ask('PATCH', `/v1/subscriptions/${id}`, { enabled: true });
  expect(receiversOf((await emit(accountId)).body)).toEqual([id]);
  await changing.ask('DELETE', `/v1/subscriptions/${id}`);
  expect(receiversOf((await emit(accountId)).body)).toEqual([]);
  expect([await countOf('events', accountId), await countOf('deliveries', accountId)]).toEqual([5, 2]);
});

test('a batch goes to a subscription that another process has created', async () => {
  const accountId = await cached();
  const id = await subscribe(accountId);
  const { results } = expectStatus(await emit(accountId, { events: [EVENT, {}, EVENT] }), 202).body;
  expect([receiversOf(results[0]), results[1].status, receiversOf(results[2])]).toEqual([[id], 422, [id]]);
  expect(await countOf('events', accountId)).toBe(3);
});

test('an idempotent event keeps the response of what was committed', async () => {
  const accountId = await cached();
  const id = await subscribe(accountId);
  const once = { 'idempotency-key': 'k-1' };
  const first = expectStatus(await emit(accountId, EVENT, once), 202);
  expect(receiversOf(first.body)).toEqual([id]);
  await changing.ask('DELETE', `/v1/subscriptions/${id}`);
  expect((await emit(accountId, EVENT, once)).text).toBe(first.text);
  expect(await countOf('deliveries', accountId)).toBe(1);
});

test('a refusal follows the settings that another process has changed', async () => {
  const { id } = await newAccount(changing.ask, 'bird');
  const broken = { type: 'sms.inbound', data: { note: 'nothing that is documented' } };
  expect((await emit(id, broken)).status).toBe(422);
  await changing.ask('PATCH', `/v1/accounts/${id}`, { validatePayloads: false });
  expectStatus(await emit(id, broken), 202);
  await changing.ask('PATCH', `/v1/accounts/${id}`, { validatePayloads: true });
  expect((await emit(id, { events: [broken] })).body.results).toMatchObject([{ status: 422 }]);
});

test.each<[string, unknown]>([
  ['an event', EVENT],
  ['an event that is refused', { type: 'user.created' }],
  ['a batch of which all is refused', { events: [{}] }],
])('%s of an account that another process has deleted gets a 404', async (_, body) => {
  const accountId = await cached();
  await changing.ask('DELETE', `/v1/accounts/${accountId}`);
  expect((await emit(accountId, body)).status).toBe(404);
  expect(await countOf('events', accountId)).toBe(1);
});

test('writes an event that no subscription wants only for the account as it is', async () => {
  const accountId = await cached();
  const id = await subscribe(accountId, { eventTypes: ['user.deleted'] });
  await changing.ask('PATCH', `/v1/subscriptions/${id}`, { eventTypes: ['user.created'] });
  expect(receiversOf((await emit(accountId)).body)).toEqual([id]);
});

test('a test event of a deleted subscription gets a 404', async () => {
  const accountId = await cached();
  const id = await subscribe(accountId);
  expectStatus(await emitting.ask('POST', `/v1/subscriptions/${id}/test`), 202);
  let deleted = false;
  watchStatements(async (name, run) => {
    // Between what the route has read and what it writes.
    if (name === 'insert-events' && !deleted) {
      deleted = true;
      await pool().query('UPDATE subscriptions SET deleted_at = now() WHERE id = $1', [id]);
    }
    return run();
  });
  expect((await emitting.ask('POST', `/v1/subscriptions/${id}/test`)).status).toBe(404);
  expect(await countOf('deliveries', accountId)).toBe(1);
});

test.each<[string, object]>([
  ['an event', {}],
  ['an idempotent event', { 'idempotency-key': 'k-1' }],
])('accepts %s of an account that changes each time, by making its changes wait', async (_, headers) => {
  const accountId = await cached();
  const id = await subscribe(accountId);
  const before = (await emit(accountId)).body;
  let changes = 0;
  const change = () => pool().query('UPDATE accounts SET name = $2 WHERE id = $1', [accountId, `${(changes += 1)}`]);
  watchStatements(async (name, run) => {
    const result = await run();
    if (name === 'load-cached-subscriptions') await change();
    return result;
  });
  await change();
  expect(receiversOf((await emit(accountId, EVENT, headers)).body)).toEqual([id]);
  expect(receiversOf(before)).toEqual([id]);
  expect(changes).toBe(3);
  expect(await countOf('events', accountId)).toBe(3);
});

test('writes the events of the other accounts when one account of a commit has changed', async () => {
  const [outdated, current] = [await cached(), await cached()];
  const versions = new Map<string, string>();
  for (const id of [outdated, current]) versions.set(id, (await loadEntry(database.store, id))!.version);
  await subscribe(outdated);
  const events = [outdated, current, outdated].map((accountId) =>
    eventAt({ accountId, subscriptionId: 'sub_1' }, new Date()),
  );
  expect(await insertCurrentEvents(database.store, database.store.pool, events, versions)).toEqual({
    outdated: new Set([outdated]),
    repeated: new Set(),
    blocked: new Set(),
  });
  expect([await countOf('events', outdated), await countOf('deliveries', outdated)]).toEqual([1, 0]);
  expect([await countOf('events', current), await countOf('deliveries', current)]).toEqual([2, 1]);
  const { rows } = await database.store.pool.query('SELECT event_id FROM event_bodies WHERE event_id = ANY($1)', [
    events.map(({ event }) => event.id),
  ]);
  expect(rows).toEqual([{ event_id: events[1]!.event.id }]);
});

test('an operational event goes to a subscription that was created before what it is about', async () => {
  const operators = await newAccount(changing.ask, 'standard', { receivesOperationalEvents: true });
  const id = await subscribe(operators.id, { eventTypes: [] });
  const owner = await newAccount(changing.ask, 'standard');
  const failing = await subscribe(owner.id);
  await emitOperations(database.store, 100);
  await changing.ask('PATCH', `/v1/subscriptions/${failing}`, { enabled: false });
  const { deliveryStarts } = await emitOperations(database.store, 10);
  expect(deliveryStarts).toMatchObject([{ subscriptionId: id }]);
});

test('recovers nothing for a subscription that is deleted by now', async () => {
  const accountId = await cached();
  const subscriptionId = await subscribe(accountId);
  const event = eventAt({ accountId, subscriptionId }, new Date());
  await database.store.pool.query('UPDATE subscriptions SET deleted_at = now() WHERE id = $1', [subscriptionId]);
  expect(await insertMissing(database.store, subscriptionId, [event])).toEqual([]);
});
