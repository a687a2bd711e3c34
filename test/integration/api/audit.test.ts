/** The audit log: every change and command has an entry, before it is made; nothing of a body is in it. */
import { deleteExpiredAudit } from '../../../src/store/audit.js';
import { ADMIN_KEY, startApiWithDatabase, type TestApi } from '../../support/api.js';
import { against } from '../../support/cli.js';
import type { TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { dump, emitted, newAccount, plainSubscription } from '../../support/samples.js';

interface Entry {
  readonly id: string;
  readonly action: string;
  readonly status: number | null;
}

let api: TestApi & { readonly database: TestDatabase };
beforeEach(async () => {
  api = await startApiWithDatabase();
});
afterEach(() => api.close());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

async function entries(query = ''): Promise<Entry[]> {
  const { status, body } = await api.ask('GET', `/v1/audit${query}`);
  expect(status).toBe(200);
  return body.data;
}

test('has who did what to which object, from where and with what result', async () => {
  const { body: key } = await api.ask('POST', '/v1/keys', { name: 'Kim' });
  const headers = { ...bearer(key.apiKey as string), 'x-request-id': 'request-4711' };
  const { body: account } = await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' }, headers);
  const path = `/v1/accounts/${account.id}/subscriptions`;
  const { body: subscription } = await api.ask('POST', path, plainSubscription('standard'), headers);
  await api.ask('DELETE', `/v1/subscriptions/${subscription.id}`, undefined, headers);
  await api.ask('DELETE', `/v1/subscriptions/${subscription.id}`, undefined, headers);
  const kim = {
    role: 'operator',
    via: 'api',
    keyId: key.id,
    keyName: 'Kim',
    sessionId: null,
    requestId: 'request-4711',
  };
  expect(await entries(`?keyId=${key.id}`)).toMatchObject([
    { ...kim, action: 'DELETE /v1/subscriptions/{id}', objectId: subscription.id, status: 404 },
    { ...kim, action: 'DELETE /v1/subscriptions/{id}', objectId: subscription.id, status: 204 },
    {
      ...kim,
      action: 'POST /v1/accounts/{id}/subscriptions',
      accountId: account.id,
      objectId: subscription.id,
      status: 201,
      address: expect.stringMatching(/127\.0\.0\.1/),
    },
    { ...kim, action: 'POST /v1/accounts', accountId: account.id, objectId: account.id, status: 201 },
  ]);
  expect(await entries(`?objectId=${key.id}`)).toMatchObject([
    { keyId: null, keyName: 'PIGEONPOST_ADMIN_KEY', action: 'POST /v1/keys', status: 201 },
  ]);
});

test('has what the command line, the dashboard, an account and a provider’s own API do', async () => {
  const account = await newAccount(api.ask, 'postscript');
  await against(api.url).pigeonpost(['accounts', 'edit', account.id, '--name', 'Acme Ltd']);
  const signedIn = await api.ask('POST', '/v1/sessions');
  const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
  await fetch(`${api.url}/v1/accounts/${account.id}/pause`, {
    method: 'POST',
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
  });
  await api.ask('POST', `/v1/accounts/${account.id}/keys`, undefined, bearer(account.apiKey));
  const own = plainSubscription('postscript') as { url: string; eventTypes: string[] };
  const body = { callback_url: own.url, event: own.eventTypes[0] };
  expect((await api.ask('POST', '/api/v2/webhooks', body, bearer(account.apiKey))).status).toBe(200);
  const list = await eventually(
    () => entries(`?accountId=${account.id}`),
    ([newest]) => newest?.status !== null,
  );
  expect(list).toMatchObject([
    { role: 'account', via: 'provider', action: 'POST /api/v2/webhooks', status: 200 },
    { role: 'account', via: 'api', action: 'POST /v1/accounts/{id}/keys', status: 201 },
    { via: 'dashboard', sessionId: signedIn.body.id, keyName: 'PIGEONPOST_ADMIN_KEY', status: 200 },
    { role: 'operator', via: 'cli', action: 'PATCH /v1/accounts/{id}', status: 200 },
    { role: 'operator', via: 'api', action: 'POST /v1/accounts' },
  ]);
});

test('has that a secret was shown, but no reading, no emitted event, and nothing of a body', async () => {
  const { account, subscription } = await emitted(api.ask, 'standard');
  const { secret } = (await api.ask('GET', `/v1/subscriptions/${subscription.id}/secret`)).body;
  await api.ask('PATCH', `/v1/subscriptions/${subscription.id}`, { headers: { 'X-Token': 'canary-4711' } });
  await api.ask('GET', `/v1/accounts/${account.id}`);
  const actions = (await entries()).map(({ action }) => action);
  expect(actions).toEqual([
    'PATCH /v1/subscriptions/{id}',
    'GET /v1/subscriptions/{id}/secret',
    'POST /v1/accounts/{id}/subscriptions',
    'POST /v1/accounts',
  ]);
  const rows = await dump(api.database, 'audit_log');
  for (const hidden of [secret, 'canary-4711', ADMIN_KEY, account.apiKey]) expect(rows).not.toContain(hidden);
});

test('has the entry before the change: without one nothing is changed, and one without a result stays visible', async () => {
  const { pool } = api.database.store;
  const { id } = await newAccount(api.ask, 'standard');
  await pool.query('ALTER TABLE audit_log RENAME TO unavailable');
  expect((await api.ask('PATCH', `/v1/accounts/${id}`, { name: 'Changed' })).status).toBeGreaterThanOrEqual(500);
  await pool.query('ALTER TABLE unavailable RENAME TO audit_log');
  expect((await api.ask('GET', `/v1/accounts/${id}`)).body.name).not.toBe('Changed');
  // What a process leaves behind that dies in between.
  const rules = 'CREATE RULE no_result AS ON UPDATE TO audit_log DO INSTEAD NOTHING';
  await pool.query(rules);
  expect((await api.ask('PATCH', `/v1/accounts/${id}`, { name: 'Changed' })).status).toBe(200);
  expect((await entries())[0]).toMatchObject({ action: 'PATCH /v1/accounts/{id}', objectId: id, status: null });
});

test('is listed by page, time, object and action', async () => {
  const accounts = [];
  for (let index = 0; index < 3; index += 1) accounts.push(await newAccount(api.ask, 'standard'));
  await api.ask('DELETE', `/v1/accounts/${accounts[0]!.id}`);
  const all = await entries();
  expect(all).toHaveLength(4);
  const first = (await api.ask('GET', '/v1/audit?limit=3')).body;
  const second = (await api.ask('GET', `/v1/audit?limit=3&cursor=${first.nextCursor}`)).body;
  expect([...first.data, ...second.data]).toEqual(all);
  expect(second.nextCursor).toBeNull();
  expect(await entries('?action=delete')).toHaveLength(1);
  expect(await entries(`?objectId=${accounts[0]!.id}`)).toHaveLength(2);
  expect(await entries(`?from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([]);
  expect(await entries(`?to=${new Date(Date.now() + 60_000).toISOString()}`)).toHaveLength(4);
  const { out } = await against(api.url).pigeonpost(['audit', '--action', 'DELETE']);
  expect(out).toMatch(/^Time +Key +Via +Action +Object +Account +Status\n\S+ +PIGEONPOST_ADMIN_KEY +api +DELETE /);
});

test('is deleted after its time', async () => {
  await newAccount(api.ask, 'standard');
  const { store } = api.database;
  expect(await deleteExpiredAudit(store, 30, new Date(), 10)).toBe(0);
  expect(await deleteExpiredAudit(store, 30, new Date(Date.now() + 31 * 86_400_000), 10)).toBe(1);
});
