/** Limits of subscriptions: a hanging receiver does not delay others, and a rejected attempt uses no attempt. */
import type { ServerResponse } from 'node:http';
import { eventually } from '../support/eventually.js';
import { saveHistory } from '../support/histories.js';
import { withoutTimeout } from '../support/without-timeout.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
let hanging: ServerResponse[] = [];
let maxHanging = 0;

beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem({}, undefined, { wrapEgress: withoutTimeout }), startReceiver()]);
});
afterAll(async () => {
  await receiver.close();
  await system.stop();
});
beforeEach(() => {
  receiver.clear();
  hanging = [];
  maxHanging = 0;
});

interface Subscribed {
  readonly id: string;
  /** Emits this many events in one request; returns the ids of their deliveries. */
  readonly emit: (count: number) => Promise<string[]>;
}

async function subscribe(path: string, fields: object = {}): Promise<Subscribed> {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscription = await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: `${receiver.url}${path}`,
    eventTypes: [],
    ...fields,
  });
  expect(subscription.status).toBe(201);
  return {
    id: subscription.body.id,
    emit: async (count) => {
      const events = Array.from({ length: count }, () => ({ type: 'user.created', data: {} }));
      const { body } = await system.ask('POST', `/v1/accounts/${account.id}/events`, { events });
      return body.results.map(({ deliveries }: { deliveries: { id: string }[] }) => deliveries[0]!.id);
    },
  };
}

/** Waits until all of them are delivered, for as long as a busy machine may need. */
async function delivered(ids: readonly string[]): Promise<void> {
  const query = `SELECT count(*)::int AS count FROM deliveries WHERE id = ANY($1) AND state = 'delivered'`;
  await eventually(
    async () => (await system.database.store.pool.query<{ count: number }>(query, [ids])).rows[0]!.count,
    (count) => count === ids.length,
    100_000,
  );
}

/** Never responds to requests to /slow, and at once to all others. */
function hangOnSlow(): void {
  receiver.reply((response, { path }) => {
    if (path !== '/slow') return void response.writeHead(200).end();
    hanging.push(response);
    response.on('close', () => hanging.splice(hanging.indexOf(response), 1));
    maxHanging = Math.max(maxHanging, hanging.length);
  });
}

function release(): void {
  receiver.reply(200);
  for (const response of [...hanging]) response.writeHead(200).end();
}

async function expectOneAttemptEach(ids: readonly string[]): Promise<void> {
  const { rows } = await system.database.store.pool.query(
    `SELECT state, attempts, schedule_position, count(*)::int FROM deliveries WHERE id = ANY($1) GROUP BY 1, 2, 3`,
    [ids],
  );
  expect(rows).toEqual([{ state: 'delivered', attempts: 1, schedule_position: 0, count: ids.length }]);
}

test.each([
  ['a limit of its own, which holds for all workers', { maxConcurrentAttempts: 5 }, 5],
  ['the common limit', {}, 50],
])('does not let a hanging receiver delay others: %s', async (_which, fields, limit) => {
  hangOnSlow();
  const slow = await subscribe('/slow', fields);
  const fast = await subscribe('/fast');
  // More than can be in flight and wait inside the worker.
  const waiting = await slow.emit(limit + 30);
  await receiver.waitFor(limit);
  const passing = await fast.emit(20);
  await receiver.waitFor(limit + 20);
  // In sequence: while the first requests hung, only those of the other subscription arrived.
  const paths = receiver.received.map(({ path }) => path);
  expect(paths.slice(0, limit)).toEqual(Array.from({ length: limit }, () => '/slow'));
  expect(paths.slice(limit)).toEqual(Array.from({ length: 20 }, () => '/fast'));
  expect(hanging).toHaveLength(limit);
  release();
  await delivered([...passing, ...waiting]);
  expect(maxHanging).toBe(limit);
  await expectOneAttemptEach([...passing, ...waiting]);
  const { rows } = await system.database.store.pool.query('SELECT * FROM attempt_permits');
  expect(rows).toEqual([]);
});

test('shows when a rejected delivery is retried, and applies commands before that', async () => {
  hangOnSlow();
  const slow = await subscribe('/slow', { maxConcurrentAttempts: 1 });
  const [first] = (await slow.emit(1)) as [string];
  await receiver.waitFor(1);
  const [second] = (await slow.emit(1)) as [string];
  const shown = await system.settled(second, 'pending');
  expect(shown.attempts).toEqual([]);
  await system.ask('POST', `/v1/deliveries/${second}/cancel`);
  await system.settled(second, 'cancelled');
  release();
  await system.settled(first, 'delivered');
  await saveHistory(system.client, 'cancelled-while-busy', second);
  expect(receiver.received).toHaveLength(1);
});

test('spaces attempts evenly by the rate, and queues each delivery once', async () => {
  const limited = await subscribe('/rate', { ratePerSecond: 10 });
  const ids = await limited.emit(40);
  await delivered(ids);
  const times = receiver.received.map(({ at }) => at);
  expect(times).toHaveLength(40);
  // 39 intervals of 100 ms; and within any second at most the rate, within the tolerance of a busy machine.
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(3_500);
  for (const at of times) expect(times.filter((other) => other >= at && other < at + 1_000).length).toBeLessThan(20);
  await expectOneAttemptEach(ids);
  const rounds = await Promise.all(
    ids.map(async (id) => {
      const { events } = await system.client.workflow.getHandle(`delivery-${id}`).fetchHistory();
      return events!.filter(({ timerStartedEventAttributes }) => timerStartedEventAttributes).length;
    }),
  );
  expect(Math.max(...rounds)).toBeLessThanOrEqual(2);
  await saveHistory(system.client, 'turned-away-then-accepted', ids[rounds.indexOf(1)]!);
});

test('shows, edits and removes limits', async () => {
  const { id } = await subscribe('/in', { maxConcurrentAttempts: 7, ratePerSecond: 0.5 });
  const edit = async (body: object) => (await system.ask('PATCH', `/v1/subscriptions/${id}`, body)).body;
  expect(await edit({})).toMatchObject({ maxConcurrentAttempts: 7, ratePerSecond: 0.5 });
  expect(await edit({ ratePerSecond: null })).toMatchObject({ maxConcurrentAttempts: 7, ratePerSecond: null });
  expect(await edit({ maxConcurrentAttempts: null })).toMatchObject({ maxConcurrentAttempts: null });
  for (const wrong of [{ maxConcurrentAttempts: 0 }, { maxConcurrentAttempts: 1.5 }, { ratePerSecond: 0.01 }]) {
    const reply = await system.ask('PATCH', `/v1/subscriptions/${id}`, wrong);
    expect([reply.status, reply.body.errors[0].path]).toEqual([422, Object.keys(wrong)[0]]);
  }
});
