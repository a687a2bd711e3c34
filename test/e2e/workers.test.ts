/** Two workers of one system: they share its limits, and one continues what the other did not finish. */
import type { ServerResponse } from 'node:http';
import pino from 'pino';
import { newRecoveryId, recoveryWorkflowId, startRecovery } from '../../src/dispatch/recovery/recoveries.js';
import { loadReceiver } from '../../src/dispatch/recovery/find-recoverable.js';
import { contractOf } from '../../src/providers/registry.js';
import { eventually } from '../support/eventually.js';
import { environmentOf, runCommand, startProcess, type TestProcess } from '../support/process.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(180_000);

const silent = pino({ level: 'silent' });

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem({}, silent, { eagerActivities: false }), startReceiver()]);
});
afterAll(async () => {
  await receiver.close();
  await system.stop();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

/** Longest time for many deliveries on a busy machine, in milliseconds. */
const MAX_WAIT_MS = 120_000;

interface Subscribed {
  readonly accountId: string;
  readonly subscriptionId: string;
}

async function subscribe(provider: string, fields: object): Promise<Subscribed> {
  const account = (await system.ask('POST', '/v1/accounts', { provider, name: 'Acme' })).body;
  const body = { url: `${receiver.url}/in`, eventTypes: [], ...fields };
  const subscription = await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  return { accountId: account.id, subscriptionId: subscription.body.id };
}

/** Emits this many events; returns the ids of their deliveries. */
async function emit({ accountId }: Subscribed, count: number, type: string, data: unknown = {}): Promise<string[]> {
  const events = Array.from({ length: count }, () => ({ type, data }));
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, { events });
  return body.results.flatMap(({ deliveries }: { deliveries: { id: string }[] }) => deliveries.map(({ id }) => id));
}

/** Waits until all of them are in a state. */
async function all(ids: readonly string[], state: string): Promise<void> {
  await eventually(
    async () => {
      const query = 'SELECT count(*)::int AS count FROM deliveries WHERE id = ANY($1) AND state = $2';
      return (await system.database.store.pool.query<{ count: number }>(query, [ids, state])).rows[0]!.count;
    },
    (count) => count === ids.length,
    MAX_WAIT_MS,
  );
}

/** Those of them that are not finished. */
async function openAmong(ids: readonly string[]): Promise<{ id: string }[]> {
  const query = 'SELECT id FROM deliveries WHERE id = ANY($1) AND settled_at IS NULL';
  return (await system.database.store.pool.query<{ id: string }>(query, [ids])).rows;
}

/** Which processes made attempts of these deliveries. */
async function workersOf(ids: readonly string[]): Promise<Set<string>> {
  const histories = await Promise.all(
    ids.map((id) => system.client.workflow.getHandle(`delivery-${id}`).fetchHistory()),
  );
  const started = histories.flatMap(({ events }) => events!.map((event) => event.activityTaskStartedEventAttributes));
  return new Set(started.flatMap((attributes) => attributes?.identity ?? []));
}

describe('limits of a subscription', () => {
  let other: TestProcess;
  beforeAll(async () => (other = await startProcess(system, 'worker')));
  afterAll(async () => {
    other.kill();
    await other.ended;
  });

  test('hold for two workers together: attempts in flight', async () => {
    const LIMIT = 4;
    const open = new Set<ServerResponse>();
    let most = 0;
    receiver.reply((response) => {
      open.add(response);
      most = Math.max(most, open.size);
      // When all permits are used one is released, until no further request arrives.
      if (open.size < LIMIT && receiver.received.length < COUNT - LIMIT) return;
      const [oldest] = open;
      open.delete(oldest!);
      oldest!.writeHead(200).end();
    });
    const COUNT = 60;
    const subscribed = await subscribe('standard', { maxConcurrentAttempts: LIMIT });
    const ids = await emit(subscribed, COUNT, 'user.created');
    await receiver.waitFor(COUNT, MAX_WAIT_MS);
    for (const response of open) response.writeHead(200).end();
    await all(ids, 'delivered');
    expect(most).toBe(LIMIT);
    expect(receiver.received).toHaveLength(COUNT);
    expect((await workersOf(ids)).size).toBe(2);
  });

  test('hold for two workers together: attempts per second', async () => {
    const [RATE, COUNT] = [10, 40];
    const ids = await emit(await subscribe('standard', { ratePerSecond: RATE }), COUNT, 'user.created');
    await receiver.waitFor(COUNT, MAX_WAIT_MS);
    await all(ids, 'delivered');
    const times = receiver.received.map(({ at }) => at);
    // The number of intervals, with tolerance for the first and the last request.
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(((COUNT - 1) * 1_000) / RATE - 500);
    expect(receiver.received).toHaveLength(COUNT);
    expect((await workersOf(ids)).size).toBe(2);
  });
});

test('continues a recovery whose worker is killed within a page, and sends each delivery once', async () => {
  const subscribed = await subscribe('postmark', { eventTypes: ['Open'], messageStream: 'outbound' });
  receiver.reply(403);
  const ids = await emit(subscribed, 30, 'Open', contractOf('postmark').findEvent('Open')!.example);
  await all(ids, 'failed');
  receiver.clear();
  receiver.reply(200);

  await system.stopWorker();
  // Pages of ten: it dies in the second one, when some of it are started and others are not.
  const dying = await startProcess(system, 'worker', { point: 'start', when: 'after', matching: 'delivery', nth: 15 });
  const found = (await loadReceiver(system.database.store, subscribed.subscriptionId))!;
  const recoveryId = newRecoveryId(subscribed.subscriptionId);
  const scope = { ...subscribed, from: 0, to: Date.now() + 1_000, states: ['failed' as const], types: [] };
  const input = { recoveryId, scope, ratePerSecond: 1_000, pageSize: 10, pagesPerRun: 100 };
  expect(await startRecovery(system.client, found, input)).toBe(true);
  expect(await dying.ended).toBe('SIGKILL');

  const look = async () => (await system.ask('GET', `/v1/recoveries/${recoveryId}`)).body;
  expect(await look()).toMatchObject({ state: 'running', total: 30, recovered: 10 });
  const { rows } = await system.database.store.pool.query<{ run: number; count: number }>(
    'SELECT run, count(*)::int AS count FROM deliveries WHERE id = ANY($1) GROUP BY run ORDER BY run',
    [ids],
  );
  expect(rows).toEqual([
    { run: 0, count: 10 },
    { run: 1, count: 20 },
  ]);

  await system.restartWorker();
  await system.client.workflow.getHandle(recoveryWorkflowId(subscribed.subscriptionId)).result();
  expect(await look()).toMatchObject({ state: 'completed', total: 30, recovered: 30, skipped: 0 });
  // An attempt of the killed worker would wait for its timeout and then for its time in the schedule. Commands do not make
  // an attempt in flight again.
  // Twice, as a timeout that comes between a command and its effect makes the delivery wait again.
  for (let round = 0; round < 2; round += 1) {
    await Promise.all((await openAmong(ids)).map(({ id }) => system.ask('POST', `/v1/deliveries/${id}/retry`)));
    await eventually(
      () => openAmong(ids),
      (open) => open.length === 0,
      55_000,
    ).catch(() => undefined);
  }
  await all(ids, 'delivered');
  for (const id of ids)
    expect((await system.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({ redeliveries: 1 });
  // Only an attempt that was in flight at that moment may have been made twice, and then it is shown.
  const attempts = await system.database.store.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM attempts WHERE delivery_id = ANY($1) AND run = 1 AND outcome = 'accepted'`,
    [ids],
  );
  expect(attempts.rows[0]!.count).toBe(30);
  // More than the limit of the others, as the waits above add up to more than that.
}, 400_000);

test('waits for the response when a worker is stopped during a long request', async () => {
  await system.stopWorker();
  const worker = runCommand('worker', environmentOf(system));
  let reply: () => void = () => undefined;
  receiver.reply((response) => (reply = () => void response.writeHead(200).end()));
  const [id] = (await emit(await subscribe('standard', {}), 1, 'user.created')) as [string];
  await receiver.waitFor(1, MAX_WAIT_MS);
  worker.signal('SIGTERM');
  await eventually(
    async () => worker.printed(),
    (printed) => printed.includes('attempts in flight are finished first'),
  );
  // It accepts no more tasks, but has not ended.
  const [later] = (await emit(await subscribe('standard', {}), 1, 'user.created')) as [string];
  expect(receiver.received).toHaveLength(1);
  reply();
  expect(await worker.ended).toBe(0);
  expect((await system.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({
    state: 'delivered',
    attempts: [{ number: 1, outcome: 'accepted' }],
  });
  receiver.reply(200);
  await system.restartWorker();
  expect((await system.settled(later, 'delivered')).attempts).toMatchObject([{ number: 1, outcome: 'accepted' }]);
  expect(receiver.received).toHaveLength(2);
});
