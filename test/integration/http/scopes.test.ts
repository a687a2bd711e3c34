/** What a key of each scope may call, on every route of the OpenAPI document: a new route asks to be listed here. */
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { emitted, newAccount, plainSubscription, unknownIds } from '../../support/samples.js';

type Scope = 'publish' | 'read' | 'operate' | 'admin';

/** Routes that do not follow the rule: GET reads, everything else below deliveries, jobs, recoveries and subscriptions operates. */
const PUBLISH = ['POST /v1/accounts/{id}/events', 'POST /v1/broadcasts'];
const ANY = ['GET /v1/me', 'POST /v1/sessions', 'DELETE /v1/sessions/current'];
const READ = [
  'POST /v1/accounts/{id}/filters/test',
  'POST /v1/accounts/{id}/transformations/test',
  'POST /v1/contracts/{provider}/verify',
];
const OPERATE = [
  'GET /v1/subscriptions/{id}/secret',
  'GET /v1/subscriptions/{id}/poll',
  'POST /v1/accounts/{id}/subscriptions',
  'POST /v1/accounts/{id}/pause',
  'POST /v1/accounts/{id}/resume',
];
/** For everyone. */
const NO_KEY = ['/v1/portal', '/v1/sessions/methods'];
const ADMIN = [
  'GET /v1/audit',
  'POST /v1/accounts/{id}/portal-links',
  'GET /v1/accounts/{id}/portal-links',
  'DELETE /v1/accounts/{id}/portal-links',
  'DELETE /v1/accounts/{id}/portal-links/{linkId}',
  'GET /v1/alert-rules',
  'POST /v1/alert-rules',
  'GET /v1/alert-rules/{id}',
  'PATCH /v1/alert-rules/{id}',
  'DELETE /v1/alert-rules/{id}',
  'POST /v1/alert-rules/{id}/test',
  'GET /v1/keys',
  'POST /v1/keys',
  'DELETE /v1/keys/{id}',
  'POST /v1/accounts',
  'PATCH /v1/accounts/{id}',
  'DELETE /v1/accounts/{id}',
  'PUT /v1/accounts/by-id/{externalId}',
  'DELETE /v1/accounts/by-id/{externalId}',
  'POST /v1/accounts/{id}/keys',
  'DELETE /v1/accounts/{id}/keys/{keyId}',
  'POST /v1/accounts/{id}/erase',
  'POST /v1/events/{id}/erase',
  'POST /v1/event-types/import',
  'PUT /v1/event-types/{name}',
  'PATCH /v1/event-types/{name}',
  'DELETE /v1/event-types/{name}',
  'POST /v1/reconciliations',
];

const INCLUDED: Record<Scope, readonly string[]> = {
  publish: ['publish'],
  read: ['read'],
  operate: ['read', 'operate'],
  admin: ['publish', 'read', 'operate', 'admin'],
};

let api: TestApi & { readonly database: TestDatabase };
let routes: { name: string; method: string; path: string; scope: string; forAccounts: boolean }[];
beforeAll(async () => {
  api = await startApiWithDatabase();
  const { paths } = (await api.ask('GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, { security: Record<string, string[]>[] }>>;
  };
  routes = Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/') && !NO_KEY.includes(path))
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, { security }]) => ({
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        scope: security[0]!.operatorKey![0] ?? 'any',
        forAccounts: security.some((scheme) => 'accountKey' in scheme),
      })),
    );
});
afterAll(() => api.close());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/** A new operator's key. */
async function operatorKey(body: object): Promise<{ id: string; apiKey: string }> {
  const { status, body: key } = await api.ask('POST', '/v1/keys', { name: 'test', ...body });
  expect(status).toBe(201);
  return key;
}

function expectedScope(name: string): string {
  if (PUBLISH.includes(name)) return 'publish';
  if (ANY.includes(name)) return 'any';
  if (ADMIN.includes(name)) return 'admin';
  if (READ.includes(name)) return 'read';
  if (OPERATE.includes(name)) return 'operate';
  if (name.startsWith('GET ')) return 'read';
  return /^\w+ \/v1\/(deliveries|jobs|recoveries|subscriptions|broadcasts)(\/|$)/.test(name)
    ? 'operate'
    : 'not listed in this test';
}

test('every route has the scope that is listed here', () => {
  expect(routes.length).toBeGreaterThan(60);
  const scopes = Object.fromEntries(routes.map(({ name, scope }) => [name, scope]));
  expect(scopes).toEqual(Object.fromEntries(routes.map(({ name }) => [name, expectedScope(name)])));
});

/** Calls a route with ids that nothing has, and no body. */
const call = (route: { method: string; path: string }, key: string) =>
  api.ask(
    route.method,
    route.path.replace(/\{(\w+)\}/g, (_, name: string) => (name === 'id' ? unknownIds.account : 'none')),
    undefined,
    bearer(key),
  );

describe.each(Object.keys(INCLUDED) as Scope[])('a key with the scope %s', (scope) => {
  const isIncluded = (needed: string) => needed === 'any' || INCLUDED[scope].includes(needed);

  test('of an operator gets a 403 from every route beyond it, and only from these', async () => {
    const { apiKey } = await operatorKey({ scopes: [scope] });
    for (const route of routes) {
      const { status, body } = await call(route, apiKey);
      const isRefused = status === 403 && (body.detail as string).startsWith(`this needs the scope ${route.scope}`);
      expect([route.name, isRefused]).toEqual([route.name, !isIncluded(route.scope)]);
    }
  });

  if (scope === 'publish') return;
  test('of an account gets a 403 from every route beyond it, and from those of operators', async () => {
    const account = await newAccount(api.ask, 'standard');
    const { body: key } = await api.ask('POST', `/v1/accounts/${account.id}/keys`, { scopes: [scope], name: scope });
    for (const route of routes) {
      const { status } = await call(route, key.apiKey as string);
      expect([route.name, status === 403]).toEqual([route.name, !route.forAccounts || !isIncluded(route.scope)]);
    }
  });
});

describe('a key of an operator', () => {
  test('is shown once, listed without itself, and named by the caller’s own data', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const made = await operatorKey({ name: 'CI', scopes: ['read', 'publish'], expiresAt });
    expect(made).toMatchObject({ name: 'CI', scopes: ['read', 'publish'], expiresAt, lastUsedAt: null });
    expect(made.apiKey).toMatch(/^ppk_[\w-]{32}$/);
    const { apiKey, ...shown } = made;
    const { text, body } = await api.ask('GET', '/v1/keys');
    expect(body.data).toContainEqual(shown);
    expect(text).not.toContain(apiKey);
    expect((await api.ask('GET', '/v1/me', undefined, bearer(apiKey))).body).toEqual({
      role: 'operator',
      scopes: ['read', 'publish'],
      key: { id: made.id, name: 'CI' },
    });
  });

  test('emits events where it may publish, and sees nothing', async () => {
    const { account } = await emitted(api.ask, 'standard');
    const { apiKey } = await operatorKey({ scopes: ['publish'] });
    const event = { type: 'user.created', data: {} };
    expect((await api.ask('POST', `/v1/accounts/${account.id}/events`, event, bearer(apiKey))).status).toBe(202);
    expect((await api.ask('GET', `/v1/accounts/${account.id}`, undefined, bearer(apiKey))).status).toBe(403);
  });

  test('stops at once when it is revoked', async () => {
    const { id, apiKey } = await operatorKey({});
    expect((await api.ask('GET', '/v1/me', undefined, bearer(apiKey))).status).toBe(200);
    expect((await api.ask('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expect((await api.ask('GET', '/v1/me', undefined, bearer(apiKey))).status).toBe(401);
    expect((await api.ask('DELETE', `/v1/keys/${id}`)).status).toBe(404);
  });

  test('stops when it expires', async () => {
    const { id, apiKey } = await operatorKey({});
    await api.database.store.pool.query('UPDATE api_keys SET expires_at = now() WHERE id = $1', [id]);
    expect((await api.ask('GET', '/v1/me', undefined, bearer(apiKey))).status).toBe(401);
    expect((await api.ask('GET', '/v1/keys')).body.data).toContainEqual(expect.objectContaining({ id }));
  });

  test('has its last use recorded, with one statement in a minute', async () => {
    const { id, apiKey } = await operatorKey({});
    const query = jest.spyOn(api.database.store.pool, 'query');
    const writes = () => query.mock.calls.filter(([text]) => String(text).includes('SET last_used_at')).length;
    await Promise.all(Array.from({ length: 5 }, () => api.ask('GET', '/v1/me', undefined, bearer(apiKey))));
    const used = async () =>
      (await api.ask('GET', '/v1/keys')).body.data.find((key: { id: string }) => key.id === id).lastUsedAt as string;
    expect(Date.parse(await eventually(used, (at) => at !== null))).toBeGreaterThan(Date.now() - 60_000);
    await api.ask('GET', '/v1/me', undefined, bearer(apiKey));
    expect(writes()).toBe(1);
    query.mockRestore();
  });

  test('is not made of what makes no sense', async () => {
    for (const [body, path] of [
      [{}, 'name'],
      [{ name: '' }, 'name'],
      [{ name: 'x', scopes: [] }, 'scopes'],
      [{ name: 'x', scopes: ['root'] }, 'scopes[0]'],
      [{ name: 'x', expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
      [{ name: 'x', role: 'admin' }, 'role'],
    ] as const) {
      const { status, body: problem } = await api.ask('POST', '/v1/keys', body);
      expect([body, status, problem.errors?.[0]?.path]).toEqual([body, 422, path]);
    }
  });
});

test('a key of an account cannot publish, and works with a provider’s own API only where it may operate', async () => {
  const account = await newAccount(api.ask, 'postscript');
  const refused = await api.ask('POST', `/v1/accounts/${account.id}/keys`, { scopes: ['publish'] });
  expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'scopes[0]']);
  const statuses = [];
  for (const scope of ['read', 'operate']) {
    const { body: key } = await api.ask('POST', `/v1/accounts/${account.id}/keys`, { scopes: [scope] });
    statuses.push((await api.ask('GET', '/api/v2/webhooks', undefined, bearer(key.apiKey as string))).status);
  }
  expect(statuses).toEqual([401, 200]);
});

test('a read key of an account shows no secret and changes nothing', async () => {
  const account = await newAccount(api.ask, 'standard');
  const path = `/v1/accounts/${account.id}/subscriptions`;
  const { body: subscription } = await api.ask('POST', path, plainSubscription('standard'));
  const { body: key } = await api.ask('POST', `/v1/accounts/${account.id}/keys`, { scopes: ['read'] });
  const own = (method: string, path: string, body?: unknown) =>
    api.ask(method, path, body, bearer(key.apiKey as string));
  const shown = await own('GET', `/v1/subscriptions/${subscription.id}`);
  expect(shown.status).toBe(200);
  expect(shown.text).not.toContain(subscription.secret);
  expect((await own('GET', `/v1/subscriptions/${subscription.id}/secret`)).status).toBe(403);
  expect((await own('PATCH', `/v1/subscriptions/${subscription.id}`, { description: 'x' })).status).toBe(403);
});
