/** Broadcasts: one event for all accounts of a provider, exactly once, also when processes die. */
import { Webhook } from 'standardwebhooks';
import { eventually } from '../support/eventually.js';
import { saveWorkflowHistory } from '../support/histories.js';
import { startProcess } from '../support/process.js';
import type { Death } from '../support/process-plan.js';
import { sweepOnce } from '../support/process-faults.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => receiver.clear());

/** Tests are kept apart by the metadata of their accounts. */
let plan: string;
let number = 0;
beforeEach(() => {
  plan = `plan-${(number += 1)}`;
});

const TYPE = 'terms.changed';

async function newAccount(fields: object = {}, subscriptions = 1) {
  const body = { provider: 'standard', name: 'Acme', metadata: { plan }, ...fields };
  const { id } = (await system.ask('POST', '/v1/accounts', body)).body;
  const secrets: string[] = [];
  for (let count = 0; count < subscriptions; count += 1) {
    const subscription = { url: `${receiver.url}/${id}`, eventTypes: [TYPE] };
    secrets.push((await system.ask('POST', `/v1/accounts/${id}/subscriptions`, subscription)).body.secret);
  }
  return { accountId: String(id), secrets };
}

async function newAccounts(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.push((await newAccount()).accountId);
  return ids;
}

const broadcast = (fields: object = {}, headers: Record<string, string> = {}) =>
  system.ask(
    'POST',
    '/v1/broadcasts',
    { provider: 'standard', type: TYPE, data: { version: 2 }, metadata: { plan }, ratePerSecond: 1_000, ...fields },
    headers,
  );
const show = async (id: string) => (await system.ask('GET', `/v1/broadcasts/${id}`)).body;
const until = (id: string, state: string) =>
  eventually(
    () => show(id),
    (shown) => shown.state === state,
    60_000,
  );

/** How many events of the broadcast each of these accounts has. */
async function eventsOf(accountIds: readonly string[]): Promise<number[]> {
  const { rows } = await system.database.store.pool.query<{ account_id: string; count: number }>(
    'SELECT account_id, count(*)::integer FROM events WHERE account_id = ANY($1) AND type = $2 GROUP BY account_id',
    [accountIds, TYPE],
  );
  const counts = new Map(rows.map(({ account_id, count }) => [account_id, count]));
  return accountIds.map((id) => counts.get(id) ?? 0);
}

const once = (accountIds: readonly string[]) => accountIds.map(() => 1);

test('each account of the scope gets the event, signed with its own secrets, and the others do not', async () => {
  const [first, second] = [await newAccount(), await newAccount({}, 2)];
  const silent = await newAccount({}, 0);
  const others = [await newAccount({ metadata: {} }), await newAccount({ environment: 'test' })];
  const scope = { environment: 'live' };
  const counted = await broadcast({ ...scope, dryRun: true });
  expect(counted).toMatchObject({ status: 200, body: { dryRun: true, accounts: 3, withSubscriptions: 2 } });
  const { status, body } = await broadcast({ ...scope, data: { version: 2.0 } });
  expect([status, body]).toEqual([202, expect.objectContaining({ state: 'running', total: 3, emitted: 0 })]);
  expect(await until(body.id, 'completed')).toMatchObject({ emitted: 3, skipped: 0, deliveries: 3 });
  const requests = await receiver.waitFor(3);
  for (const { accountId, secrets } of [first, second])
    for (const secret of secrets) {
      const own = requests.filter(({ path }) => path === `/${accountId}`);
      const verified = own.flatMap(({ body, headers }) => {
        try {
          return [new Webhook(secret).verify(body, headers)];
        } catch {
          return [];
        }
      });
      expect(verified).toMatchObject([{ type: TYPE, data: { version: 2 } }]);
    }
  expect(await eventsOf([first, second, silent].map(({ accountId }) => accountId))).toEqual([1, 1, 1]);
  expect(await eventsOf(others.map(({ accountId }) => accountId))).toEqual([0, 0]);
  await system.client.workflow.getHandle(`broadcast-${body.id}`).result();
  await saveWorkflowHistory(system.client, 'broadcast-completed', `broadcast-${body.id}`);
  const { rows } = await system.database.store.pool.query('SELECT payload FROM broadcasts WHERE id = $1', [body.id]);
  expect(rows).toEqual([{ payload: null }]);
  expect((await system.ask('GET', '/v1/broadcasts?limit=1')).body.data).toMatchObject([{ id: body.id }]);
  expect((await system.ask('POST', `/v1/broadcasts/${body.id}/cancel`)).status).toBe(409);
});

test('is paused, resumed at another rate, and emits to each account once', async () => {
  const accountIds = await newAccounts(6);
  const { body } = await broadcast({ ratePerSecond: 1 });
  await eventually(
    () => show(body.id),
    ({ emitted }) => emitted > 0,
  );
  expect((await system.ask('POST', `/v1/broadcasts/${body.id}/pause`)).body.state).toBe('paused');
  await system.client.workflow.getHandle(`broadcast-${body.id}`).result();
  const { emitted } = await show(body.id);
  expect(emitted).toBeLessThan(6);
  await saveWorkflowHistory(system.client, 'broadcast-paused', `broadcast-${body.id}`);
  const resumed = await system.ask('POST', `/v1/broadcasts/${body.id}/resume`, { ratePerSecond: 500 });
  expect(resumed.body).toMatchObject({ state: 'running', ratePerSecond: 500, emitted });
  expect(await until(body.id, 'completed')).toMatchObject({ emitted: 6, deliveries: 6 });
  expect(await eventsOf(accountIds)).toEqual(once(accountIds));
});

test.each([
  ['in the API', 'broadcast-cancelled', (id: string) => system.ask('POST', `/v1/broadcasts/${id}/cancel`)],
  [
    'in Temporal',
    'broadcast-cancelled-in-temporal',
    (id: string) => system.client.workflow.getHandle(`broadcast-${id}`).cancel(),
  ],
])('cancelled %s it stops, and what was emitted is delivered', async (_where, name, cancel) => {
  const accountIds = await newAccounts(4);
  const { body } = await broadcast({ ratePerSecond: 1 });
  await eventually(
    () => show(body.id),
    ({ emitted }) => emitted > 0,
  );
  await cancel(body.id);
  const { emitted } = await until(body.id, 'cancelled');
  await system.client.workflow
    .getHandle(`broadcast-${body.id}`)
    .result()
    .catch(() => undefined);
  await saveWorkflowHistory(system.client, name, `broadcast-${body.id}`);
  expect((await eventsOf(accountIds)).reduce((sum, count) => sum + count)).toBe(emitted);
  expect(emitted).toBeLessThan(4);
  await receiver.waitFor(emitted);
  expect((await system.ask('POST', `/v1/broadcasts/${body.id}/resume`)).status).toBe(409);
});

test('a repeated request with its key gets the same broadcast', async () => {
  const accountIds = await newAccounts(2);
  const key = { 'idempotency-key': plan };
  const [first, second] = [await broadcast({}, key), await broadcast({}, key)];
  expect([first.status, second.body.id]).toEqual([202, first.body.id]);
  await until(first.body.id, 'completed');
  expect(await eventsOf(accountIds)).toEqual(once(accountIds));
  expect((await broadcast({ data: 3 }, key)).status).toBe(422);
});

test('accounts that are created or deleted at the same time do not hold it up', async () => {
  const accountIds = await newAccounts(3);
  const { body } = await broadcast({ ratePerSecond: 1 });
  await eventually(
    () => show(body.id),
    ({ emitted }) => emitted > 0,
  );
  await system.ask('DELETE', `/v1/accounts/${accountIds[2]}`);
  const later = await newAccount();
  await system.ask('POST', `/v1/broadcasts/${body.id}/resume`, { ratePerSecond: 100 });
  await until(body.id, 'completed');
  expect(await eventsOf([...accountIds.slice(0, 2), later.accountId])).toEqual([1, 1, 0]);
});

test('the sweep starts one whose workflow was not started', async () => {
  const accountIds = await newAccounts(1);
  const { body } = await broadcast({ ratePerSecond: 1 });
  await system.client.workflow.getHandle(`broadcast-${body.id}`).terminate('lost');
  await sweepOnce(system.database.store, system.client);
  await until(body.id, 'completed');
  expect(await eventsOf(accountIds)).toEqual(once(accountIds));
});

describe('a worker that dies', () => {
  afterEach(() => system.restartWorker());

  const at = (when: Death['when'], matching: string, nth = 1): Death => ({ point: 'statement', when, matching, nth });

  test.each<[where: string, death: Death]>([
    ['before it loads a page', at('before', 'load-running-broadcast', 2)],
    ['with the progress written', at('after', 'record-broadcast-page', 2)],
    ['with the events written, before the commit', at('after', 'insert-events', 2)],
    ['with the page committed, before it is dispatched and reported', at('after', 'COMMIT', 2)],
    ['before it records the end', at('before', `state = 'completed'`)],
  ])('%s emits to each account once', async (_where, death) => {
    const accountIds = await newAccounts(3);
    await system.stopWorker();
    const dying = await startProcess(system, 'worker', death);
    const { body } = await broadcast({ ratePerSecond: 1 });
    expect(await dying.ended).toBe('SIGKILL');
    // Temporal would wait for the dead worker until its heartbeat is overdue.
    await system.client.workflow.getHandle(`broadcast-${body.id}`).terminate('its worker is dead');
    await system.restartWorker();
    await sweepOnce(system.database.store, system.client);
    expect(await until(body.id, 'completed')).toMatchObject({ emitted: 3, deliveries: 3 });
    expect(await eventsOf(accountIds)).toEqual(once(accountIds));
    const { rows } = await system.database.store.pool.query<{ id: string }>(
      "UPDATE deliveries SET updated_at = now() - interval '11 s' WHERE account_id = ANY($1) AND NOT owned RETURNING id",
      [accountIds],
    );
    if (rows.length > 0) await sweepOnce(system.database.store, system.client);
    await receiver.waitFor(3);
    expect(receiver.received.map(({ path }) => path).sort()).toEqual(accountIds.map((id) => `/${id}`).sort());
  });
});
