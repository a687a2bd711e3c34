/** Idempotency keys of the calls that create accounts and subscriptions. */
import { deleteResponses } from '../../../src/store/events/idempotency.js';
import { createSecretBox } from '../../../src/store/secret-box.js';
import { startApi, startApiWithDatabase } from '../../support/api.js';
import { newAccount, paths, plainSubscription } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

let keys = 0;
const newKey = () => ({ 'Idempotency-Key': `key-${(keys += 1)}` });
const count = async (table: string, condition: string, value: string) =>
  (await api.database.store.pool.query(`SELECT FROM ${table} WHERE ${condition} = $1`, [value])).rowCount;

/** The two calls, each with a body that is only used once, and a count of what it has created. */
const calls = {
  async account() {
    const name = `Acme ${newKey()['Idempotency-Key']}`;
    const body = { provider: 'standard', name };
    return { path: '/v1/accounts', body, secret: 'apiKey', created: () => count('accounts', 'name', name) };
  },
  async subscription() {
    const { id } = await newAccount(api.ask, 'standard');
    const body = plainSubscription('standard');
    const path = `/v1/accounts/${id}/subscriptions`;
    return { path, body, secret: 'secret', created: () => count('subscriptions', 'account_id', id as string) };
  },
};

describe.each(Object.entries(calls))('the call for: %s', (_name, prepare) => {
  test('is created once, and a repeated request gets the first response with its secret', async () => {
    const { path, body, secret, created } = await prepare();
    const key = newKey();
    const first = await api.ask('POST', path, body, key);
    const second = await api.ask('POST', path, body, key);
    expect([first.status, second.status, second.text]).toEqual([201, 201, first.text]);
    expect(second.body[secret]).toEqual(expect.any(String));
    expect(await created()).toBe(1);
    // Another key, and none, create another one.
    await api.ask('POST', path, body, newKey());
    await api.ask('POST', path, body);
    expect(await created()).toBe(3);
  });

  test('is created once by concurrent requests', async () => {
    const { path, body, created } = await prepare();
    const key = newKey();
    const responses = await Promise.all(Array.from({ length: 12 }, () => api.ask('POST', path, body, key)));
    expect(new Set(responses.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await created()).toBe(1);
  });

  test('is not created by a key that was used for another request, or is malformed', async () => {
    const { path, body, created } = await prepare();
    const key = newKey();
    await api.ask('POST', path, body, key);
    const other = await api.ask('POST', path, { ...body, metadata: {} }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(paths(await api.ask('POST', path, body, { 'Idempotency-Key': 'x'.repeat(256) }))).toEqual([
      'Idempotency-Key',
    ]);
    expect(await created()).toBe(1);
  });

  test('a refused request does not use up its key', async () => {
    const { path, body } = await prepare();
    const key = newKey();
    expect((await api.ask('POST', path, { ...body, unknownField: 1 }, key)).status).toBe(422);
    expect((await api.ask('POST', path, body, key)).status).toBe(201);
  });

  test('its response is stored encrypted, until the window has passed', async () => {
    const { path, body, secret, created } = await prepare();
    const key = newKey();
    const first = await api.ask('POST', path, body, key);
    const { store } = api.database;
    const { rows } = await store.pool.query<{ text: string }>('SELECT response::text AS text FROM idempotency_keys');
    for (const { text } of rows) expect(text).not.toContain(first.body[secret]);
    await store.pool.query(`UPDATE idempotency_keys SET created_at = now() - interval '47 hours'`);
    expect(await deleteResponses(store, 48)).toBe(0);
    expect((await api.ask('POST', path, body, key)).text).toBe(first.text);
    expect(await deleteResponses(store, 46)).toBeGreaterThan(0);
    expect((await api.ask('POST', path, body, key)).text).not.toBe(first.text);
    expect(await created()).toBe(2);
  });
});

test('an external id that the first request has taken is no conflict for its repetition', async () => {
  const body = { provider: 'standard', name: 'Acme', externalId: 'customer-1' };
  const key = newKey();
  const responses = await Promise.all(Array.from({ length: 8 }, () => api.ask('POST', '/v1/accounts', body, key)));
  expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(201));
  expect((await api.ask('POST', '/v1/accounts', body, newKey())).status).toBe(409);
});

test('the key of an account says nothing of the same key of another account', async () => {
  const key = newKey();
  const created = await Promise.all(
    [1, 2].map(async () => {
      const { id } = await newAccount(api.ask, 'standard');
      return api.ask('POST', `/v1/accounts/${id}/subscriptions`, plainSubscription('standard'), key);
    }),
  );
  expect(new Set(created.map(({ body }) => body.id)).size).toBe(2);
});

test('after a change of the encryption key a repeated request gets a conflict', async () => {
  const { path, body, created } = await calls.account();
  const key = newKey();
  await api.ask('POST', path, body, key);
  const store = { ...api.database.store, box: createSecretBox([Buffer.alloc(32, 7)]) };
  const changed = await startApi({ store });
  const response = await changed.ask('POST', path, body, key).finally(() => changed.close());
  expect([response.status, response.body.detail]).toEqual([409, expect.stringMatching(/encryption key/)]);
  expect(await created()).toBe(1);
});
