/** Bulk actions: which deliveries they apply to, and their response. Cancelling is in test/e2e/bulk.test.ts. */
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { expectStatus, newAccount } from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const bulk = (body: object) => api.ask('POST', '/v1/deliveries/bulk', body);
const stateOf = async (id: string) => (await api.ask('GET', `/v1/deliveries/${id}`)).body.state as string;

/** An account with a delivery in each of these states, the oldest first. */
async function deliveriesIn(...states: string[]) {
  const account = await newAccount(api.ask, 'standard');
  const body = { url: 'https://hooks.example.com', eventTypes: [] };
  await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  const ids: string[] = [];
  for (const [index, state] of states.entries()) {
    const event = { type: index % 2 === 0 ? 'even.one' : 'odd.one', data: index };
    const { deliveries } = expectStatus(await api.ask('POST', `/v1/accounts/${account.id}/events`, event), 202).body;
    ids.push(deliveries[0].id);
    await api.database.store.pool.query('UPDATE deliveries SET state = $2 WHERE id = $1', [ids.at(-1), state]);
  }
  return { accountId: account.id as string, ids: ids.sort() };
}

test('redeliver takes what failed, and nothing else unless asked', async () => {
  const { accountId, ids } = await deliveriesIn('failed', 'delivered', 'pending', 'cancelled', 'failed');
  const filter = { accountId };
  const dry = await bulk({ action: 'redeliver', filter, dryRun: true });
  expect(dry.body).toEqual({ matched: 2, done: 0, refused: 0, more: false, nextCursor: null });
  expect(await Promise.all(ids.map(stateOf))).toContain('failed');
  const done = await bulk({ action: 'redeliver', filter });
  expect(done.body).toEqual({ matched: 2, done: 2, refused: 0, more: false, nextCursor: null });
  expect((await Promise.all(ids.map(stateOf))).sort()).toEqual([
    'cancelled',
    'delivered',
    'pending',
    'pending',
    'pending',
  ]);
  const others = await bulk({
    action: 'redeliver',
    filter: { ...filter, states: ['delivered', 'cancelled'] },
    allowDelivered: true,
  });
  expect(others.body).toMatchObject({ matched: 2, done: 2 });
});

test('retry counts what waits for its next attempt, and nothing else', async () => {
  const { accountId } = await deliveriesIn('retrying', 'failed', 'pending', 'retrying', 'paused');
  const dry = await bulk({ action: 'retry', filter: { accountId }, dryRun: true });
  expect(dry.body).toEqual({ matched: 2, done: 0, refused: 0, more: false, nextCursor: null });
});

test('is narrowed by event type, provider and time', async () => {
  const { accountId, ids } = await deliveriesIn('failed', 'failed', 'failed');
  const count = async (filter: object) =>
    (await bulk({ action: 'redeliver', filter: { accountId, ...filter }, dryRun: true })).body.matched as number;
  expect(await count({ eventType: 'odd.one' })).toBe(1);
  expect(await count({ provider: 'bird' })).toBe(0);
  expect(await count({ provider: 'standard' })).toBe(3);
  const { createdAt } = (await api.ask('GET', `/v1/deliveries/${ids[0]}`)).body;
  expect(await count({ from: createdAt })).toBe(3);
  expect(await count({ to: createdAt })).toBe(0);
});

test('goes on where the call before has ended, and takes nothing twice', async () => {
  const { accountId } = await deliveriesIn('failed', 'failed', 'failed');
  const command = {
    action: 'redeliver',
    filter: { accountId, states: ['failed', 'delivered'] },
    limit: 2,
    allowDelivered: true,
  };
  const { body: first } = await bulk(command);
  expect(first).toMatchObject({ matched: 2, done: 2, more: true });
  await api.database.store.pool.query(`UPDATE deliveries SET state = 'failed' WHERE account_id = $1`, [accountId]);
  const { body: second } = await bulk({ ...command, cursor: first.nextCursor });
  expect(second).toEqual({ matched: 1, done: 1, refused: 0, more: false, nextCursor: null });
});

test('delivered deliveries are redelivered only when the request allows it', async () => {
  const refused = await bulk({ action: 'redeliver', filter: { states: ['failed', 'delivered'] } });
  expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'allowDelivered']);
});

test.each([
  ['redeliver', ['failed', 'pending'], 'filter.states[1]'],
  ['cancel', ['delivered'], 'filter.states[0]'],
  ['retry', ['retrying', 'paused'], 'filter.states[1]'],
])('%s of %j names the state that it has nothing to do with', async (action, states, path) => {
  const response = await bulk({ action, filter: { states } });
  expect([response.status, response.body.errors[0].path]).toEqual([422, path]);
});
