/** Deliveries live: who gets which change, and what happens to those who come back. */
import pino from 'pino';
import { createDeliveryFeed, type Listener } from '../../../../src/api/deliveries/feed.js';
import { changeState } from '../../../../src/store/deliveries/state-changes.js';
import { ADMIN_KEY, startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { openEvents, type EventReader, type ServerSentEvent } from '../../../support/events.js';
import { emitted } from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
const open: EventReader[] = [];
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterEach(async () => {
  for (const reader of open.splice(0)) await reader.close();
});
afterAll(() => api.close());

async function watch(query = '', key = ADMIN_KEY, headers: Record<string, string> = {}): Promise<EventReader> {
  const url = `${api.url}/v1/deliveries/stream${query}`;
  const reader = await openEvents(url, { authorization: `Bearer ${key}`, ...headers });
  open.push(reader);
  return reader;
}

const pause = (deliveryId: string) =>
  changeState(api.database.store, { deliveryId, run: 0, state: 'paused', reason: 'for lunch', nextAttemptAt: null });

const about =
  (deliveryId: string, state: string) =>
  ({ event, data }: ServerSentEvent): boolean =>
    event === 'delivery' && data.id === deliveryId && data.state === state;

test('begins with a sign of life, says of new deliveries and of each change, as lists show them', async () => {
  const reader = await watch();
  expect(await reader.next()).toEqual({ event: 'ping', data: {} });
  const { deliveryId } = await emitted(api.ask, 'standard');
  await reader.next(about(deliveryId, 'pending'));
  await pause(deliveryId);
  const notified = await reader.next(about(deliveryId, 'paused'));
  expect(notified?.id).toMatch(/^\d+$/);
  const { data } = (await api.ask('GET', `/v1/deliveries?state=paused&limit=1`)).body;
  expect(notified?.data).toEqual(data[0]);
});

test('is narrowed by subscription and by state', async () => {
  const [one, other] = [await emitted(api.ask, 'standard'), await emitted(api.ask, 'standard')];
  const ofOne = await watch(`?subscriptionId=${one.subscription.id}&state=paused`);
  await pause(other.deliveryId);
  await pause(one.deliveryId);
  const first = await ofOne.next(({ event }) => event === 'delivery');
  expect(first?.data).toMatchObject({ id: one.deliveryId, state: 'paused' });
});

test('says an account of its own deliveries only', async () => {
  const [mine, other] = [await emitted(api.ask, 'standard'), await emitted(api.ask, 'standard')];
  const key = mine.account.apiKey as string;
  const readers = [await watch('', key), await watch(`?accountId=${mine.account.id}`, key)];
  await pause(other.deliveryId);
  await pause(mine.deliveryId);
  for (const reader of readers) {
    const notified = [];
    do notified.push(await reader.next(({ event }) => event === 'delivery'));
    while (notified.at(-1)?.data.state !== 'paused');
    expect(new Set(notified.map((event) => event?.data.accountId))).toEqual(new Set([mine.account.id]));
    expect(notified.at(-1)?.data.temporalUrl).toBeNull();
  }
});

test('says who comes back what was missed', async () => {
  const { deliveryId } = await emitted(api.ask, 'standard');
  const reader = await watch();
  await pause(deliveryId);
  const last = await reader.next(about(deliveryId, 'paused'));
  await reader.close();
  const missed = await emitted(api.ask, 'standard');
  await pause(missed.deliveryId);
  const back = await watch('', ADMIN_KEY, { 'last-event-id': last!.id! });
  expect(await back.next(about(missed.deliveryId, 'paused'))).toBeDefined();
});

test('asks a client that was disconnected for long to reload', async () => {
  const reader = await watch('', ADMIN_KEY, { 'last-event-id': '1' });
  expect((await reader.next(({ event }) => event !== 'ping'))?.event).toBe('reset');
});

test('takes no id that is none of its own', async () => {
  const response = await api.ask('GET', '/v1/deliveries/stream', undefined, { 'last-event-id': 'yesterday' });
  expect([response.status, response.body.errors[0].path]).toEqual([422, 'Last-Event-ID']);
});

test('ends when its key is revoked, and when its account is deleted', async () => {
  const [revoked, deleted, kept] = await Promise.all([1, 2, 3].map(() => emitted(api.ask, 'standard')));
  const readers = [];
  for (const { account } of [revoked!, deleted!, kept!]) readers.push(await watch('', account.apiKey as string));
  const { keys } = (await api.ask('GET', `/v1/accounts/${revoked!.account.id}`)).body;
  await api.ask('DELETE', `/v1/accounts/${revoked!.account.id}/keys/${keys[0].id}`);
  await api.ask('DELETE', `/v1/accounts/${deleted!.account.id}`);
  const isNever = () => false;
  expect(await readers[0]!.next(isNever)).toBeUndefined();
  expect(await readers[1]!.next(isNever)).toBeUndefined();
  await pause(kept!.deliveryId);
  expect(await readers[2]!.next(about(kept!.deliveryId, 'paused'))).toBeDefined();
});

test('is limited for each account, and never full for an operator', async () => {
  const one = await emitted(api.ask, 'standard');
  const other = await emitted(api.ask, 'standard');
  const ask = (key: string) =>
    fetch(`${api.url}/v1/deliveries/stream`, { headers: { authorization: `Bearer ${key}` } });
  for (let count = 0; count < 20; count += 1) await watch('', one.account.apiKey as string);
  const rejected = await ask(one.account.apiKey as string);
  expect([rejected.status, ((await rejected.json()) as { code: string }).code]).toEqual([429, 'rate_limited']);
  await watch('', other.account.apiKey as string);
  await watch();
});

describe('the feed', () => {
  const listener = (more: Partial<Listener> = {}): Listener => ({
    notify: () => undefined,
    reset: () => undefined,
    end: () => undefined,
    ...more,
  });

  test('has room for operators when accounts have taken theirs, and for accounts when operators have', async () => {
    const feed = createDeliveryFeed(api.database.store, pino({ level: 'silent' }), 60_000);
    const ofAccount = (index: number) => listener({ keyId: `key_${index}`, ownerId: `acc_${index}` });
    for (let index = 0; index < 20; index += 1) await feed.listen(ofAccount(0));
    await expect(feed.listen(ofAccount(0))).rejects.toMatchObject({ status: 429 });
    for (let index = 0; index < 380; index += 1) await feed.listen(ofAccount(1 + (index % 38)));
    await expect(feed.listen({ ...ofAccount(0), keyId: 'k', ownerId: 'acc_new' })).rejects.toMatchObject({
      status: 503,
    });
    for (let index = 0; index < 100; index += 1) await feed.listen(listener());
    await expect(feed.listen(listener())).rejects.toMatchObject({ status: 503 });
    await feed.stop();
  });

  test('checks all keys by one statement in each poll', async () => {
    const { store } = api.database;
    const asked = jest.spyOn(store.pool, 'query');
    const checks = () => asked.mock.calls.filter(([text]) => /FROM api_keys WHERE id = ANY/.test(String(text))).length;
    const feed = createDeliveryFeed(store, pino({ level: 'silent' }), 1);
    const count = await new Promise<number>((resolve) => {
      let open = 10;
      const end = () => void ((open -= 1) === 0 && resolve(checks()));
      for (let index = 0; index < 10; index += 1)
        void feed.listen(listener({ keyId: `key_none_${index}`, ownerId: 'acc_none', end }));
    });
    asked.mockRestore();
    await feed.stop();
    expect(count).toBe(1);
  });

  test('asks nothing of the database once no one listens', async () => {
    const { store } = api.database;
    const feed = createDeliveryFeed(store, pino({ level: 'silent' }), 1);
    const leave = await feed.listen(listener());
    leave();
    await feed.stop();
    const asked = jest.spyOn(store.pool, 'query');
    // Had it gone on, it would ask before a response from the database can be here.
    await store.pool.query('SELECT pg_sleep(0.05)');
    expect(asked.mock.calls.filter(([query]) => JSON.stringify(query).includes('updated_at >='))).toEqual([]);
    asked.mockRestore();
  });

  test('says each listener of its account alone', async () => {
    const feed = createDeliveryFeed(api.database.store, pino({ level: 'silent' }), 1);
    const [mine, other] = [await emitted(api.ask, 'standard'), await emitted(api.ask, 'standard')];
    const notified: Record<string, string[]> = { mine: [], noOne: [] };
    const note = (name: string) => (delivery: { accountId: string }) => void notified[name]!.push(delivery.accountId);
    await feed.listen(listener({ accountId: mine.account.id as string, notify: note('mine') }));
    await feed.listen(listener({ accountId: '', notify: note('noOne') }));
    // Who sees everything is notified after the others.
    const seen = new Set<string>();
    await new Promise<void>((resolve) => {
      const notify: Listener['notify'] = ({ id, state }) => {
        if (state === 'paused') seen.add(id);
        if (seen.has(mine.deliveryId) && seen.has(other.deliveryId)) resolve();
      };
      void feed.listen(listener({ notify })).then(() => Promise.all([pause(other.deliveryId), pause(mine.deliveryId)]));
    });
    await feed.stop();
    expect(new Set(notified.mine)).toEqual(new Set([mine.account.id]));
    expect(notified.noOne).toEqual([]);
  });

  test('ends its listeners when it stops', async () => {
    const feed = createDeliveryFeed(api.database.store, pino({ level: 'silent' }), 1);
    const end = jest.fn();
    await feed.listen(listener({ end }));
    await feed.stop();
    expect(end).toHaveBeenCalledTimes(1);
  });

  test('goes on after a moment without a database', async () => {
    const { store } = api.database;
    const feed = createDeliveryFeed(store, pino({ level: 'silent' }), 1);
    const { deliveryId } = await emitted(api.ask, 'standard');
    const notified = new Promise<void>((resolve) => {
      void feed.listen(listener({ notify: ({ id, state }) => id === deliveryId && state === 'paused' && resolve() }));
    });
    const away = jest.spyOn(store.pool, 'query').mockRejectedValueOnce(new Error('away') as never);
    await pause(deliveryId).catch(() => pause(deliveryId));
    await notified;
    away.mockRestore();
    await feed.stop();
  });
});
