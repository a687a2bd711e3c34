/** Circuit breakers of several senders on a real PostgreSQL: what they count together, and what waits. */
import type { Client } from '@temporalio/client';
import pino from 'pino';
import { Sender } from '../../../src/activities/direct/sender.js';
import { shareDependencies } from '../../../src/activities/index.js';
import type { Breaker, OpenBreaker } from '../../../src/contract/breaker.js';
import { advanceBreaker } from '../../../src/dispatch/commands/breakers.js';
import type { EgressClient, Exchange } from '../../../src/egress/types.js';
import { joinTrial, overdueBreakers } from '../../../src/store/subscriptions/breakers.js';
import { releaseExpired } from '../../../src/store/direct/senders.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { commitDirect } from '../../support/direct.js';
import { eventually } from '../../support/eventually.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const store = () => api.database.store;
const client = {
  withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
  workflow: {
    start: async (_type: string, { workflowId }: { workflowId: string }) => void started.push(workflowId),
  },
} as unknown as Client;
const started: string[] = [];
const woken: string[] = [];
const processes: (() => Promise<void>)[] = [];
let status: number;
let sent: number;
beforeEach(() => {
  [status, sent] = [503, 0];
  started.splice(0);
  woken.splice(0);
});
afterEach(async () => {
  await Promise.all(processes.splice(0).map((stop) => stop()));
  await store().pool.query(`UPDATE deliveries SET state = 'cancelled', owned = true`);
});

/** A worker process: a sender and what it counts. */
async function startProcess(): Promise<{ readonly stop: () => Promise<void> }> {
  const egress: EgressClient = {
    send: async ({ url }): Promise<Exchange> => {
      sent += 1;
      return { kind: 'response', status, headers: {}, excerpt: '', truncated: false, durationMs: 1, url };
    },
    close: async () => undefined,
  };
  const wakeBreaker = async ({ subscriptionId }: { subscriptionId: string }) => void woken.push(subscriptionId);
  const shared = shareDependencies({ store: store(), egress }, { wakeBreaker });
  const sender = new Sender({ ...shared, starter: { client, eager: false }, log: pino({ level: 'silent' }) });
  await sender.start();
  const stop = async () => {
    await sender.stop();
    await shared.breakers.stop();
  };
  processes.push(stop);
  return { stop };
}

async function subscribed(breaker: object | null = { minAttempts: 4, failureRate: 1, probeAfterS: 3_600, stages: 2 }) {
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscription = { url: 'http://127.0.0.1:9/in', eventTypes: ['user.created'], policy: { breaker } };
  const { body } = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, subscription);
  return { accountId: account.id as string, subscriptionId: body.id as string };
}

const stored = async (id: string) => {
  const { rows } = await store().pool.query<{ breaker: OpenBreaker | null }>(
    'SELECT breaker FROM subscriptions WHERE id = $1',
    [id],
  );
  return rows[0]!.breaker;
};
/** Commits direct deliveries; their ids, also of those that wait from the start. */
async function commit(accountId: string, count: number): Promise<string[]> {
  await commitDirect(store(), accountId, count);
  const { rows } = await store().pool.query<{ id: string }>(
    'SELECT id FROM deliveries WHERE account_id = $1 ORDER BY id DESC LIMIT $2',
    [accountId, count],
  );
  return rows.map(({ id }) => id).reverse();
}
const statesOf = async (ids: readonly string[]) => {
  const { rows } = await store().pool.query<{ text: string }>(
    `SELECT concat_ws(' ', state, attempts, sender_id) AS text FROM deliveries WHERE id = ANY($1) ORDER BY id`,
    [ids],
  );
  return rows.map(({ text }) => text);
};
const untilStates = (ids: readonly string[], state: string) =>
  eventually(
    () => statesOf(ids),
    (states) => states.length > 0 && states.every((text) => text.startsWith(state)),
  );
const advance = (subscriptionId: string, isDue = false) =>
  advanceBreaker({ store: store(), client }, { subscriptionId, isDue });

test('the failures of two processes open it together, and nothing more gets a workflow', async () => {
  const { accountId, subscriptionId } = await subscribed();
  const first = await startProcess();
  const retrying = await commit(accountId, 3);
  await untilStates(retrying, 'retrying');
  await first.stop();
  expect(await stored(subscriptionId)).toMatchObject({ kind: 'closed' });
  const second = await startProcess();
  await untilStates(await commit(accountId, 1), 'paused 1 breaker');
  expect(await stored(subscriptionId)).toMatchObject({ kind: 'open', attempts: 4, failures: 4 });
  await untilStates(await commit(accountId, 3), 'paused 0 breaker');
  await second.stop();
  expect(sent).toBe(4);
  expect(woken).toEqual([subscriptionId]);
  // Those that failed before it opened wait for their schedule in their workflows.
  expect(started.sort()).toEqual(retrying.map((id) => `delivery-${id}`));
});

test('what was accepted counts, also in another process, and costs no write before a failure', async () => {
  const { accountId, subscriptionId } = await subscribed({ minAttempts: 4, failureRate: 0.55 });
  await startProcess();
  status = 200;
  await untilStates(await commit(accountId, 3), 'delivered');
  expect(await stored(subscriptionId)).toBeNull();
  status = 503;
  await untilStates(await commit(accountId, 3), 'retrying');
  await eventually(
    () => stored(subscriptionId) as Promise<Breaker>,
    (breaker) => breaker?.kind === 'closed' && breaker.counts.reduce((sum, { failures }) => sum + failures, 0) === 3,
  );
  await untilStates(await commit(accountId, 1), 'paused 1');
  expect(await stored(subscriptionId)).toMatchObject({ kind: 'open', attempts: 7, failures: 4 });
});

test('a subscription without one counts nothing', async () => {
  const { accountId, subscriptionId } = await subscribed(null);
  await startProcess();
  await untilStates(await commit(accountId, 12), 'retrying');
  await Promise.all(processes.splice(0).map((stop) => stop()));
  expect(await stored(subscriptionId)).toBeNull();
});

/** An open breaker with waiting deliveries, one of which was attempted. */
async function open(count = 6) {
  const { accountId, subscriptionId } = await subscribed({ minAttempts: 1, probeAfterS: 3_600, stages: 2 });
  const { stop } = await startProcess();
  const ids = await commit(accountId, 1);
  await untilStates(ids, 'paused 1');
  ids.push(...(await commit(accountId, count - 1)));
  await untilStates(ids.slice(1), 'paused 0');
  await stop();
  processes.splice(0);
  sent = 0;
  return { accountId, subscriptionId, ids };
}

test('a new process makes the probe, trials and the rest in turn, from the state in the database', async () => {
  const { subscriptionId, ids } = await open();
  expect(await advance(subscriptionId)).toMatchObject({
    waitMs: expect.any(Number),
    state: expect.stringMatching('Open'),
  });
  status = 200;
  await startProcess();
  await advance(subscriptionId, true);
  await untilStates(ids.slice(0, 1), 'delivered 2');
  expect(sent).toBe(1);
  // A step that is repeated, as after a crash, sends nothing twice.
  await advance(subscriptionId);
  await advance(subscriptionId);
  await untilStates(ids.slice(1, 3), 'delivered');
  expect(sent).toBe(3);
  await advance(subscriptionId);
  await untilStates(ids, 'delivered');
  expect(await stored(subscriptionId)).toBeNull();
  expect(await advance(subscriptionId)).toMatchObject({ waitMs: null });
  expect(started).toEqual([]);
});

test('a probe that fails costs its delivery no position, and the next one is another delivery', async () => {
  const { subscriptionId, ids } = await open();
  await startProcess();
  await advance(subscriptionId, true);
  await untilStates(ids.slice(0, 1), 'paused 2 breaker');
  expect(await advance(subscriptionId)).toMatchObject({ state: expect.stringMatching('Open') });
  expect(await stored(subscriptionId)).toMatchObject({ failedProbes: 1, stage: 0, trial: [] });
  await advance(subscriptionId, true);
  await untilStates(ids.slice(1, 2), 'paused 1 breaker');
  const { rows } = await store().pool.query('SELECT DISTINCT schedule_position FROM deliveries WHERE id = ANY($1)', [
    ids.slice(0, 2),
  ]);
  expect(rows).toEqual([{ schedule_position: 0 }]);
  expect(started).toEqual([]);
});

test('a probe whose sender dies is sent by another one', async () => {
  const { subscriptionId, ids } = await open();
  await advance(subscriptionId, true);
  await store().pool.query(`INSERT INTO senders (id, expires_at) VALUES ('snd_dead', now() - interval '1 minute')`);
  await store().pool.query(`UPDATE deliveries SET sender_id = 'snd_dead' WHERE id = $1 AND state = 'pending'`, [
    ids[0],
  ]);
  await releaseExpired(store(), ['snd_dead']);
  status = 200;
  await startProcess();
  await untilStates(ids.slice(0, 1), 'delivered 3');
  await advance(subscriptionId);
  expect(await stored(subscriptionId)).toMatchObject({ stage: 1 });
});

test('at most ten retries by hand are part of a trial, and only one of the deliveries that are due is a probe', async () => {
  const { subscriptionId } = await open();
  const join = (index: number, byHand: boolean) =>
    joinTrial(store(), subscriptionId, { id: `dlv_${index}`, attempts: 0, byHand });
  expect(await join(0, false)).toBe(false);
  await store().pool.query(
    `UPDATE subscriptions SET breaker = jsonb_set(breaker, '{nextProbeAt}', '0') WHERE id = $1`,
    [subscriptionId],
  );
  expect(await Promise.all([join(1, false), join(2, false)])).toEqual(expect.arrayContaining([true, false]));
  for (let index = 10; index < 19; index += 1) expect(await join(index, true)).toBe(true);
  expect(await join(20, true)).toBe(false);
});

test('the sweep finds breakers whose probe is overdue while something waits, and what waits for a closed one', async () => {
  const { accountId, subscriptionId } = await open();
  const overdue = async () =>
    (await overdueBreakers(store(), { after: '', limit: 100 })).filter(
      (scope) => scope.subscriptionId === subscriptionId,
    );
  expect(await overdue()).toEqual([]);
  await store().pool.query(
    `UPDATE subscriptions SET breaker = jsonb_set(breaker, '{nextProbeAt}', '0') WHERE id = $1`,
    [subscriptionId],
  );
  expect(await overdue()).toEqual([{ accountId, subscriptionId }]);
  await store().pool.query('UPDATE subscriptions SET breaker = NULL, breaker_opened_at = NULL WHERE id = $1', [
    subscriptionId,
  ]);
  expect(await overdue()).toEqual([{ accountId, subscriptionId }]);
  await api.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`);
  expect(await overdue()).toEqual([]);
});
