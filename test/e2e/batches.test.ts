/** Batches on a real Temporal server: several events in one signed request, and what becomes of each. */
import { Webhook } from 'standardwebhooks';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem({}, undefined, { workflows: 'adaptive' }), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

/** What a receiver gets: a batch, with its events. */
interface Batch {
  readonly type: string;
  readonly data: readonly { readonly id: string; readonly type: string; readonly data: { readonly n: number } }[];
}

const LONG = { maxEvents: 3, maxWaitMs: 3_600_000 };
const post = async (path: string, body: object = {}) => {
  const response = await system.ask('POST', path, body);
  if (response.status >= 300) throw new Error(`${path}: ${response.text}`);
  return response.body;
};
const get = async (path: string) => (await system.ask('GET', path)).body;

async function subscribed(fields: object = { batch: LONG }) {
  const account = await post('/v1/accounts', { provider: 'standard', name: 'Acme' });
  const body = { url: `${receiver.url}/in`, eventTypes: [], ...fields };
  const subscription = await post(`/v1/accounts/${account.id}/subscriptions`, body);
  return { accountId: String(account.id), id: String(subscription.id), secret: String(subscription.secret) };
}

/** Emits events in one request; returns the ids of their deliveries. */
async function emit(accountId: string, numbers: readonly number[], fields: object = {}): Promise<string[]> {
  const events = numbers.map((n) => ({ type: 'user.created', data: { n }, ...fields }));
  const { results } = await post(`/v1/accounts/${accountId}/events`, { events });
  return results.map(({ deliveries }: { deliveries: [{ id: string }] }) => deliveries[0].id);
}

/** As if the first event had waited for an hour. */
const makeDue = (subscriptionId: string) =>
  system.database.store.pool.query('UPDATE open_batches SET due_at = now() WHERE subscription_id = $1', [
    subscriptionId,
  ]);
const batchOf = async (deliveryId: string): Promise<string> => {
  const { batchId } = await eventually(
    () => get(`/v1/deliveries/${deliveryId}`),
    (delivery: { batchId: string | null }) => delivery.batchId !== null,
  );
  return batchId!;
};
/** What arrived, each verified as a receiver does. */
const batches = (secret: string): Batch[] =>
  receiver.received.map(({ body, headers }) => new Webhook(secret).verify(body, headers) as Batch);
const numbers = (secret: string): number[][] => batches(secret).map(({ data }) => data.map(({ data: { n } }) => n));
const messageIds = (): (string | undefined)[] => receiver.received.map(({ headers }) => headers['webhook-id']);

test('as many events as a batch may have are sent in one signed request, and each has its outcome', async () => {
  const { accountId, secret } = await subscribed();
  const ids = await emit(accountId, [1, 2, 3]);
  await Promise.all(ids.map((id) => system.settled(id, 'delivered')));
  expect(numbers(secret)).toEqual([[1, 2, 3]]);
  const [batch] = batches(secret);
  expect(batch!.type).toBe('batch');
  const member = await get(`/v1/deliveries/${ids[1]}`);
  expect(batch!.data[1]!.id).toBe(member.eventId.replace('evt_', 'msg_'));
  expect(member).toMatchObject({
    ...{
      state: 'delivered',
      waitsForBatch: false,
      batchEvents: null,
      attemptCount: 1,
      workflowId: null,
      lastStatus: 200,
    },
    attempts: [{ number: 1, outcome: 'accepted' }],
  });
  const sent = await get(`/v1/deliveries/${member.batchId}`);
  expect(sent).toMatchObject({ type: 'pigeonpost.batch', batchEvents: 3, batchId: null, state: 'delivered' });
  const members = await get(`/v1/deliveries?batchId=${member.batchId}`);
  expect(members.data.map(({ id }: { id: string }) => id).reverse()).toEqual(ids);
  expect((await get(`/v1/deliveries/${ids[0]}/request`)).body).toBe(receiver.received[0]!.body);
  // A batch is no event of the account.
  const { data } = await get(`/v1/accounts/${accountId}/events`);
  expect(data.map(({ type }: { type: string }) => type)).toEqual(Array(3).fill('user.created'));
});

test('fewer events are sent when the first has waited long enough, also after a restart', async () => {
  const { accountId, secret } = await subscribed({ batch: { maxEvents: 100, maxWaitMs: 1_500 } });
  const [first, second] = await emit(accountId, [1, 2]);
  expect(await get(`/v1/deliveries/${first}`)).toMatchObject({ state: 'pending', waitsForBatch: true, schedule: [] });
  await system.restartWorker();
  await system.settled(first!, 'delivered');
  await system.settled(second!, 'delivered');
  expect(numbers(secret)).toEqual([[1, 2]]);
});

test('every attempt has the same id and the same body, and what follows is in another batch', async () => {
  receiver.reply(500, 200);
  const { accountId, secret } = await subscribed();
  const ids = await emit(accountId, [1, 2, 3]);
  const batch = await batchOf(ids[0]!);
  await system.settled(batch, 'retrying');
  const later = await emit(accountId, [4, 5, 6]);
  await Promise.all(later.map((id) => system.settled(id, 'delivered')));
  expect(await get(`/v1/deliveries/${ids[2]}`)).toMatchObject({ state: 'pending', attempts: [{ status: 500 }] });
  await post(`/v1/deliveries/${batch}/retry`);
  await Promise.all(ids.map((id) => system.settled(id, 'delivered')));
  expect(numbers(secret)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
    [1, 2, 3],
  ]);
  const [first, other, again] = messageIds();
  expect(again).toBe(first);
  expect(other).not.toBe(first);
  expect(receiver.received[2]!.body).toBe(receiver.received[0]!.body);
});

test('commands are for the batch; one event of it is redelivered alone, as a batch of one', async () => {
  receiver.reply(500);
  const { accountId, secret } = await subscribed();
  const ids = await emit(accountId, [1, 2, 3]);
  const batch = await batchOf(ids[0]!);
  await system.settled(batch, 'retrying');
  for (const command of ['cancel', 'pause', 'retry', 'skip', 'attempt']) {
    const refused = await system.ask('POST', `/v1/deliveries/${ids[0]}/${command}`);
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining(batch)]);
  }
  await post(`/v1/deliveries/${batch}/cancel`, { reason: 'enough' });
  for (const id of ids) expect(await system.settled(id, 'cancelled')).toMatchObject({ stateReason: 'enough' });
  receiver.clear();
  receiver.reply(200);
  await post(`/v1/deliveries/${ids[1]}/redeliver`);
  expect(await system.settled(ids[1]!, 'delivered')).toMatchObject({ batchId: null, redeliveries: 1 });
  await post(`/v1/deliveries/${batch}/redeliver`);
  await Promise.all([ids[0]!, ids[2]!].map((id) => system.settled(id, 'delivered')));
  expect(numbers(secret)).toEqual([[2], [1, 2, 3]]);
  const { eventId } = await get(`/v1/deliveries/${ids[1]}`);
  expect(messageIds()[0]).toBe(eventId.replace('evt_', 'msg_'));
});

test('one that waits can be cancelled, and is not in the batch', async () => {
  const { accountId, id, secret } = await subscribed();
  const ids = await emit(accountId, [1, 2]);
  expect((await system.ask('POST', `/v1/deliveries/${ids[0]}/retry`)).status).toBe(409);
  await post(`/v1/deliveries/${ids[0]}/cancel`);
  await system.settled(ids[0]!, 'cancelled');
  await makeDue(id);
  await system.settled(ids[1]!, 'delivered');
  expect(numbers(secret)).toEqual([[2]]);
});

test('ordered events have batches of their key, one after the other', async () => {
  receiver.reply((response, { body }) => response.writeHead(body.includes('"n":1}') ? 500 : 200).end());
  const { accountId, secret } = await subscribed();
  const ids = await emit(accountId, [1, 2, 3, 4, 5, 6], { orderingKey: 'a' });
  const head = await batchOf(ids[0]!);
  await system.settled(head, 'retrying');
  const next = await batchOf(ids[3]!);
  expect(await get(`/v1/deliveries/${next}`)).toMatchObject({ blocked: true, blockedBy: head, orderingKey: 'a' });
  const free = await emit(accountId, [7, 8, 9]);
  await Promise.all(free.map((id) => system.settled(id, 'delivered')));
  receiver.reply(200);
  await post(`/v1/deliveries/${head}/retry`);
  await Promise.all(ids.map((id) => system.settled(id, 'delivered')));
  expect(numbers(secret)).toEqual([
    [1, 2, 3],
    [7, 8, 9],
    [1, 2, 3],
    [4, 5, 6],
  ]);
});

test('batches of a subscription that is paused or disabled wait, and are cancelled when it is deleted', async () => {
  const { accountId, id, secret } = await subscribed();
  await post(`/v1/subscriptions/${id}/pause`);
  const ids = await emit(accountId, [1, 2, 3]);
  const batch = await batchOf(ids[0]!);
  await system.settled(batch, 'paused');
  expect(receiver.received).toEqual([]);
  await post(`/v1/subscriptions/${id}/resume`);
  await Promise.all(ids.map((each) => system.settled(each, 'delivered')));
  const waiting = await emit(accountId, [4, 5]);
  await system.ask('PATCH', `/v1/subscriptions/${id}`, { enabled: false });
  await makeDue(id);
  const held = await batchOf(waiting[0]!);
  await system.settled(held, 'paused');
  await system.ask('PATCH', `/v1/subscriptions/${id}`, { enabled: true });
  await Promise.all(waiting.map((each) => system.settled(each, 'delivered')));
  expect(numbers(secret)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  const last = await emit(accountId, [6, 7]);
  await system.ask('DELETE', `/v1/subscriptions/${id}`);
  await makeDue(id);
  await Promise.all(last.map((each) => system.settled(each, 'cancelled')));
  expect(receiver.received).toHaveLength(2);
});

test('test events, recoveries, and events with times of their own are sent alone; latest wins while they wait', async () => {
  const { accountId, id, secret } = await subscribed();
  const { deliveries } = await post(`/v1/subscriptions/${id}/test`);
  await system.settled(deliveries[0].id, 'delivered');
  const [expiring] = await emit(accountId, [1], { expiresAt: new Date(Date.now() + 60_000).toISOString() });
  await system.settled(expiring!, 'delivered');
  const [old] = await emit(accountId, [2], { supersedes: 'a' });
  const [newer] = await emit(accountId, [3], { supersedes: 'a' });
  await system.settled(old!, 'cancelled');
  await makeDue(id);
  await system.settled(newer!, 'delivered');
  expect(batches(secret).map(({ data }) => data.length)).toEqual([1, 1, 1]);
  expect(numbers(secret).slice(1)).toEqual([[1], [3]]);
});

test('each event is filtered and transformed for itself, and one that cannot be made fails alone', async () => {
  const { accountId, id, secret } = await subscribed({
    batch: LONG,
    filter: { 'data.n': { gte: 2 } },
    transformation: 'data.n = 3 ? $error("no") : {"n": data.n * 10}',
  });
  const events = [1, 2, 3, 4].map((n) => ({ type: 'user.created', data: { n } }));
  const { results } = await post(`/v1/accounts/${accountId}/events`, { events });
  const ids = results.map((each: { deliveries: { id: string }[] }) => each.deliveries[0]?.id) as (string | undefined)[];
  expect(ids[0]).toBeUndefined();
  await makeDue(id);
  await system.settled(ids[2]!, 'failed');
  await system.settled(ids[3]!, 'delivered');
  expect(numbers(secret)).toEqual([[20], [40]]);
});

test('an erased event is in no further request; the other events of its batch are sent without it', async () => {
  receiver.reply(500);
  const { accountId, secret } = await subscribed();
  const ids = await emit(accountId, [1, 2, 3]);
  const batch = await batchOf(ids[0]!);
  await system.settled(batch, 'retrying');
  receiver.reply(200);
  const { eventId } = await get(`/v1/deliveries/${ids[1]}`);
  await post(`/v1/events/${eventId}/erase`, { reason: 'request of the customer' });
  expect(await system.settled(ids[1]!, 'cancelled')).toMatchObject({ stateReason: 'erased' });
  await system.settled(ids[0]!, 'delivered');
  await system.settled(ids[2]!, 'delivered');
  expect(numbers(secret)).toEqual([
    [1, 2, 3],
    [1, 3],
  ]);
  const left = await system.database.store.pool.query(
    `SELECT FROM event_bodies b JOIN deliveries d USING (event_id)
    WHERE d.id = $1 AND b.body <> ''`,
    [batch],
  );
  expect(left.rows).toEqual([]);
});

test('what was collected is sent after the option was removed, and later events alone', async () => {
  const { accountId, id, secret } = await subscribed();
  const ids = await emit(accountId, [1, 2]);
  expect((await system.ask('PATCH', `/v1/subscriptions/${id}`, { batch: null })).body.batch).toBeNull();
  const [alone] = await emit(accountId, [3]);
  await system.settled(alone!, 'delivered');
  await makeDue(id);
  await Promise.all(ids.map((each) => system.settled(each, 'delivered')));
  expect((new Webhook(secret).verify(receiver.received[0]!.body, receiver.received[0]!.headers) as Batch).type).toBe(
    'user.created',
  );
  expect(JSON.parse(receiver.received[1]!.body).data).toHaveLength(2);
});
