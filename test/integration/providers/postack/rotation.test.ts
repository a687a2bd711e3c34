/** What clients of Svix's API get for a rotation of the secret, and that a repeated call rotates once. */
import { Svix } from 'svix';
import { Svix as LatestSvix } from 'svix-latest';
import { findSubscriptionByReference } from '../../../../src/store/subscriptions/subscriptions.js';
import { startApi, startApiWithDatabase, type ApiResponse, type TestApi } from '../../../support/api.js';
import { overlap } from '../../../support/overlap.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let other: TestApi;
let account: { id: string; apiKey: string; scope: { appId: string } };
let id: string;

beforeAll(async () => {
  api = await startApiWithDatabase();
  other = await startApi({ store: api.database.store });
  account = (await api.ask('POST', '/v1/accounts', { provider: 'postack', name: 'Acme' })).body;
});
afterAll(async () => {
  await other.close();
  await api.close();
});
beforeEach(async () => {
  id = (await ask(api, 'POST', '', { url: 'https://hooks.example.test/postack' })).body.id;
});

function ask(
  at: TestApi,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<ApiResponse> {
  const authorization = `Bearer ${account.apiKey}`;
  return at.ask(method, `/api/v1/app/${account.scope.appId}/endpoint${path}`, body, { authorization, ...headers });
}

const rotate = (headers: Record<string, string>, at: TestApi = api) =>
  ask(at, 'POST', `/${id}/secret/rotate`, {}, headers);

const currentKey = async (): Promise<string> => (await ask(api, 'GET', `/${id}/secret`)).body.key;

async function countRotations(): Promise<number> {
  const endpoint = await findSubscriptionByReference(api.database.store, account.id, id);
  return (endpoint!.secrets as { keys: unknown[] }).keys.length - 1;
}

test.each([
  'svix-libs/2.7.0/python',
  'svix-libs/2.9.1/python',
  'svix-libs/2.10.0/go go/go1.27',
  'svix-libs/3.0.0/java',
])('responds with the new secret when the client reads one: %s', async (agent) => {
  const { status, body } = await rotate({ 'user-agent': agent });
  expect({ status, body }).toEqual({ status: 200, body: { key: await currentKey() } });
  expect(await countRotations()).toBe(1);
});

test.each([
  'svix-libs/2.6.2/python',
  'svix-libs/2.5.0/javascript node/v22.0.0',
  'svix-libs/1.99.1/java jre/21',
  'svix-libs/1.93.0/java',
  'svix-libs/0.30.0/java',
  'svix-libs/2/python',
  'curl/8.0 svix-libs/2.9.1/python',
])('responds without a body when the client reads none: %s', async (agent) => {
  const { status, text } = await rotate({ 'user-agent': agent });
  expect({ status, text }).toEqual({ status: 204, text: '' });
  expect(await countRotations()).toBe(1);
});

describe.each([
  ['1.99', Svix],
  ['the latest', LatestSvix],
])('the client package of version %s', (_version, Client) => {
  test('rotates the secret', async () => {
    const { endpoint } = new Client(account.apiKey, { serverUrl: api.url });
    const before = await currentKey();
    await endpoint.rotateSecret(account.scope.appId, id);
    expect((await endpoint.getSecret(account.scope.appId, id)).key).not.toBe(before);
    expect(await countRotations()).toBe(1);
  });

  test('rotates once when the response is lost and it repeats the request by itself', async () => {
    let requests = 0;
    const lossy: typeof fetch = async (...args) => {
      requests += 1;
      const response = await fetch(...args);
      if (requests === 1) throw new TypeError('fetch failed');
      return response;
    };
    const options = { serverUrl: api.url, fetch: lossy, retryScheduleInMs: [1] };
    await new Client(account.apiKey, options).endpoint.rotateSecret(account.scope.appId, id);
    expect({ requests, rotations: await countRotations() }).toEqual({ requests: 2, rotations: 1 });
  });
});

test('rotates once when a client without idempotency keys repeats the request', async () => {
  const headers = { 'user-agent': 'svix-libs/1.60.1/javascript', 'svix-req-id': '4711' };
  await rotate(headers);
  await rotate({ ...headers, 'svix-retry-count': '1' });
  expect(await countRotations()).toBe(1);
  await rotate({ ...headers, 'svix-req-id': '4712' });
  expect(await countRotations()).toBe(2);
});

test('rotates once, and responds both alike, when two API processes get the same call at once', async () => {
  const headers = { 'user-agent': 'svix-libs/2.9.1/python', 'idempotency-key': 'auto_1' };
  const endpoint = await findSubscriptionByReference(api.database.store, account.id, id);
  const responses = await overlap(api.database.store, endpoint!.id, [
    () => rotate(headers),
    () => rotate(headers, other),
  ]);
  const bodies = responses.map(({ body }) => body);
  expect(bodies).toEqual([{ key: await currentKey() }, { key: await currentKey() }]);
  expect(await countRotations()).toBe(1);
});

test('keeps no secret with the idempotency key', async () => {
  await rotate({ 'user-agent': 'svix-libs/2.9.1/python', 'idempotency-key': 'auto_2' });
  const { rows } = await api.database.store.pool.query('SELECT response::text FROM idempotency_keys');
  expect(JSON.stringify(rows)).not.toContain('whsec_');
});

test('rotates at a repeated call when the first one was refused', async () => {
  const refused = await ask(api, 'POST', `/${id}/secret/rotate`, { key: 'short' }, { 'idempotency-key': 'auto_3' });
  expect(refused.status).toBe(422);
  await rotate({ 'idempotency-key': 'auto_3' });
  expect(await countRotations()).toBe(1);
});
