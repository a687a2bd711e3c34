/** Sessions of the dashboard: a cookie instead of a key, for the dashboard's own page only. */
import { ADMIN_KEY, startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { emitted, newAccount } from '../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase({ trustProxy: ['127.0.0.0/8'] });
});
afterAll(() => api.close());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** Signs in; the cookie as a browser sends it back. */
async function signIn(key: string, headers: Record<string, string> = {}) {
  const response = await api.ask('POST', '/v1/sessions', undefined, { ...bearer(key), ...headers });
  const set = response.headers.get('set-cookie') ?? '';
  return { response, set, cookie: set.split(';')[0]! };
}

/** A request of a browser. */
const own = (cookie: string, method = 'GET', path = '/v1/me', headers: Record<string, string> = {}, body?: string) =>
  fetch(`${api.url}${path}`, {
    method,
    headers: { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  });

test('signing in sets a cookie that scripts and other sites cannot use, and has no token in its body', async () => {
  const { response, set, cookie } = await signIn(ADMIN_KEY);
  expect([response.status, Object.keys(response.body as object)]).toEqual([201, ['id', 'expiresAt']]);
  expect(cookie).toMatch(/^pigeonpost_session=pps_[\w-]{43}$/);
  expect(set).toMatch(/; Path=\/; Expires=.*; HttpOnly; SameSite=Strict$/);
  expect(Date.parse(response.body.expiresAt as string) - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
  expect(await (await own(cookie)).json()).toMatchObject({ role: 'operator', key: { name: 'PIGEONPOST_ADMIN_KEY' } });
});

test('the cookie is Secure and bound to the host over TLS', async () => {
  const { set, cookie } = await signIn(ADMIN_KEY, { 'x-forwarded-proto': 'https' });
  expect(set).toMatch(/^__Host-pigeonpost_session=.*; Path=\/;.*; HttpOnly; Secure; SameSite=Strict$/);
  expect((await own(cookie, 'GET', '/v1/me', { 'x-forwarded-proto': 'https' })).status).toBe(200);
  expect((await own(cookie)).status).toBe(401);
});

test.each([
  ['the page itself', { 'sec-fetch-site': 'same-origin' }, 200, 201],
  ['another site', { 'sec-fetch-site': 'cross-site' }, 403, 403],
  ['another port or subdomain', { 'sec-fetch-site': 'same-site' }, 403, 403],
  ['an address that was typed', { 'sec-fetch-site': 'none' }, 403, 403],
  ['a page without Fetch Metadata', { origin: 'self' }, 200, 201],
  ['another origin without Fetch Metadata', { origin: 'http://127.0.0.1:1' }, 403, 403],
  ['a page without an origin', { origin: 'null' }, 403, 403],
  ['neither header', {}, 200, 403],
])('a request of %s with the cookie is accepted or not', async (_from, given, reading, changing) => {
  const { cookie } = await signIn(ADMIN_KEY);
  const headers = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, value === 'self' ? api.url : value]),
  );
  const send = async (method: string, path: string, body?: string) =>
    (
      await fetch(`${api.url}${path}`, {
        method,
        headers: { cookie, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body }),
      })
    ).status;
  expect(await send('GET', '/v1/accounts')).toBe(reading);
  expect(await send('POST', '/v1/accounts', '{"provider":"standard","name":"Forged"}')).toBe(changing);
});

test('signing out ends the session and removes the cookie', async () => {
  const { cookie } = await signIn(ADMIN_KEY);
  const other = await signIn(ADMIN_KEY);
  const response = await own(cookie, 'DELETE', '/v1/sessions/current');
  expect([response.status, response.headers.get('set-cookie')]).toEqual([
    204,
    expect.stringMatching(/^pigeonpost_session=; Path=\/; Expires=Thu, 01 Jan 1970/),
  ]);
  expect((await own(cookie)).status).toBe(401);
  expect((await own(other.cookie)).status).toBe(200);
});

describe('a session ends', () => {
  test('when its key is revoked or expires', async () => {
    for (const end of ['revoked_at', 'expires_at']) {
      const { body: key } = await api.ask('POST', '/v1/keys', { name: 'Kim' });
      const { cookie } = await signIn(key.apiKey as string);
      expect(await (await own(cookie)).json()).toMatchObject({ role: 'operator', key: { name: 'Kim' } });
      await api.database.store.pool.query(`UPDATE api_keys SET ${end} = now() WHERE id = $1`, [key.id]);
      expect((await own(cookie)).status).toBe(401);
    }
  });

  test('when the admin key of the settings is another one', async () => {
    const { cookie } = await signIn(ADMIN_KEY);
    const proof = 'UPDATE sessions SET admin_proof = $1 WHERE revoked_at IS NULL AND admin_proof IS NOT NULL';
    await api.database.store.pool.query(proof, [Buffer.alloc(32)]);
    expect((await own(cookie)).status).toBe(401);
  });

  test('at its time', async () => {
    const { cookie } = await signIn(ADMIN_KEY);
    await api.database.store.pool.query('UPDATE sessions SET expires_at = now()');
    expect((await own(cookie)).status).toBe(401);
  });

  test('when its account is deleted', async () => {
    const { id, apiKey } = await newAccount(api.ask, 'standard');
    const { cookie } = await signIn(apiKey as string);
    await api.ask('DELETE', `/v1/accounts/${id}`);
    expect((await own(cookie)).status).toBe(401);
  });
});

test('a session has the scopes and the account of its key, and reaches nothing of others', async () => {
  const mine = await emitted(api.ask, 'standard');
  const other = await emitted(api.ask, 'standard');
  const { body: key } = await api.ask('POST', `/v1/accounts/${mine.account.id}/keys`, { scopes: ['read'] });
  const { cookie } = await signIn(key.apiKey as string);
  expect((await own(cookie, 'GET', `/v1/deliveries/${mine.deliveryId}`)).status).toBe(200);
  expect((await own(cookie, 'GET', `/v1/deliveries/${other.deliveryId}`)).status).toBe(404);
  expect((await own(cookie, 'POST', `/v1/deliveries/${mine.deliveryId}/cancel`)).status).toBe(403);
  expect((await own(cookie, 'GET', '/v1/accounts')).status).toBe(403);
});

test('a session makes no other one, and its token is not a key', async () => {
  const { cookie } = await signIn(ADMIN_KEY);
  expect((await own(cookie, 'POST', '/v1/sessions')).status).toBe(403);
  const token = cookie.split('=')[1]!;
  expect((await api.ask('GET', '/v1/me', undefined, bearer(token))).status).toBe(401);
});

test('a key that may only publish does not sign in', async () => {
  const { body: key } = await api.ask('POST', '/v1/keys', { name: 'billing', scopes: ['publish'] });
  const { response } = await signIn(key.apiKey as string);
  expect([response.status, response.headers.get('set-cookie')]).toEqual([403, null]);
});

test('sessions that ended long ago are deleted, and no token is stored', async () => {
  const { cookie } = await signIn(ADMIN_KEY);
  const token = cookie.split('=')[1]!;
  const { pool } = api.database.store;
  const { rows } = await pool.query<{ text: string }>('SELECT sessions::text AS text FROM sessions');
  expect(JSON.stringify(rows)).not.toContain(token);
  expect(JSON.stringify(rows)).not.toContain(Buffer.from(token).toString('hex'));
  await pool.query(`UPDATE sessions SET expires_at = now() - interval '8 days'`);
  await signIn(ADMIN_KEY);
  expect((await pool.query('SELECT FROM sessions')).rowCount).toBe(1);
});
