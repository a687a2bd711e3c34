/** Order of deliveries with a key, on a real Temporal server: across retries, workers, restarts and commands. */
import pino from 'pino';
import { Sender } from '../../src/activities/direct/sender.js';
import { shareDependencies } from '../../src/activities/index.js';
import { createEgressClient } from '../../src/egress/client.js';
import { LOOPBACK } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver, type Reply } from '../support/receiver.js';
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

const TYPE = 'user.created';
let paths = 0;

interface Payload {
  readonly key: string | null;
  readonly n: number;
}

/** An account with a subscription at a path of its own. */
async function subscribed(fields: object = {}) {
  const path = `/in-${(paths += 1)}`;
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: `${receiver.url}${path}`, eventTypes: [TYPE], ...fields };
  const subscription = (await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body;
  return { accountId: String(account.id), subscriptionId: String(subscription.id), path };
}

/** Emits events in one request; returns the ids of their deliveries. */
async function emit(accountId: string, payloads: readonly Payload[]): Promise<string[]> {
  const events = payloads.map((data) => ({
    type: TYPE,
    data,
    ...(data.key === null ? {} : { orderingKey: data.key }),
  }));
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, { events });
  return body.results.map(({ deliveries }: { deliveries: [{ id: string }] }) => deliveries[0].id);
}

/** The payloads that arrived at a path. */
const arrived = (path: string): Payload[] =>
  receiver.received.filter((request) => request.path === path).map(({ body }) => JSON.parse(body).data as Payload);
/** The numbers of a key in the sequence of their arrival, repetitions included. */
const numbersOf = (path: string, key: string): number[] =>
  arrived(path).flatMap((payload) => (payload.key === key ? [payload.n] : []));

const deliveriesOf = (accountId: string) =>
  system
    .ask('GET', `/v1/deliveries?accountId=${accountId}&limit=250`)
    .then(({ body }) => body.data as { id: string; state: string; blocked: boolean; attemptCount: number }[]);

/** Waits until all deliveries of an account are in these states; retries are made at once. */
async function untilAll(accountId: string, count: number, ...states: string[]): Promise<void> {
  // Once after each attempt: a command that is repeated all the time delays the attempt that it asks for.
  const retried = new Set<string>();
  await eventually(
    async () => {
      const deliveries = await deliveriesOf(accountId);
      for (const { id, state, attemptCount } of deliveries) {
        if (state !== 'retrying' || states.includes(state) || retried.has(`${id} ${attemptCount}`)) continue;
        const { status } = await system.ask('POST', `/v1/deliveries/${id}/retry`);
        if (status === 202) retried.add(`${id} ${attemptCount}`);
      }
      return deliveries.filter(({ state }) => states.includes(state)).length;
    },
    (settled) => settled === count,
    60_000,
  );
}

/** Refuses the first request of each payload that matches. */
function refuseOnce(matches: (payload: Payload) => boolean): Reply {
  const seen = new Set<string>();
  return (response, { body, path }) => {
    const { data } = JSON.parse(body) as { data: Payload };
    const id = `${path} ${data.key} ${data.n}`;
    const refused = matches(data) && !seen.has(id);
    seen.add(id);
    response.writeHead(refused ? 500 : 200).end();
  };
}

const count = (length: number): number[] => Array.from({ length }, (_, n) => n);

test('delivers a key in sequence although first attempts fail, and does not hold up what has no key', async () => {
  receiver.reply(refuseOnce(({ key, n }) => key !== null && n % 2 === 0));
  const { accountId, path } = await subscribed();
  const payloads = count(4).flatMap((n) => ['a', 'b', null].map((key) => ({ key, n })));
  await emit(accountId, payloads);
  await untilAll(accountId, payloads.length, 'delivered');
  for (const key of ['a', 'b']) expect(numbersOf(path, key)).toEqual([0, 0, 1, 2, 2, 3]);
  expect(arrived(path).filter(({ key }) => key === null)).toHaveLength(4);
});

test('keeps the sequence over requests and a restart of the worker', async () => {
  receiver.reply(refuseOnce(({ n }) => n === 0));
  const { accountId, path } = await subscribed();
  for (const n of count(3)) await emit(accountId, [{ key: 'a', n }]);
  await eventually(
    async () => numbersOf(path, 'a').length,
    (arrivals) => arrivals > 0,
  );
  await system.stopWorker();
  for (const n of [3, 4]) await emit(accountId, [{ key: 'a', n }]);
  await system.restartWorker();
  await untilAll(accountId, 5, 'delivered');
  expect(numbersOf(path, 'a')).toEqual([0, 0, 1, 2, 3, 4]);
});

test('keeps the sequence with the senders of two workers', async () => {
  const { store } = system.database;
  const log = pino({ level: 'silent' });
  const egress = createEgressClient({
    allowNetworks: LOOPBACK,
    allowHttp: true,
    resolve: [],
    maxResponseBytes: 16_384,
  });
  const starter = { client: system.client, eager: false };
  const second = new Sender({ ...shareDependencies({ store, egress }), starter, log });
  await second.start();
  receiver.reply(refuseOnce(({ key, n }) => n === Number(key)));
  const { accountId, path } = await subscribed();
  const keys = count(5).map(String);
  for (const n of count(5)) {
    await emit(
      accountId,
      keys.map((key) => ({ key, n })),
    );
  }
  await untilAll(accountId, 25, 'delivered');
  for (const key of keys)
    expect(numbersOf(path, key)).toEqual(count(5).flatMap((n) => (n === Number(key) ? [n, n] : [n])));
  await second.stop();
  await egress.close();
});

test('a blocked delivery can be cancelled, and a head can be parked and resumed outside of the order', async () => {
  receiver.reply((response, { body }) => {
    const { data } = JSON.parse(body) as { data: Payload };
    response.writeHead(data.n === 0 ? 500 : 200).end();
  });
  const { accountId, subscriptionId, path } = await subscribed();
  const [head, second, third] = await emit(
    accountId,
    count(3).map((n) => ({ key: 'a', n })),
  );
  await system.settled(head!, 'retrying');
  const cancelled = await system.ask('POST', `/v1/deliveries/${second}/cancel`, { reason: 'not needed' });
  expect(cancelled.status).toBe(202);
  expect(await system.settled(second!, 'cancelled')).toMatchObject({ stateReason: 'not needed', workflow: null });
  const { body } = await system.ask('GET', `/v1/subscriptions/${subscriptionId}/ordering`);
  expect(body.data).toMatchObject([{ orderingKey: 'a', head, state: 'retrying', lastStatus: 500, waiting: 1 }]);
  expect((await system.ask('POST', `/v1/deliveries/${head}/park`, { reason: 'poisoned' })).status).toBe(202);
  expect(await system.settled(head!, 'paused')).toMatchObject({ stateReason: 'poisoned' });
  await system.settled(third!, 'delivered');
  receiver.reply(200);
  await system.ask('POST', `/v1/deliveries/${head}/retry`);
  await system.settled(head!, 'delivered');
  expect(numbersOf(path, 'a').filter((n) => n !== 0)).toEqual([2]);
});

test('a delivery that failed for good releases the next one, or blocks the key until it is parked', async () => {
  receiver.reply(410);
  for (const onOrderedFailure of ['continue', 'block']) {
    const { accountId, subscriptionId } = await subscribed({ onOrderedFailure });
    const [head, next] = await emit(
      accountId,
      count(2).map((n) => ({ key: 'a', n })),
    );
    await system.settled(head!, 'failed');
    const { blocked } = await system.settled(next!, 'pending', 'paused');
    expect({ onOrderedFailure, blocked }).toEqual({ onOrderedFailure, blocked: onOrderedFailure === 'block' });
    if (onOrderedFailure === 'block') {
      expect((await system.ask('POST', `/v1/deliveries/${head}/park`)).status).toBe(202);
      expect(await system.settled(head!, 'failed')).toBeDefined();
    }
    // The receiver's 410 has disabled the subscription.
    await system.settled(next!, 'paused');
    receiver.reply(200);
    await system.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { enabled: true });
    await system.settled(next!, 'delivered');
    receiver.reply(410);
  }
});

test('a delivery that is released while its subscription is paused is not sent before it is resumed', async () => {
  let finish: (() => void) | undefined;
  receiver.reply((response) => (finish = () => response.writeHead(200).end()));
  const { accountId, subscriptionId, path } = await subscribed();
  const [head, second, third] = await emit(
    accountId,
    count(3).map((n) => ({ key: 'a', n })),
  );
  await eventually(
    async () => numbersOf(path, 'a').length,
    (arrivals) => arrivals === 1,
  );
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`);
  receiver.reply(200);
  // The attempt in flight is finished, which ends the head.
  finish?.();
  await system.settled(head!, 'delivered');
  expect(await system.settled(second!, 'paused')).toMatchObject({
    stateReason: 'the subscription is paused',
    attemptCount: 0,
    blocked: false,
  });
  const [fourth] = await emit(accountId, [{ key: 'a', n: 3 }]);
  for (const id of [third!, fourth!])
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({ state: 'pending', blocked: true });
  expect(numbersOf(path, 'a')).toEqual([0]);
  await system.ask('POST', `/v1/subscriptions/${subscriptionId}/resume`, { ratePerSecond: 10 });
  await untilAll(accountId, 4, 'delivered');
  expect(numbersOf(path, 'a')).toEqual([0, 1, 2, 3]);
});

test('a head of a paused account waits, and the deliveries of its key follow it after the pause', async () => {
  receiver.reply(200);
  const { accountId, path } = await subscribed();
  await system.ask('POST', `/v1/accounts/${accountId}/pause`);
  const [head] = await emit(
    accountId,
    count(3).map((n) => ({ key: 'a', n })),
  );
  await system.settled(head!, 'paused');
  expect(arrived(path)).toEqual([]);
  await system.ask('POST', `/v1/accounts/${accountId}/resume`, { ratePerSecond: 10 });
  await untilAll(accountId, 3, 'delivered');
  expect(numbersOf(path, 'a')).toEqual([0, 1, 2]);
});
