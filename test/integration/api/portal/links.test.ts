/** Links to the customer portal: who makes them, what they allow, and when they end. */
import { ADMIN_KEY, startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { openEvents } from '../../../support/events.js';
import { emitted, newAccount, OWN_SECRET, plainSubscription } from '../../../support/samples.js';

const MAX_LINKS = 10_000;

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const asPortal =
  (token: string) =>
  (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.ask(method, path, body, { ...bearer(token), ...headers });

interface Link {
  readonly id: string;
  readonly url: string;
  readonly token: string;
  readonly expiresAt: string;
}

const links = (accountId: string): string => `/v1/accounts/${accountId}/portal-links`;

async function makeLink(accountId: string, body: object = {}, key = ADMIN_KEY): Promise<Link> {
  const response = await api.ask('POST', links(accountId), body, bearer(key));
  expect(response.status).toBe(201);
  return response.body;
}

const statusOf = async (token: string): Promise<number> => (await asPortal(token)('GET', '/v1/me')).status;

test('a link has its token in the fragment, and ends after an hour unless that is chosen', async () => {
  const { id, name } = await newAccount(api.ask, 'standard');
  const response = await api.ask('POST', links(id));
  expect([response.status, response.headers.get('cache-control')]).toEqual([201, 'no-store']);
  const link = response.body as Link;
  expect(link.token).toMatch(/^ppl_[\w-]{43}$/);
  expect(link.url).toBe(`${api.url}/portal#token=${link.token}`);
  const capabilities = ['manage_subscriptions', 'show_secrets', 'send_again'];
  expect((await asPortal(link.token)('GET', '/v1/me')).body).toEqual({
    role: 'account',
    scopes: ['operate'],
    key: { id: link.id, name: null },
    account: { id, provider: 'standard', name },
    portal: { capabilities, expiresAt: link.expiresAt },
  });
  const seconds = (Date.parse(link.expiresAt) - Date.now()) / 1_000;
  expect(seconds).toBeGreaterThan(3_600 - 300);
  expect(seconds).toBeLessThanOrEqual(3_601);
  const read = await makeLink(id, { access: 'read', expiresInS: 604_800, theme: 'dark' });
  expect(read.url).toBe(`${api.url}/portal#token=${read.token}&theme=dark`);
  expect((await asPortal(read.token)('GET', '/v1/me')).body).toMatchObject({
    scopes: ['read'],
    portal: { capabilities: [] },
  });
  const { rows } = await api.database.store.pool.query<{ text: string }>('SELECT sessions::text AS text FROM sessions');
  expect(JSON.stringify(rows)).not.toContain(link.token);
});

test('the address of links is the public one where that is set', async () => {
  const other = await startApiWithDatabase({ publicUrl: 'https://webhooks.example.com/api' });
  const { id } = await newAccount(other.ask, 'standard');
  const { url, token } = (await other.ask('POST', links(id))).body as Link;
  expect(url).toBe(`https://webhooks.example.com/api/portal#token=${token}`);
  await other.close();
});

test('the address of links is that of a trusted proxy', async () => {
  const other = await startApiWithDatabase({ trustProxy: ['127.0.0.0/8'] });
  const { id } = await newAccount(other.ask, 'standard');
  const proxy = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'hooks.example.com' };
  const { url } = (await other.ask('POST', links(id), {}, proxy)).body as Link;
  expect(url).toMatch(/^https:\/\/hooks\.example\.com\/portal#/);
  await other.close();
});

test.each([
  [{ access: 'some' }, 'access'],
  [{ access: 'read', capabilities: ['send_again'] }, 'capabilities'],
  [{ capabilities: ['everything'] }, 'capabilities[0]'],
  [{ expiresInS: 59 }, 'expiresInS'],
  [{ expiresInS: 604_801 }, 'expiresInS'],
  [{ theme: 'blue' }, 'theme'],
  [{ scopes: ['admin'] }, 'scopes'],
])('%j is refused', async (body, path) => {
  const { id } = await newAccount(api.ask, 'standard');
  const { status, body: problem } = await api.ask('POST', links(id), body);
  expect([status, problem.errors[0].path]).toEqual([422, path]);
});

test('links are made, listed and revoked with a key that is admin of the account', async () => {
  const account = await newAccount(api.ask, 'standard');
  const other = await newAccount(api.ask, 'standard');
  const [one, two] = [await makeLink(account.id, {}, account.apiKey), await makeLink(account.id, { access: 'read' })];
  const foreign = await makeLink(other.id);
  const own = asPortal(account.apiKey);
  const { body: list } = await own('GET', links(account.id));
  expect(list).toEqual({
    data: [
      { id: two.id, capabilities: [], createdAt: expect.any(String), expiresAt: two.expiresAt },
      { id: one.id, capabilities: expect.any(Array), createdAt: expect.any(String), expiresAt: one.expiresAt },
    ],
    nextCursor: null,
  });
  const first = (await own('GET', `${links(account.id)}?limit=1`)).body;
  expect(first.data).toEqual([list.data[0]]);
  expect((await own('GET', `${links(account.id)}?cursor=${first.nextCursor}`)).body.data).toEqual([list.data[1]]);

  expect((await own('DELETE', `${links(account.id)}/${foreign.id}`)).status).toBe(404);
  expect((await own('DELETE', `${links(other.id)}/${foreign.id}`)).status).toBe(404);
  expect((await own('DELETE', links(other.id))).status).toBe(404);
  expect((await own('DELETE', `${links(account.id)}/${one.id}`)).status).toBe(204);
  expect((await own('DELETE', `${links(account.id)}/${one.id}`)).status).toBe(404);
  expect(await Promise.all([one, two, foreign].map(({ token }) => statusOf(token)))).toEqual([401, 200, 200]);
  expect((await own('DELETE', links(account.id))).status).toBe(204);
  expect(await Promise.all([two, foreign].map(({ token }) => statusOf(token)))).toEqual([401, 200]);
  expect((await own('GET', links(account.id))).body.data).toEqual([]);

  const { body: key } = await own('POST', `/v1/accounts/${account.id}/keys`, { scopes: ['operate'] });
  expect((await asPortal(key.apiKey as string)('POST', links(account.id))).status).toBe(403);
});

test('a link makes no link, key or session, and is no cookie', async () => {
  const { id } = await newAccount(api.ask, 'standard');
  const { token } = await makeLink(id);
  for (const path of [links(id), `/v1/accounts/${id}/keys`, '/v1/sessions'])
    expect([path, (await asPortal(token)('POST', path)).status]).toEqual([path, 403]);
  const cookie = { cookie: `pigeonpost_session=${token}`, 'sec-fetch-site': 'same-origin' };
  expect((await fetch(`${api.url}/v1/me`, { headers: cookie })).status).toBe(401);
});

test.each([
  ['postscript', '/api/v2/webhooks'],
  ['postack', '/api/v1/app'],
  ['postpress', '/v1/webhooks'],
])('a link of an account of %s is not accepted at %s', async (provider, path) => {
  const account = await newAccount(api.ask, provider);
  const { token } = await makeLink(account.id);
  expect((await api.ask('GET', path, undefined, bearer(account.apiKey as string))).status).toBe(200);
  expect((await api.ask('GET', path, undefined, bearer(token))).status).toBe(401);
});

test('someone who is signed in to the dashboard makes links, which end with the key', async () => {
  const account = await newAccount(api.ask, 'standard');
  const { body: key } = await api.ask('POST', '/v1/keys', { name: 'Kim' });
  const made = async (signInKey: string) => {
    const signedIn = await api.ask('POST', '/v1/sessions', undefined, bearer(signInKey));
    const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    const response = await fetch(`${api.url}${links(account.id)}`, { method: 'POST', headers });
    return (await response.json()) as Link;
  };
  const [ofKim, ofAdmin] = [await made(key.apiKey as string), await made(ADMIN_KEY)];
  expect(await Promise.all([ofKim, ofAdmin].map(({ token }) => statusOf(token)))).toEqual([200, 200]);
  await api.ask('DELETE', `/v1/keys/${key.id}`);
  expect(await Promise.all([ofKim, ofAdmin].map(({ token }) => statusOf(token)))).toEqual([401, 200]);
});

describe('a link ends', () => {
  const update = (text: string, values: unknown[]) => api.database.store.pool.query(text, values);

  test('at its time', async () => {
    const { id } = await newAccount(api.ask, 'standard');
    const { id: linkId, token } = await makeLink(id);
    await update('UPDATE sessions SET expires_at = now() WHERE id = $1', [linkId]);
    expect(await statusOf(token)).toBe(401);
  });

  test('when the key that made it is revoked or expires', async () => {
    for (const end of ['revoked_at', 'expires_at']) {
      const account = await newAccount(api.ask, 'standard');
      const { token } = await makeLink(account.id, {}, account.apiKey as string);
      expect(await statusOf(token)).toBe(200);
      await update(`UPDATE api_keys SET ${end} = now() WHERE account_id = $1`, [account.id]);
      expect(await statusOf(token)).toBe(401);
      expect((await api.ask('GET', links(account.id))).body.data).toEqual([]);
    }
  });

  test('when the admin key of the settings is another one', async () => {
    const { id } = await newAccount(api.ask, 'standard');
    const { id: linkId, token } = await makeLink(id);
    await update('UPDATE sessions SET admin_proof = $2 WHERE id = $1', [linkId, Buffer.alloc(32)]);
    expect(await statusOf(token)).toBe(401);
  });

  test('when its account is deleted, with the streams that it has open', async () => {
    const { id } = await newAccount(api.ask, 'standard');
    const { token } = await makeLink(id);
    const reader = await openEvents(`${api.url}/v1/deliveries/stream`, bearer(token));
    await reader.next();
    await api.ask('DELETE', `/v1/accounts/${id}`);
    expect(await statusOf(token)).toBe(401);
    expect(await reader.next(({ event }) => event === 'never')).toBeUndefined();
  });
});

test('an account has a bounded number of valid links', async () => {
  const { id } = await newAccount(api.ask, 'standard');
  const { token } = await makeLink(id);
  await api.database.store.pool.query(
    `INSERT INTO sessions (id, hash, admin_proof, account_id, scopes, expires_at, kind)
     SELECT 'ses_' || n, sha256(n::text::bytea), ''::bytea, $1, '{read}'::text[], now() + interval '1 hour', 'portal'
     FROM generate_series(2, $2::integer) AS n`,
    [id, MAX_LINKS],
  );
  const refused = await api.ask('POST', links(id));
  expect([refused.status, refused.body.code]).toEqual([409, 'quota_exceeded']);
  expect(await statusOf(token)).toBe(200);
  await api.ask('DELETE', links(id));
  await makeLink(id);
});

test('secrets are shown only with view_secrets, and changed only with show_secrets', async () => {
  const account = await newAccount(api.ask, 'standard');
  const { token } = await makeLink(account.id, { capabilities: ['manage_subscriptions'] });
  const { token: viewer } = await makeLink(account.id, { capabilities: ['view_secrets', 'manage_subscriptions'] });
  const { token: owner } = await makeLink(account.id);
  const [manages, views, owns] = [asPortal(token), asPortal(viewer), asPortal(owner)];
  const path = `/v1/accounts/${account.id}/subscriptions`;
  const body = plainSubscription('standard');
  const once = { 'idempotency-key': 'one' };
  const shown = await owns('POST', path, body, once);
  expect(shown.body.secret).toMatch(/^whsec_/);
  const created = await manages('POST', path, body, once);
  expect([created.status, created.body.id, 'secret' in created.body]).toEqual([201, shown.body.id, false]);
  expect((await views('POST', path, { ...body, url: 'https://hooks.example.com/2' })).body.secret).toMatch(/^whsec_/);

  const at = `/v1/subscriptions/${created.body.id}`;
  expect((await manages('GET', `${at}/secret`)).status).toBe(403);
  for (const ask of [views, owns])
    expect((await ask('GET', `${at}/secret`)).body).toEqual({ secret: shown.body.secret });
  for (const ask of [manages, views]) {
    expect((await ask('POST', `${at}/rotate-secret`)).status).toBe(403);
    const refused = await ask('PATCH', at, { secret: OWN_SECRET });
    expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining('lacks show_secrets')]);
    expect((await ask('PATCH', at, { description: 'Orders' })).body.description).toBe('Orders');
  }
  expect((await owns('PATCH', at, { secret: OWN_SECRET })).status).toBe(200);
  expect((await views('GET', `${at}/secret`)).body).toEqual({ secret: OWN_SECRET });
});

test('what a link changes is in the audit log with it and the key that made it', async () => {
  const { account, subscription, deliveryId } = await emitted(api.ask, 'standard');
  const { body: key } = await api.ask('POST', `/v1/accounts/${account.id}/keys`, { name: 'app' });
  const link = await makeLink(account.id, {}, key.apiKey as string);
  const own = asPortal(link.token);
  await own('PATCH', `/v1/subscriptions/${subscription.id}`, { description: 'mine' });
  await own('GET', `/v1/subscriptions/${subscription.id}/secret`);
  await own('GET', `/v1/deliveries/${deliveryId}`);
  await api.ask('DELETE', `${links(account.id)}/${link.id}`);
  const by = {
    role: 'account',
    via: 'portal',
    keyId: key.id,
    keyName: 'app',
    sessionId: link.id,
    accountId: account.id,
  };
  const { data } = (await api.ask('GET', `/v1/audit?accountId=${account.id}&limit=4`)).body;
  expect(data).toMatchObject([
    { via: 'api', action: 'DELETE /v1/accounts/{id}/portal-links/{linkId}', objectId: link.id, status: 204 },
    { ...by, action: 'GET /v1/subscriptions/{id}/secret', objectId: subscription.id, status: 200 },
    { ...by, action: 'PATCH /v1/subscriptions/{id}', objectId: subscription.id, status: 200 },
    { via: 'api', action: 'POST /v1/accounts/{id}/portal-links', objectId: link.id, keyId: key.id, status: 201 },
  ]);
});

test('a link of the provider’s own API shows the event types of its flags', async () => {
  const account = await newAccount(api.ask, 'postack');
  for (const [name, featureFlag] of [
    ['order.paid', undefined],
    ['order.beta', 'beta'],
  ])
    expect((await api.ask('PUT', `/v1/event-types/${name}`, { featureFlag })).status).toBeLessThan(300);
  const at = `/api/v1/auth/app-portal-access/${account.scope.appId}`;
  const typesWith = async (body: object) => {
    const { body: link } = await api.ask('POST', at, body, bearer(account.apiKey as string));
    const { data } = (await asPortal(link.token as string)('GET', '/v1/event-types')).body;
    return data.map(({ name }: { name: string }) => name);
  };
  expect(await typesWith({})).toEqual(['order.paid']);
  expect(await typesWith({ featureFlags: ['beta'] })).toEqual(['order.beta', 'order.paid']);
});
