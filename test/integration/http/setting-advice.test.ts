/** Advice about settings: operators read it, customers cannot follow it and do not. */
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { newAccount } from '../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase({ allowHttp: false, allowNetworks: [], maxBodyBytes: 1_024 });
});
afterAll(() => api.close());

async function newCustomer() {
  const account = await newAccount(api.ask, 'standard');
  return { account, customer: { authorization: `Bearer ${account.apiKey as string}` } };
}

test.each([
  [{ url: 'http://example.com/', eventTypes: [] }, 'PIGEONPOST_ALLOW_HTTP'],
  [{ url: 'https://10.0.0.1/', eventTypes: [] }, 'PIGEONPOST_ALLOW_NETWORKS'],
  [{ url: `https://example.com/${'a'.repeat(1_024)}`, eventTypes: [] }, 'PIGEONPOST_MAX_BODY_BYTES'],
])('is in a problem only when an operator asks: %#', async (body, setting) => {
  const { account, customer } = await newCustomer();
  const path = `/v1/accounts/${account.id as string}/subscriptions`;
  expect((await api.ask('POST', path, body)).text).toContain(setting);
  const refused = await api.ask('POST', path, body, customer);
  expect(refused.status).toBeGreaterThan(400);
  expect(refused.text).not.toContain('PIGEONPOST');
});

test('is in an attempt only when an operator asks', async () => {
  const { account, customer } = await newCustomer();
  const subscription = { url: 'https://example.com/in', eventTypes: [] };
  await api.ask('POST', `/v1/accounts/${account.id as string}/subscriptions`, subscription);
  const event = { type: 'user.created', data: {} };
  const { body } = await api.ask('POST', `/v1/accounts/${account.id as string}/events`, event);
  const deliveryId = body.deliveries[0].id as string;
  await api.database.store.pool.query(
    `INSERT INTO attempts (delivery_id, number, run, started_at, outcome, reason, message)
     VALUES ($1, 1, 0, now(), 'failed', 'blocked', '10.0.0.1 is not a public address (PIGEONPOST_ALLOW_NETWORKS allows networks)')`,
    [deliveryId],
  );
  const path = `/v1/deliveries/${deliveryId}`;
  expect((await api.ask('GET', path)).body.attempts[0].message).toContain('PIGEONPOST_ALLOW_NETWORKS');
  expect((await api.ask('GET', path, undefined, customer)).body.attempts[0].message).toBe(
    '10.0.0.1 is not a public address',
  );
});
