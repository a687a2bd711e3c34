/**
 * An account's own key, on every route of the OpenAPI document: what belongs to others responds as if it were not there,
 * and what only an operator may do is refused. A new route is covered at once, or asks to be.
 */
import { newId } from '../../../src/contract/ids.js';
import { newRecoveryId } from '../../../src/dispatch/recovery/recoveries.js';
import { ADMIN_KEY, startApiWithDatabase, type ApiResponse } from '../../support/api.js';
import { dump, emitted, newAccount, plainSubscription, samples, unknownIds } from '../../support/samples.js';

type Operation = [method: string, path: string, forAccounts: boolean];

/** The last use of keys may be recorded at any time. */
const KEYS = '(SELECT id, account_id, hash, scopes, revoked_at FROM api_keys ORDER BY id) AS keys';
const TABLES = [
  'accounts',
  KEYS,
  'subscriptions',
  'events',
  'deliveries',
  'attempts',
  'operational_events',
  'jobs',
  'sessions',
];

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let operations: Operation[];
beforeAll(async () => {
  api = await startApiWithDatabase();
  const { paths } = (await api.ask('GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, { security: object[] }>>;
  };
  operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item)
      // What needs no key: how the portal looks, and what one has to know before a sign-in.
      .filter(([, { security }]) => path.startsWith('/v1/') && security.length > 0)
      .map(([method, { security }]): Operation => [
        method.toUpperCase(),
        path,
        security.some((scheme) => 'accountKey' in scheme),
      ]),
  );
});
afterAll(() => api.close());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const startJob = (key: string, filter: object = {}, dryRun = false) =>
  api.ask('POST', '/v1/jobs', { action: 'redeliver', filter, dryRun }, bearer(key));

/** What only an operator may do, anyone who's it is. */
const OPERATORS_ONLY = [
  'GET /v1/audit',
  'GET /v1/alerts',
  'GET /v1/alert-rules',
  'POST /v1/alert-rules',
  'GET /v1/alert-rules/{id}',
  'PATCH /v1/alert-rules/{id}',
  'DELETE /v1/alert-rules/{id}',
  'POST /v1/alert-rules/{id}/test',
  'GET /v1/keys',
  'POST /v1/keys',
  'DELETE /v1/keys/{id}',
  'GET /v1/health',
  // test/e2e/reconcile.test.ts
  'POST /v1/reconciliations',
  'GET /v1/accounts',
  'POST /v1/accounts',
  'PATCH /v1/accounts/{id}',
  'DELETE /v1/accounts/{id}',
  'PUT /v1/accounts/by-id/{externalId}',
  'DELETE /v1/accounts/by-id/{externalId}',
  'POST /v1/accounts/{id}/events',
  'PUT /v1/event-types/{name}',
  'PATCH /v1/event-types/{name}',
  'DELETE /v1/event-types/{name}',
  'POST /v1/event-types/import',
  'POST /v1/accounts/{id}/pause',
  'POST /v1/accounts/{id}/resume',
  'POST /v1/accounts/{id}/erase',
  'POST /v1/events/{id}/erase',
  'GET /v1/erasures',
  'POST /v1/broadcasts',
  'GET /v1/broadcasts',
  'GET /v1/broadcasts/{id}',
  'POST /v1/broadcasts/{id}/pause',
  'POST /v1/broadcasts/{id}/resume',
  'POST /v1/broadcasts/{id}/cancel',
];

/** Routes that name nothing of an account, each looked at by a test below. */
const NAMELESS = [
  'GET /v1/me',
  // test/integration/api/sessions.test.ts
  'POST /v1/sessions',
  'DELETE /v1/sessions/current',
  'GET /v1/audit',
  'GET /v1/alerts',
  'GET /v1/alert-rules',
  'POST /v1/alert-rules',
  'GET /v1/keys',
  'POST /v1/keys',
  'GET /v1/accounts',
  'POST /v1/accounts',
  'GET /v1/deliveries',
  'GET /v1/events',
  'GET /v1/search',
  'GET /v1/subscriptions',
  'GET /v1/deliveries/stream',
  'POST /v1/deliveries/bulk',
  'POST /v1/jobs',
  'GET /v1/jobs',
  'GET /v1/overview',
  // test/integration/api/overview.test.ts
  'GET /v1/attention',
  'GET /v1/health',
  'POST /v1/reconciliations',
  'GET /v1/contracts',
  'GET /v1/erasures',
  'POST /v1/contracts/{provider}/verify',
  // test/integration/api/broadcasts.test.ts
  'GET /v1/broadcasts',
  'POST /v1/broadcasts',
  // test/integration/api/accounts/by-id.test.ts
  'PUT /v1/accounts/by-id/{externalId}',
  'GET /v1/accounts/by-id/{externalId}',
  'DELETE /v1/accounts/by-id/{externalId}',
  // test/integration/api/event-types has these: event types belong to the installation, not to an account.
  'GET /v1/event-types',
  'POST /v1/event-types/import',
  'GET /v1/event-types/{name}',
  'PUT /v1/event-types/{name}',
  'PATCH /v1/event-types/{name}',
  'DELETE /v1/event-types/{name}',
];

test('what names nothing of an account is known', () => {
  const nameless = operations.filter(([, path]) => !path.includes('{id}')).map(([method, path]) => `${method} ${path}`);
  expect(nameless.sort()).toEqual([...NAMELESS].sort());
});

test('what only operators may do is documented so', () => {
  const documented = operations
    .filter(([, , forAccounts]) => !forAccounts)
    .map(([method, path]) => `${method} ${path}`);
  expect(documented.sort()).toEqual([...OPERATORS_ONLY].sort());
});

describe.each(samples)('with an account of $provider', ({ provider }) => {
  const bodies: Record<string, unknown> = {
    'POST /v1/accounts': { provider, name: 'Acme' },
    'PATCH /v1/accounts/{id}': { disableAfterHours: 24 },
    'POST /v1/accounts/{id}/subscriptions': plainSubscription(provider),
    'POST /v1/deliveries/{id}/extend': { seconds: 60 },
    'POST /v1/subscriptions/{id}/recover': { from: '2026-01-01T00:00:00Z', dryRun: true },
    'PATCH /v1/subscriptions/{id}': { description: 'mine' },
    'POST /v1/accounts/{id}/filters/test': { filter: { type: 'a' } },
    'POST /v1/accounts/{id}/transformations/test': { expression: 'data', event: { type: 'a', data: {} } },
  };

  test('nothing of another account is there, and nothing of it changes', async () => {
    const { account, subscription, event, deliveryId } = await emitted(api.ask, provider);
    const { apiKey } = await newAccount(api.ask, provider);
    const [key] = (await api.ask('GET', `/v1/accounts/${account.id}`)).body.keys;
    const foreign = {
      accounts: account.id,
      subscriptions: subscription.id,
      events: event.id,
      deliveries: deliveryId,
      recoveries: newRecoveryId(subscription.id),
      jobs: (await startJob(account.apiKey as string)).body.id as string,
      keyId: key.id,
      linkId: (await api.ask('POST', `/v1/accounts/${account.id}/portal-links`)).body.id,
      keys: (await api.ask('POST', '/v1/keys', { name: 'CI' })).body.id,
      'alert-rules': newId('alr'),
    };
    const unknown = {
      accounts: unknownIds.account,
      subscriptions: unknownIds.subscription,
      events: unknownIds.event,
      deliveries: unknownIds.delivery,
      recoveries: newRecoveryId(unknownIds.subscription),
      jobs: newId('job'),
      keyId: unknownIds.key,
      linkId: newId('ses'),
      keys: unknownIds.key,
      'alert-rules': newId('alr'),
    };
    const before = await dump(api.database, ...TABLES);
    const named = operations.filter(([, path]) => path.includes('{id}'));
    expect(named.length).toBeGreaterThan(20);
    for (const [method, path, forAccounts] of named) {
      const name = `${method} ${path}`;
      const ask = (ids: Record<string, string>): Promise<ApiResponse> =>
        api.ask(
          method,
          path
            .replace('{keyId}', ids.keyId!)
            .replace('{linkId}', ids.linkId!)
            .replace('{id}', ids[path.split('/')[2]!]!),
          bodies[name],
          bearer(apiKey),
        );
      const [theirs, nobodys] = [await ask(foreign), await ask(unknown)];
      expect([name, theirs.status, theirs.body.code]).toEqual([
        name,
        ...(forAccounts ? [404, 'not_found'] : [403, 'forbidden']),
      ]);
      expect([name, theirs.text]).toEqual([name, nobodys.text]);
    }
    expect(await dump(api.database, ...TABLES)).toBe(before);
  });

  test('what is its own is there, with no way to the operator’s tools', async () => {
    const { account, subscription, event, deliveryId } = await emitted(api.ask, provider);
    const own = (method: string, path: string, body?: unknown) =>
      api.ask(method, path, body, bearer(account.apiKey as string));
    expect((await own('GET', '/v1/me')).body).toMatchObject({
      role: 'account',
      scopes: ['admin'],
      account: { id: account.id, provider, name: 'Acme' },
    });
    for (const path of [`/accounts/${account.id}`, `/subscriptions/${subscription.id}`, `/events/${event.id}`]) {
      expect([path, (await own('GET', `/v1${path}`)).status]).toEqual([path, 200]);
    }
    const delivery = await own('GET', `/v1/deliveries/${deliveryId}`);
    expect(delivery.body).toMatchObject({ id: deliveryId, url: subscription.url, temporalUrl: null });
    expect((await own('POST', `/v1/subscriptions/${subscription.id}/test`)).status).toBe(202);
    const { body: made } = await own('POST', `/v1/accounts/${account.id}/keys`);
    expect((await api.ask('GET', '/v1/me', undefined, bearer(made.apiKey as string))).body.account.id).toBe(account.id);
    expect((await own('DELETE', `/v1/accounts/${account.id}/keys/${made.id}`)).status).toBe(204);
    expect((await api.ask('GET', '/v1/me', undefined, bearer(made.apiKey as string))).status).toBe(401);
  });

  test('lists hold what is its own', async () => {
    const mine = await emitted(api.ask, provider);
    const other = await emitted(api.ask, provider);
    const list = async (query: string) =>
      (await api.ask('GET', `/v1/deliveries${query}`, undefined, bearer(mine.account.apiKey as string))).body.data.map(
        ({ id }: { id: string }) => id,
      );
    expect(await list('')).toEqual([mine.deliveryId]);
    expect(await list(`?accountId=${mine.account.id}`)).toEqual([mine.deliveryId]);
    expect(await list(`?accountId=${other.account.id}`)).toEqual([]);
    expect(await list(`?subscriptionId=${other.subscription.id}`)).toEqual([]);
    expect(await list(`?eventId=${other.event.id}`)).toEqual([]);
  });
});

test('accounts are made and listed by operators only', async () => {
  const { apiKey } = await newAccount(api.ask, 'standard');
  for (const method of ['GET', 'POST']) {
    const body = method === 'POST' ? { provider: 'standard', name: 'Mine' } : undefined;
    expect((await api.ask(method, '/v1/accounts', body, bearer(apiKey as string))).status).toBe(403);
  }
});

test('figures are of its own', async () => {
  const mine = await emitted(api.ask, 'standard');
  const other = await emitted(api.ask, 'bird');
  const overview = async (query = '') =>
    (await api.ask('GET', `/v1/overview${query}`, undefined, bearer(mine.account.apiKey as string))).body;
  for (const query of ['', `?accountId=${mine.account.id}`]) {
    expect(await overview(query)).toMatchObject({
      states: { pending: 1 },
      backlog: { waiting: 1 },
      providers: [{ provider: 'standard', deliveries: 1 }],
    });
  }
  expect(await overview(`?accountId=${other.account.id}`)).toMatchObject({
    states: { pending: 0 },
    backlog: { waiting: 0, oldestWaitingAt: null },
    providers: [],
  });
});

test('bulk commands reach its own deliveries only', async () => {
  const mine = await emitted(api.ask, 'standard');
  const other = await emitted(api.ask, 'standard');
  const settle = 'UPDATE deliveries SET state = $1, settled_at = now() WHERE id = ANY($2)';
  await api.database.store.pool.query(settle, ['failed', [mine.deliveryId, other.deliveryId]]);
  const redeliver = async (filter: object) => {
    const body = { action: 'redeliver', filter };
    return (await api.ask('POST', '/v1/deliveries/bulk', body, bearer(mine.account.apiKey as string))).body;
  };
  for (const foreign of [{ accountId: other.account.id }, { subscriptionId: other.subscription.id }]) {
    expect(await redeliver(foreign)).toMatchObject({ matched: 0, done: 0 });
  }
  expect(await redeliver({})).toEqual({ matched: 1, done: 1, refused: 0, more: false, nextCursor: null });
  expect((await api.ask('GET', `/v1/deliveries/${mine.deliveryId}`)).body.state).toBe('pending');
  expect((await api.ask('GET', `/v1/deliveries/${other.deliveryId}`)).body.state).toBe('failed');
});

test('jobs reach its own deliveries only, and are listed for the account that started them', async () => {
  const mine = await emitted(api.ask, 'standard');
  const other = await emitted(api.ask, 'standard');
  const settle = 'UPDATE deliveries SET state = $1, settled_at = now() WHERE id = ANY($2)';
  await api.database.store.pool.query(settle, ['failed', [mine.deliveryId, other.deliveryId]]);
  const key = mine.account.apiKey as string;
  for (const filter of [{ accountId: other.account.id }, { deliveryIds: [other.deliveryId] }]) {
    expect((await startJob(key, filter, true)).body).toMatchObject({ total: 0 });
  }
  expect((await startJob(key, {}, true)).body).toMatchObject({ total: 1 });
  const { body: job } = await startJob(key);
  expect(job).toMatchObject({ accountId: mine.account.id, filter: { accountId: mine.account.id }, temporalUrl: null });
  const list = async (apiKey: string) => (await api.ask('GET', '/v1/jobs', undefined, bearer(apiKey))).body.data;
  expect(await list(key)).toEqual([job]);
  expect(await list(other.account.apiKey as string)).toEqual([]);
  await api.ask('POST', '/v1/jobs', { action: 'redeliver', filter: { accountId: mine.account.id } });
  expect(await list(key)).toEqual([job]);
});

test('contracts are its own', async () => {
  const { apiKey } = await newAccount(api.ask, 'bird');
  const own = (method: string, path: string, body?: unknown) =>
    api.ask(method, `/v1/contracts${path}`, body, bearer(apiKey as string));
  expect((await own('GET', '')).body.data).toMatchObject([{ provider: 'bird' }]);
  const request = { secret: 'key', headers: {}, body: '', url: 'https://hooks.example.com' };
  expect((await own('POST', '/bird/verify', request)).status).toBe(200);
  expect((await own('POST', '/standard/verify', request)).status).toBe(404);
});

test('an operator is asked to be one', async () => {
  expect((await api.ask('GET', '/v1/me', undefined, bearer(ADMIN_KEY))).body).toEqual({
    role: 'operator',
    scopes: ['admin'],
    key: { name: 'PIGEONPOST_ADMIN_KEY' },
  });
});

test('the key of a deleted account is none', async () => {
  const { id, apiKey } = await newAccount(api.ask, 'standard');
  expect((await api.ask('DELETE', `/v1/accounts/${id}`)).status).toBe(204);
  const response = await api.ask('GET', '/v1/me', undefined, bearer(apiKey as string));
  expect([response.status, response.body.code]).toEqual([401, 'unauthorized']);
});
