/** Payloads that are encrypted at rest: everything that the system writes is searched for what its events contain. */
import pino from 'pino';
import { Webhook } from 'standardwebhooks';
import { Canaries } from '../support/canaries.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

const canaries = new Canaries();
const logged: string[] = [];
let system: TestSystem;
let receiver: Receiver;

beforeAll(async () => {
  const log = pino({ level: 'trace' }, { write: (line) => void logged.push(line) });
  [system, receiver] = await Promise.all([startSystem({}, log, { workflows: 'adaptive' }), startReceiver()]);
  seal(true);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

/** As after a start with another value of PIGEONPOST_ENCRYPT_PAYLOADS. */
function seal(on: boolean): void {
  Object.assign(system.database.store, { sealsPayloads: on });
}

const post = async (path: string, body: object = {}, status = 202) => {
  const response = await system.ask('POST', path, body);
  expect([path, response.status, response.text]).toEqual([path, status, expect.anything()]);
  return response.body;
};
const newAccount = async (): Promise<string> =>
  (await post('/v1/accounts', { provider: 'standard', name: 'Acme' }, 201)).id;
const subscribe = async (accountId: string, fields: object = {}): Promise<{ id: string; secret: string }> =>
  post(`/v1/accounts/${accountId}/subscriptions`, { url: `${receiver.url}/in`, eventTypes: [], ...fields }, 201);
const emit = async (accountId: string, data: unknown, fields: object = {}) =>
  post(`/v1/accounts/${accountId}/events`, { type: 'user.created', data, ...fields });
const firstOf = ({ deliveries }: { deliveries: { id: string }[] }): string => deliveries[0]!.id;
const payloadsOf = (secret: string): unknown[] =>
  receiver.received.map(({ body, headers }) => (new Webhook(secret).verify(body, headers) as { data: unknown }).data);

/** A receiver that refuses and repeats the request, as debugging receivers do. */
const echo = (): void =>
  receiver.reply((response, { body }) => {
    response.writeHead(500, { 'x-echo': body.slice(0, 200) }).end(body);
  });

test('no payload is in the database, a history or the log, and every way of reading and sending works', async () => {
  const accountId = await newAccount();
  const { id, secret } = await subscribe(accountId, { filter: { 'data.name': { exists: true } } });
  const name = canaries.text('a payload');

  // Refused with an echo, retried, and delivered again.
  echo();
  const event = await emit(accountId, { name, late: true });
  const first = firstOf(event);
  const refused = await system.settled(first, 'retrying');
  expect(refused.attempts[0]).toMatchObject({
    responseExcerpt: expect.stringContaining(name),
    responseHeaders: { 'x-echo': expect.stringContaining(name) },
  });
  receiver.reply(200);
  await post(`/v1/deliveries/${first}/retry`);
  await system.settled(first, 'delivered');
  await post(`/v1/deliveries/${first}/redeliver`, { allowDelivered: true });
  await receiver.waitFor(3);
  expect(payloadsOf(secret)).toEqual(Array(3).fill({ name, late: true }));
  expect((await system.ask('GET', `/v1/events/${event.id}`)).body.data).toEqual({ name, late: true });
  expect((await system.ask('GET', `/v1/deliveries/${first}/request`)).body.body).toContain(name);

  // Many at once are sent without a workflow, with times, keys and priorities.
  receiver.clear();
  const names = Array.from({ length: 40 }, () => ({ name: canaries.text('one of many payloads') }));
  const events = names.map((data, n) => ({
    type: 'user.created',
    data,
    ...(n % 4 === 1 ? { orderingKey: 'a' } : {}),
    ...(n % 4 === 2 ? { supersedes: `s${n}` } : {}),
    ...(n % 4 === 3 ? { priority: 'low' } : {}),
  }));
  await post(`/v1/accounts/${accountId}/events`, { events });
  await receiver.waitFor(40);
  expect(payloadsOf(secret)).toEqual(expect.arrayContaining(names));

  // Filters are tried on stored events, and a recovery sends what was missed.
  const tried = await post(`/v1/accounts/${accountId}/filters/test`, { filter: { 'data.name': name } }, 200);
  expect(JSON.stringify(tried)).toContain(event.id);
  receiver.clear();
  const late = await subscribe(accountId, { filter: { 'data.late': true } });
  await post(`/v1/subscriptions/${late.id}/recover`, { from: '2020-01-01T00:00:00Z', states: ['missing'] });
  await receiver.waitFor(1);
  expect(payloadsOf(late.secret)).toEqual([{ name, late: true }]);

  // Messages, paused deliveries, and transformations that quote the payload when they fail.
  const polled = await subscribe(accountId, { url: undefined, receivesBy: 'poll' });
  const failing = await subscribe(accountId, { transformation: '$error("no " & data.name)' });
  const casting = await subscribe(accountId, { transformation: '$number(data.name)' });
  await post(`/v1/subscriptions/${id}/pause`, {}, 200);
  const kept = canaries.text('a payload during a pause');
  const last = await emit(accountId, { name: kept });
  const page = await system.ask('GET', `/v1/subscriptions/${polled.id}/poll`);
  expect(page.text).toContain(kept);
  const byId = new Map<string, string>(
    last.deliveries.map((each: { id: string; subscriptionId: string }) => [each.subscriptionId, each.id]),
  );
  expect(await system.settled(byId.get(failing.id)!, 'failed')).toMatchObject({
    stateReason: expect.stringMatching(/^transformation failed: the expression failed with JSONata's error D3137/),
  });
  expect(await system.settled(byId.get(casting.id)!, 'failed')).toMatchObject({
    stateReason: expect.stringMatching(/^transformation failed: the expression failed with JSONata's error D3030/),
  });
  await post(`/v1/subscriptions/${id}/resume`, {}, 200);
  await system.settled(byId.get(id)!, 'delivered');

  await canaries.readTemporal(system.client);
  await canaries.readDatabase(system.database.store);
  canaries.write('the log', logged.join(''));
  expect(canaries.found()).toEqual([]);
  expect(canaries.count(/^the table events$/, event.id)).toBe(1);
  expect(canaries.count(/^the history/, first)).toBeGreaterThan(0);
  expect(canaries.count(/^the log/, first)).toBe(1);
});

test('rows from before and after the setting was changed are read beside each other', async () => {
  const accountId = await newAccount();
  const { secret } = await subscribe(accountId);
  const states: boolean[] = [false, true, false, true];
  const ids: string[] = [];
  echo();
  for (const [n, on] of states.entries()) {
    seal(on);
    ids.push(firstOf(await emit(accountId, { n })));
    await system.settled(ids[n]!, 'retrying');
  }
  receiver.clear();
  receiver.reply(200);
  for (const delivery of ids) await post(`/v1/deliveries/${delivery}/retry`);
  for (const delivery of ids) await system.settled(delivery, 'delivered');
  expect(payloadsOf(secret)).toEqual(expect.arrayContaining(states.map((_, n) => ({ n }))));
  for (const [n, delivery] of ids.entries())
    expect((await system.ask('GET', `/v1/deliveries/${delivery}`)).body.attempts[0]).toMatchObject({
      responseExcerpt: expect.stringContaining(`{"n":${n}}`),
    });
  const { rows } = await system.database.store.pool.query<{ sealed: boolean }>(
    'SELECT sealed IS NOT NULL AS sealed FROM events WHERE account_id = $1 ORDER BY id',
    [accountId],
  );
  expect(rows.map(({ sealed }) => sealed)).toEqual(states);
  const tried = await post(`/v1/accounts/${accountId}/filters/test`, { filter: { 'data.n': { gte: 2 } } }, 200);
  expect(tried).toMatchObject({ passed: 2, rejected: 2 });
});

test('an erasure removes what is sealed', async () => {
  seal(true);
  const accountId = await newAccount();
  await subscribe(accountId);
  echo();
  const event = await emit(accountId, { name: 'Kim' });
  await system.settled(firstOf(event), 'retrying');
  await post(`/v1/events/${event.id}/erase`, { reason: 'request of the customer' }, 200);
  const { pool } = system.database.store;
  const left = async () =>
    (
      await pool.query<{ count: number }>(
        `SELECT (SELECT count(*) FROM events WHERE id = $1 AND sealed IS NOT NULL)
              + (SELECT count(*) FROM event_bodies WHERE event_id = $1 AND sealed IS NOT NULL)
              + (SELECT count(*) FROM attempts WHERE delivery_id = $2 AND sealed IS NOT NULL) AS count`,
        [event.id, firstOf(event)],
      )
    ).rows[0]!.count;
  expect(Number(await eventually(left, (count) => Number(count) === 0))).toBe(0);
  expect((await system.ask('GET', `/v1/events/${event.id}`)).body).toMatchObject({ data: null });
});
