/** Signing in to the dashboard with a real OpenID Connect provider. */
import { createOidc, toUser } from '../../../src/http/oidc.js';
import type { OidcConfig } from '../../../src/config/config.js';
import { startApi, startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import {
  authorize,
  CookieJar,
  locationOf,
  OIDC_CLIENT,
  startOidcProvider,
  type OidcProvider,
} from '../../support/oidc.js';

let provider: OidcProvider;
let config: OidcConfig;
let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  provider = await startOidcProvider();
  config = {
    ...{ issuer: provider.issuer, ...OIDC_CLIENT, scopes: 'openid profile email groups', name: 'Acme login' },
    access: [
      { claim: 'groups', value: 'webhook-admins', scope: 'admin' },
      { claim: 'groups', value: 'support', scope: 'read' },
    ],
  };
  api = await startApiWithDatabase({ oidc: createOidc(config) });
  await provider.register(`${api.url}/v1/sessions/oidc/callback`);
});
afterAll(async () => {
  await api.close();
  await provider.close();
});

/** Opens the sign-in; the address of the provider to which the browser is sent. */
async function start(jar: CookieJar): Promise<string> {
  const address = `${api.url}/v1/sessions/oidc`;
  const response = await jar.send(address);
  expect([response.status, response.headers.get('cache-control')]).toEqual([303, 'no-store']);
  return locationOf(response, address);
}

const callback = async (jar: CookieJar, address: string) => locationOf(await jar.send(address), address);

async function signIn(person: string, jar = new CookieJar()): Promise<{ jar: CookieJar; location: string }> {
  return { jar, location: await callback(jar, await authorize(jar, await start(jar), person)) };
}

/** A request of the dashboard's own page. */
const own = (jar: CookieJar, path = '/v1/me', method = 'GET', url = api.url) =>
  jar.send(`${url}${path}`, { method, headers: { 'sec-fetch-site': 'same-origin' } });

const failed = () => `${api.url}/?signIn=failed`;

test('the sign-in page knows the provider', async () => {
  const methods = await fetch(`${api.url}/v1/sessions/methods`);
  expect(await methods.json()).toEqual({ key: true, oidc: { name: 'Acme login' } });
  const without = await startApi({ store: api.database.store });
  expect((await without.ask('GET', '/v1/sessions/methods', undefined, { authorization: '' })).body.oidc).toBeNull();
  expect((await fetch(`${without.url}/v1/sessions/oidc`)).status).toBe(404);
  await without.close();
});

test('the provider is asked with PKCE, state and nonce, and the cookie shows nothing', async () => {
  const jar = new CookieJar();
  const query = new URL(await start(jar)).searchParams;
  expect(Object.fromEntries(query)).toMatchObject({
    ...{ response_type: 'code', client_id: 'pigeonpost', scope: 'openid profile email groups' },
    ...{ code_challenge_method: 'S256', redirect_uri: `${api.url}/v1/sessions/oidc/callback` },
    ...{ state: expect.stringMatching(/^.{40,}$/), nonce: expect.stringMatching(/^.{40,}$/) },
  });
  const cookie = Buffer.from(jar.header(api.url).replace('pigeonpost_oidc=', ''), 'base64url').toString('latin1');
  expect(cookie).not.toContain(query.get('state'));
  const response = await fetch(`${api.url}/v1/sessions/oidc`, { redirect: 'manual' });
  expect(response.headers.get('set-cookie')).toMatch(
    /^pigeonpost_oidc=.*; Path=\/; Expires=.*; HttpOnly; SameSite=Lax$/,
  );
});

test('someone with a mapped group gets a session with its scope, and is in the audit log', async () => {
  const { jar, location } = await signIn('kim');
  expect(location).toBe(`${api.url}/`);
  expect(jar.header(api.url)).toMatch(/^pigeonpost_session=pps_[\w-]{43}$/);
  const me = (await (await own(jar)).json()) as { key: { id: string } };
  expect(me).toMatchObject({ role: 'operator', scopes: ['admin'], key: { name: 'kim@example.com' } });
  expect((await own(jar, '/v1/keys')).status).toBe(200);
  const { data } = (await api.ask('GET', '/v1/audit?action=oidc')).body;
  expect(data[0]).toMatchObject({
    ...{ role: 'operator', via: 'dashboard', keyId: null, keyName: 'kim@example.com', status: 303 },
    ...{ action: 'GET /v1/sessions/oidc/callback', objectId: me.key.id },
  });
  const created = await jar.send(`${api.url}/v1/accounts`, {
    ...{ method: 'POST', body: JSON.stringify({ provider: 'standard', name: 'Acme' }) },
    headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
  });
  expect(created.status).toBe(201);
  const [entry] = (await api.ask('GET', '/v1/audit?action=POST /v1/accounts')).body.data;
  expect(entry).toMatchObject({ via: 'dashboard', keyName: 'kim@example.com', sessionId: me.key.id });
});

test('a session is of its scope only, cannot make others, and ends with signing out', async () => {
  const { jar } = await signIn('lee');
  expect([(await own(jar, '/v1/accounts')).status, (await own(jar, '/v1/keys')).status]).toEqual([200, 403]);
  expect((await own(jar, '/v1/sessions', 'POST')).status).toBe(403);
  expect((await own(jar, '/v1/sessions/current', 'DELETE')).status).toBe(204);
  expect((await own(jar)).status).toBe(401);
});

test('a portal link that someone makes is theirs, and ends when the sign-in is no longer set', async () => {
  const { jar } = await signIn('kim');
  const { body: account } = await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' });
  const made = await own(jar, `/v1/accounts/${account.id}/portal-links`, 'POST');
  const { id, token } = (await made.json()) as { id: string; token: string };
  const authorization = `Bearer ${token}`;
  expect((await api.ask('GET', '/v1/me', undefined, { authorization })).body.account.id).toBe(account.id);
  const { rows } = await api.database.store.pool.query('SELECT user_name, admin_proof FROM sessions WHERE id = $1', [
    id,
  ]);
  expect(rows).toEqual([{ user_name: 'kim@example.com', admin_proof: null }]);
  const without = await startApi({ store: api.database.store });
  expect((await without.ask('GET', '/v1/me', undefined, { authorization })).status).toBe(401);
  await without.close();
});

test('someone without a mapped group is refused', async () => {
  const { jar, location } = await signIn('pat');
  expect(location).toBe(`${api.url}/?signIn=refused`);
  expect(jar.header(api.url)).toBe('');
});

describe('nobody is signed in', () => {
  const nobody = async (jar: CookieJar, location: string) => {
    expect([location, jar.header(api.url)]).toEqual([failed(), '']);
  };

  test('with another state', async () => {
    const jar = new CookieJar();
    const address = new URL(await authorize(jar, await start(jar), 'kim'));
    address.searchParams.set('state', 'x'.repeat(43));
    await nobody(jar, await callback(jar, address.href));
  });

  test('with another nonce', async () => {
    const jar = new CookieJar();
    const authorization = new URL(await start(jar));
    authorization.searchParams.set('nonce', 'x'.repeat(43));
    await nobody(jar, await callback(jar, await authorize(jar, authorization.href, 'kim')));
  });

  test('with another code challenge', async () => {
    const jar = new CookieJar();
    const authorization = new URL(await start(jar));
    authorization.searchParams.set('code_challenge', 'x'.repeat(43));
    await nobody(jar, await callback(jar, await authorize(jar, authorization.href, 'kim')));
  });

  test('with a code that was used before, also with the cookie of its sign-in', async () => {
    const jar = new CookieJar();
    const address = await authorize(jar, await start(jar), 'kim');
    const cookie = jar.header(api.url);
    expect(await callback(jar, address)).toBe(`${api.url}/`);
    const replayed = await fetch(address, { headers: { cookie }, redirect: 'manual' });
    expect(locationOf(replayed, address)).toBe(failed());
    expect(replayed.headers.getSetCookie().join()).not.toContain('pigeonpost_session');
  });

  test('with the code of another browser', async () => {
    const [mine, theirs] = [new CookieJar(), new CookieJar()];
    const address = await authorize(theirs, await start(theirs), 'kim');
    await nobody(mine, await callback(mine, address));
    await start(mine);
    await nobody(mine, await callback(mine, address));
  });

  test('with a cookie that is not ours, or an error of the provider', async () => {
    const address = `${api.url}/v1/sessions/oidc/callback?error=access_denied`;
    const forged = await fetch(address, { headers: { cookie: 'pigeonpost_oidc=AAAA' }, redirect: 'manual' });
    expect(locationOf(forged, address)).toBe(failed());
    const jar = new CookieJar();
    const state = new URL(await start(jar)).searchParams.get('state');
    await nobody(jar, await callback(jar, `${address}&state=${state}`));
  });
});

describe('a session ends', () => {
  test.each([
    ['issuer', { issuer: 'https://other.example.com' }, 401],
    ['client', { clientId: 'other' }, 401],
    ['mapping', { access: [] }, 401],
    ['secret', { clientSecret: 'rotated' }, 200],
    ['name', { name: 'Other' }, 200],
  ])('when the %s of the settings is another one, or not', async (_what, change, status) => {
    const { jar } = await signIn('kim');
    const cookie = jar.header(api.url);
    const changed = await startApi({ store: api.database.store, oidc: createOidc({ ...config, ...change }) });
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    expect((await fetch(`${changed.url}/v1/me`, { headers })).status).toBe(status);
    await changed.close();
  });

  test('at its time, and when the sign-in is no longer set', async () => {
    const { jar } = await signIn('kim');
    const headers = { cookie: jar.header(api.url), 'sec-fetch-site': 'same-origin' };
    const without = await startApi({ store: api.database.store });
    expect((await fetch(`${without.url}/v1/me`, { headers })).status).toBe(401);
    await without.close();
    await api.database.store.pool.query('UPDATE sessions SET expires_at = now()');
    expect((await own(jar)).status).toBe(401);
  });
});

test('a provider that cannot be reached is said on the sign-in page, and tried again', async () => {
  const oidc = createOidc({ ...config, issuer: 'http://127.0.0.1:1' });
  const broken = await startApi({ store: api.database.store, oidc });
  const address = `${broken.url}/v1/sessions/oidc`;
  for (let attempts = 0; attempts < 2; attempts++)
    expect(locationOf(await fetch(address, { redirect: 'manual' }), address)).toBe(`${broken.url}/?signIn=unavailable`);
  await broken.close();
});

test('an address that signs in too often is rejected', async () => {
  const limited = await startApi({ store: api.database.store, oidc: createOidc(config) });
  const statuses = [];
  for (let n = 0; n < 61; n++)
    statuses.push((await fetch(`${limited.url}/v1/sessions/oidc/callback`, { redirect: 'manual' })).status);
  expect([statuses[0], statuses.at(-1)]).toEqual([303, 429]);
  await limited.close();
});

describe('claims', () => {
  const access = [
    { claim: 'groups', value: 'admins', scope: 'admin' },
    { claim: 'department', value: 'support', scope: 'read' },
    { claim: 'email', value: 'kim@example.com', scope: 'operate' },
    { claim: '__proto__', value: 'x', scope: 'admin' },
  ] as const;

  test.each([
    [{ groups: ['staff', 'admins'] }, ['admin']],
    [{ groups: 'admins', department: 'support' }, ['admin', 'read']],
    [{ groups: 'admins,staff' }, []],
    [{ groups: { admins: true } }, []],
    [{ email: 'kim@example.com', email_verified: true }, ['operate']],
    [{ email: 'kim@example.com', email_verified: false }, []],
    [{ email: 'kim@example.com' }, []],
    [{}, []],
  ])('%j give %j', (claims, scopes) => {
    expect(toUser({ access }, { sub: 'kim', ...claims }).scopes).toEqual(scopes);
  });

  test('have a name that can be stored', () => {
    expect(toUser({ access }, { sub: '248289761001', name: '', email: 'k\u0000im@example.com' }).name).toBe(
      'kim@example.com',
    );
    expect(toUser({ access }, { sub: 's'.repeat(300) }).name).toHaveLength(200);
  });
});
