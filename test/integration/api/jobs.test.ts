/** Jobs: which deliveries they are for, their limits, and their resource. What they do is in test/e2e/jobs.test.ts. */
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { expectStatus, newAccount } from '../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const start = (body: object, headers: Record<string, string> = {}) => api.ask('POST', '/v1/jobs', body, headers);
const count = async (action: string, filter: object, more: object = {}) =>
  expectStatus(await start({ action, filter, dryRun: true, ...more }), 200).body.total as number;

/** An account with a delivery in each of these states, the oldest first. */
async function deliveriesIn(...states: string[]) {
  const account = await newAccount(api.ask, 'standard');
  await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: 'https://hooks.example.com',
    eventTypes: [],
  });
  const ids: string[] = [];
  for (const [index, state] of states.entries()) {
    const event = { type: index % 2 === 0 ? 'even.one' : 'odd.one', data: index };
    const { deliveries } = expectStatus(await api.ask('POST', `/v1/accounts/${account.id}/events`, event), 202).body;
    ids.push(deliveries[0].id);
    await api.database.store.pool.query('UPDATE deliveries SET state = $2 WHERE id = $1', [ids.at(-1), state]);
  }
  return { accountId: account.id as string, apiKey: account.apiKey as string, ids: ids.sort() };
}

test.each<[action: string, total: number]>([
  ['retry', 2],
  ['pause', 3],
  ['resume', 1],
  ['cancel', 4],
  ['redeliver', 1],
])('%s counts the deliveries that accept it, and changes nothing', async (action, total) => {
  const states = ['retrying', 'failed', 'pending', 'delivered', 'paused', 'cancelled', 'retrying'];
  const { accountId } = await deliveriesIn(...states);
  await api.database.store.pool.query(
    `UPDATE deliveries SET state_reason = 'by hand' WHERE account_id = $1 AND state = 'paused'`,
    [accountId],
  );
  expect(await count(action, { accountId })).toBe(total);
  const { body } = await api.ask('GET', `/v1/deliveries?accountId=${accountId}`);
  expect(body.data.map(({ state }: { state: string }) => state).sort()).toEqual(states.sort());
});

test('is narrowed by deliveries, event, event type, provider and time', async () => {
  const { accountId, ids } = await deliveriesIn('failed', 'failed', 'failed');
  const { createdAt, eventId } = (await api.ask('GET', `/v1/deliveries/${ids[0]}`)).body;
  expect(await count('redeliver', { accountId, deliveryIds: ids.slice(1) })).toBe(2);
  expect(await count('redeliver', { accountId, eventId })).toBe(1);
  expect(await count('redeliver', { accountId, eventType: 'odd.one' })).toBe(1);
  expect(await count('redeliver', { accountId, provider: 'bird' })).toBe(0);
  expect(await count('redeliver', { accountId, orderingKey: 'none' })).toBe(0);
  expect(await count('redeliver', { accountId, from: createdAt })).toBe(3);
  expect(await count('redeliver', { accountId, to: createdAt })).toBe(0);
});

test('resume skips what waits for its subscription or account', async () => {
  const { accountId } = await deliveriesIn('paused', 'paused', 'paused', 'paused');
  const { rows } = await api.database.store.pool.query<{ id: string }>(
    'SELECT id FROM deliveries WHERE account_id = $1 ORDER BY id',
    [accountId],
  );
  const reasons = ['the subscription is disabled', 'the subscription is paused', 'the account is paused', 'lunch'];
  for (const [index, reason] of reasons.entries())
    await api.database.store.pool.query('UPDATE deliveries SET state_reason = $2 WHERE id = $1', [
      rows[index]!.id,
      reason,
    ]);
  expect(await count('resume', { accountId })).toBe(1);
});

test.each([
  ['redeliver', ['failed', 'pending'], 'filter.states[1]'],
  ['cancel', ['delivered'], 'filter.states[0]'],
  ['retry', ['retrying', 'paused'], 'filter.states[1]'],
  ['pause', ['paused'], 'filter.states[0]'],
  ['resume', ['pending'], 'filter.states[0]'],
  ['redeliver', ['delivered'], 'allowDelivered'],
])('%s of %j names what to change', async (action, states, path) => {
  const response = await start({ action, filter: { states } });
  expect([response.status, response.body.errors[0].path]).toEqual([422, path]);
});

test('delivered deliveries are redelivered when the request allows it', async () => {
  const { accountId } = await deliveriesIn('delivered', 'failed');
  const filter = { accountId, states: ['delivered'] };
  expect(await count('redeliver', filter, { allowDelivered: true })).toBe(1);
});

test('is started without Temporal, and can be paused, resumed with another rate, and cancelled', async () => {
  const { accountId } = await deliveriesIn('failed');
  const started = await start({ action: 'redeliver', filter: { accountId }, ratePerSecond: 7 });
  expect(started).toMatchObject({
    status: 202,
    body: {
      id: expect.stringMatching(/^job_/),
      accountId: null,
      action: 'redeliver',
      filter: { accountId, states: ['failed'], to: expect.any(String) },
      ratePerSecond: 7,
      state: 'running',
      ...{ total: null, done: 0, skipped: 0, endedAt: null },
    },
  });
  const { id } = started.body;
  expect((await api.ask('GET', `/v1/jobs/${id}`)).body).toEqual(started.body);
  const command = (name: string, body?: object) => api.ask('POST', `/v1/jobs/${id}/${name}`, body);
  expect(await command('pause')).toMatchObject({ status: 200, body: { state: 'paused', ratePerSecond: 7 } });
  const resumed = await command('resume', { ratePerSecond: 9 });
  expect(resumed).toMatchObject({ status: 200, body: { state: 'running', ratePerSecond: 9 } });
  expect(await command('cancel')).toMatchObject({
    status: 200,
    body: { state: 'cancelled', endedAt: expect.any(String) },
  });
  for (const name of ['pause', 'resume', 'cancel'])
    expect(await command(name)).toMatchObject({ status: 409, body: { code: 'conflict' } });
  const { data } = (await api.ask('GET', '/v1/jobs?limit=1')).body;
  expect(data).toMatchObject([{ id, state: 'cancelled' }]);
});

test('a repeated request with its key starts one job', async () => {
  const { accountId } = await deliveriesIn('failed');
  const key = { 'idempotency-key': 'one' };
  const body = { action: 'redeliver', filter: { accountId } };
  const [first, second] = [await start(body, key), await start(body, key)];
  expect([first.status, second.status]).toEqual([202, 202]);
  expect(second.body).toEqual(first.body);
  const { data } = (await api.ask('GET', '/v1/jobs')).body;
  expect(data.filter(({ filter }: { filter: { accountId?: string } }) => filter.accountId === accountId)).toHaveLength(
    1,
  );
});

test('an account has five jobs that have not ended, and can start another one after one has ended', async () => {
  const { apiKey } = await deliveriesIn('failed');
  const own = { authorization: `Bearer ${apiKey}` };
  const body = { action: 'redeliver', filter: {} };
  const started = await Promise.all(Array.from({ length: 7 }, () => start(body, own)));
  expect(started.map(({ status }) => status).sort()).toEqual([202, 202, 202, 202, 202, 409, 409]);
  expect(started.find(({ status }) => status === 409)!.body).toMatchObject({ code: 'quota_exceeded' });
  const { id } = started.find(({ status }) => status === 202)!.body;
  expect((await api.ask('POST', `/v1/jobs/${id}/cancel`, undefined, own)).status).toBe(200);
  expect((await start(body, own)).status).toBe(202);
});
