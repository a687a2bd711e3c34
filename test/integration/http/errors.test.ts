/** What the API responds when something is wrong: with the request, the key, the body or the database. */
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { createSecretBox } from '../../../src/store/secret-box.js';
import { openStore, type Store } from '../../../src/store/store.js';
import {
  fetchWhole,
  ADMIN_KEY,
  startApi,
  startApiWithDatabase,
  type ApiResponse,
  type TestApi,
} from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { emitted, expectStatus, newAccount, newSubscription, paths, unknownIds } from '../../support/samples.js';

const LIMIT = 4_096;

let api: TestApi & { readonly database: TestDatabase };
let accountId: string;
beforeAll(async () => {
  api = await startApiWithDatabase({ maxBodyBytes: LIMIT });
  accountId = (await newAccount(api.ask, 'standard')).id;
});
afterAll(() => api.close());

/** Sends a body as it is. */
async function send(
  path: string,
  body: string | Buffer | ReadableStream | null,
  headers: Record<string, string> = { 'content-type': 'application/json' },
  method = 'POST',
): Promise<ApiResponse> {
  const response = await fetch(api.url + path, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text === '' ? undefined : JSON.parse(text) };
}

/** That a response is a problem of this kind, in its form. */
function expectProblem({ status, body, headers }: ApiResponse, expectedStatus: number, code: string): void {
  expect([status, body]).toEqual([
    expectedStatus,
    expect.objectContaining({
      type: `urn:pigeonpost:problem:${code}`,
      title: expect.any(String),
      status: expectedStatus,
      code,
      detail: expect.stringMatching(/\w/),
    }),
  ]);
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
}

const events = () => `/v1/accounts/${accountId}/events`;
const event = { type: 'user.created', data: {} };

/** Every route of `/v1`, with ids of what is not there. */
const routes: [method: string, path: string][] = [
  ['POST', '/v1/accounts'],
  ['GET', '/v1/accounts'],
  ['GET', `/v1/accounts/${unknownIds.account}`],
  ['PATCH', `/v1/accounts/${unknownIds.account}`],
  ['DELETE', `/v1/accounts/${unknownIds.account}`],
  ['PUT', '/v1/accounts/by-id/nobody'],
  ['GET', '/v1/accounts/by-id/nobody'],
  ['DELETE', '/v1/accounts/by-id/nobody'],
  ['POST', `/v1/accounts/${unknownIds.account}/keys`],
  ['DELETE', `/v1/accounts/${unknownIds.account}/keys/${unknownIds.key}`],
  ['POST', `/v1/accounts/${unknownIds.account}/subscriptions`],
  ['GET', `/v1/accounts/${unknownIds.account}/subscriptions`],
  ['GET', `/v1/subscriptions/${unknownIds.subscription}`],
  ['PATCH', `/v1/subscriptions/${unknownIds.subscription}`],
  ['DELETE', `/v1/subscriptions/${unknownIds.subscription}`],
  ['GET', `/v1/subscriptions/${unknownIds.subscription}/secret`],
  ['POST', `/v1/subscriptions/${unknownIds.subscription}/rotate-secret`],
  ['GET', `/v1/subscriptions/${unknownIds.subscription}/poll`],
  ['GET', `/v1/subscriptions/${unknownIds.subscription}/consumers`],
  ['DELETE', `/v1/subscriptions/${unknownIds.subscription}/consumers/one`],
  ['POST', `/v1/subscriptions/${unknownIds.subscription}/test`],
  ['POST', `/v1/subscriptions/${unknownIds.subscription}/drop-waiting`],
  ['POST', `/v1/subscriptions/${unknownIds.subscription}/pause`],
  ['POST', `/v1/subscriptions/${unknownIds.subscription}/resume`],
  ['POST', `/v1/accounts/${unknownIds.account}/pause`],
  ['POST', `/v1/accounts/${unknownIds.account}/resume`],
  ['POST', `/v1/subscriptions/${unknownIds.subscription}/recover`],
  ['GET', `/v1/subscriptions/${unknownIds.subscription}/ordering`],
  ['POST', `/v1/accounts/${unknownIds.account}/events`],
  ['GET', `/v1/accounts/${unknownIds.account}/events`],
  ['GET', `/v1/events/${unknownIds.event}`],
  ['GET', '/v1/deliveries'],
  ['POST', '/v1/jobs'],
  ['GET', '/v1/jobs'],
  ['GET', `/v1/deliveries/${unknownIds.delivery}`],
  ...['cancel', 'pause', 'resume', 'retry', 'redeliver', 'park'].map((name): [string, string] => [
    'POST',
    `/v1/deliveries/${unknownIds.delivery}/${name}`,
  ]),
];

describe('the admin key', () => {
  test.each(routes)('is wanted for %s %s', async (method, path) => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer wrong-key-0123456789',
      `Bearer ${ADMIN_KEY}x`,
      `Bearer ${ADMIN_KEY.slice(0, -1)}`,
      `Bearer ${ADMIN_KEY} ${ADMIN_KEY}`,
      `Bearer x, Bearer ${ADMIN_KEY}`,
      `Basic ${Buffer.from(`:${ADMIN_KEY}`).toString('base64')}`,
      ADMIN_KEY,
    ]) {
      const reply = await send(path, null, { authorization }, method);
      expectProblem(reply, 401, 'unauthorized');
      expect(reply.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test('is wanted where no header is sent at all', async () => {
    const response = await fetchWhole(`${api.url}/v1/accounts`);
    expect(response.status).toBe(401);
  });

  test('is not an account’s own key', async () => {
    const { apiKey } = await newAccount(api.ask, 'standard');
    const reply = await send('/v1/accounts', null, { authorization: `Bearer ${apiKey}` }, 'GET');
    expectProblem(reply, 403, 'forbidden');
  });

  test('is wanted before anything is said about routes or bodies', async () => {
    const authorization = 'Bearer wrong-key-0123456789';
    expect((await send('/v1/nothing', null, { authorization }, 'GET')).status).toBe(401);
    expect((await send('/v1/accounts', '{', { authorization })).status).toBe(401);
    expect((await send('/V1/ACCOUNTS', null, { authorization }, 'GET')).status).toBe(401);
    expect((await send('/v1', null, { authorization }, 'GET')).status).toBe(401);
    expect((await send('/v1/accounts/', null, { authorization }, 'GET')).status).toBe(401);
  });

  test('may follow a scheme in any case', async () => {
    const reply = await send('/v1/accounts', null, { authorization: `bearer  ${ADMIN_KEY}` }, 'GET');
    expect(reply.status).toBe(200);
  });

  test.each(['/healthz', '/openapi.json'])('is not wanted for %s', async (path) => {
    expect((await fetchWhole(api.url + path)).status).toBe(200);
  });
});

describe('routes', () => {
  test.each([
    ['GET', '/v1/nothing'],
    ['GET', '/v1'],
    ['PUT', '/v1/accounts'],
    ['PUT', '/v1/accounts/acc_1'],
    ['GET', '/v1/accounts/acc_1/keys'],
    ['GET', '/v1//accounts'],
    ['GET', '/v1/deliveries/dlv_1/cancel'],
    ['POST', '/v1/deliveries/dlv_1/explode'],
    ['GET', '/'],
    ['POST', '/healthz'],
  ])('%s %s is none', async (method, path) => {
    const reply = await send(path, null, {}, method);
    expectProblem(reply, 404, 'not_found');
    expect(reply.body.detail).toContain(path);
  });

  test.each(['/v1/accounts/%', '/v1/accounts/%zz', '/v1/accounts/%ff', '/v1/deliveries/%c3%28'])(
    'a path that cannot be decoded, %s, is malformed',
    async (path) => expectProblem(await send(path, null, {}, 'GET'), 400, 'malformed_request'),
  );

  test.each(routes.filter(([, path]) => path.includes('_')))(
    '%s %s responds with 404 for what is not there',
    async (method, path) => {
      const bodies: Record<string, unknown> = {
        subscriptions: { url: 'https://hooks.example.com', eventTypes: [] },
        events: event,
        recover: { from: '2026-01-01T00:00:00Z' },
        jobs: { action: 'retry', filter: {} },
      };
      const posted =
        method === 'PUT' ? bodies.accounts : method === 'POST' ? bodies[path.split('/').at(-1)!] : undefined;
      const body = method === 'PATCH' ? {} : posted;
      expectProblem(await api.ask(method, path, body), 404, 'not_found');
    },
  );

  test('a response says nothing of what it is made with', async () => {
    const { headers } = await api.ask('GET', '/v1/accounts');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('bodies', () => {
  const wanting: [method: string, path: () => string][] = [
    ['POST', () => '/v1/accounts'],
    ['POST', () => `/v1/accounts/${accountId}/subscriptions`],
    ['POST', events],
  ];

  test.each(wanting)('%s %s wants one', async (method, path) => {
    const typed = ['application/json', 'text/plain'].map((type) => ({ 'content-type': type }));
    for (const headers of [{}, ...typed] as Record<string, string>[]) {
      expectProblem(await send(path(), null, headers, method), 400, 'malformed_request');
      expectProblem(await send(path(), '', headers, method), 400, 'malformed_request');
    }
    expectProblem(await send(path(), 'null', undefined, method), 400, 'malformed_request');
  });

  test.each(wanting)('%s %s wants an object', async (method, path) => {
    for (const body of ['[]', '7', '"text"', 'true']) {
      expectProblem(await send(path(), body, undefined, method), 422, 'invalid_request');
    }
  });

  test.each([
    '{',
    '{}}',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":NaN}',
    '{"a":"\n"}',
    '{"a":"\\x"}',
    '{"a":"\\ud8"}',
    '// comment\n{}',
    '{} {}',
    ' ',
    '\u00a0{}',
    'undefined',
    '{"type":"user.created","data":{}',
  ])('%j is no JSON', async (body) => {
    expectProblem(await send(events(), body), 400, 'malformed_request');
  });

  test('must be UTF-8', async () => {
    const [head, tail] = ['{"type":"user.created","data":"', '"}'].map((text) => Buffer.from(text));
    for (const bytes of [
      [0xff],
      [0xc3, 0x28],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ]) {
      const reply = await send(events(), Buffer.concat([head!, Buffer.from(bytes), tail!]));
      expectProblem(reply, 400, 'malformed_request');
      expect(reply.body.detail).toMatch('UTF-8');
    }
    const utf16 = Buffer.from(`\ufeff${JSON.stringify(event)}`, 'utf16le');
    expectProblem(await send(events(), utf16), 400, 'malformed_request');
  });

  test('may begin with a byte order mark', async () => {
    const reply = await send(events(), `\ufeff${JSON.stringify(event)}`);
    expectStatus(reply, 202);
    const batch = await send(events(), `\ufeff${JSON.stringify({ events: [event] })}`);
    expect(expectStatus(batch, 202).body.results).toHaveLength(1);
  });

  test.each([
    ['{"type":"user.created","type":"user.deleted","data":{}}', 'type'],
    ['{"type":"user.created","data":1,"data":2}', 'data'],
    ['{"type":"user.created","data":1,"d\\u0061ta":2}', 'data'],
    ['{"events":[],"events":[]}', 'events'],
  ])('%s names a field twice', async (body, name) => {
    const reply = await send(events(), body);
    expectProblem(reply, 400, 'malformed_request');
    expect(reply.body.detail).toContain(`"${name}" twice`);
  });

  test.each([
    ['a header', '"headers":{"X-Team":"a","X-Team":"b"}', 'X-Team'],
    ['an escaped name', '"headers":{"X-Team":"a","X-\\u0054eam":"b"}', 'X-Team'],
    ['a field of its own', '"enabled":true,"enabled":false', 'enabled'],
  ])('that is no event may nowhere name twice: %s', async (_what, member, name) => {
    const path = `/v1/accounts/${accountId}/subscriptions`;
    const reply = await send(path, `{"url":"https://hooks.example.com/in","eventTypes":[],${member}}`);
    expectProblem(reply, 400, 'malformed_request');
    expect(reply.body.detail).toContain(`"${name}" twice`);
  });

  test('may nest a hundred deep and no deeper', async () => {
    const nested = (depth: number) =>
      `{"type":"user.created","data":${'['.repeat(depth - 1)}"[[[\\"{{"${']'.repeat(depth - 1)}}`;
    expectStatus(await send(events(), nested(100)), 202);
    for (const body of [nested(101), '['.repeat(LIMIT), '{"a":'.repeat(800)]) {
      const reply = await send(events(), body);
      expectProblem(reply, 400, 'malformed_request');
      expect(reply.body.detail).toMatch('100 deep');
    }
  });

  test('may be as long as the limit and no longer', async () => {
    const ofLength = (length: number) => {
      const text = JSON.stringify({ ...event, data: '' });
      return text.replace('""', `"${'x'.repeat(length - text.length)}"`);
    };
    expectStatus(await send(events(), ofLength(LIMIT)), 202);
    const long = ofLength(LIMIT + 1);
    const reply = await send(events(), long);
    expectProblem(reply, 413, 'body_too_large');
    expect(reply.body.detail).toMatch('PIGEONPOST_MAX_BODY_BYTES');
    const chunked = new ReadableStream({
      start(controller) {
        for (const half of [long.slice(0, 2_000), long.slice(2_000)]) controller.enqueue(Buffer.from(half));
        controller.close();
      },
    });
    expectProblem(await send(events(), chunked), 413, 'body_too_large');
    expectProblem(await send('/v1/accounts', long), 413, 'body_too_large');
  });

  test.each(['gzip', 'deflate', 'br', 'x-unknown'])('must not be compressed with %s', async (encoding) => {
    const body = encoding === 'gzip' ? gzipSync(JSON.stringify(event)) : JSON.stringify(event);
    const reply = await send(events(), body, { 'content-type': 'application/json', 'content-encoding': encoding });
    expectProblem(reply, 415, 'unsupported_media_type');
    expect(reply.body.detail).toMatch('uncompressed');
  });

  test.each(['', 'text/plain', 'text/json', 'application/x-www-form-urlencoded', 'multipart/form-data', 'json', '*/*'])(
    'must not be of type %j',
    async (type) => {
      const body = Buffer.from(JSON.stringify(event));
      const reply = await send(events(), body, type === '' ? {} : { 'content-type': type });
      expectProblem(reply, 415, 'unsupported_media_type');
      expect(reply.body.detail).toMatch('application/json');
    },
  );

  test.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/merge-patch+json'])(
    'may be of type %j',
    async (type) => {
      expectStatus(await send(events(), JSON.stringify(event), { 'content-type': type }), 202);
    },
  );

  test('are not wanted where nothing can be said', async () => {
    const { id } = await newSubscription(api.ask, accountId, 'standard');
    for (const [path, status] of [
      [`/v1/subscriptions/${id}/test`, 202],
      [`/v1/subscriptions/${id}/rotate-secret`, 200],
      [`/v1/accounts/${accountId}/keys`, 201],
    ] as const) {
      expectStatus(await send(path, null, {}), status);
      expectStatus(await send(path, '{}'), status);
    }
  });

  test('parameters in the query are refused where there are none', async () => {
    const reply = await api.ask('GET', `/v1/accounts/${accountId}?expand=keys`);
    expectProblem(reply, 422, 'invalid_request');
    expect(paths(reply)).toEqual(['expand']);
  });
});

describe('a problem with fields', () => {
  test('names each with what to change, the first one in its detail', async () => {
    const reply = await api.ask('POST', '/v1/accounts', { provider: 7, name: '', colour: 'red' });
    expectProblem(reply, 422, 'invalid_request');
    expect(paths(reply)).toEqual(['provider', 'name', 'colour']);
    for (const { message } of reply.body.errors) expect(message).toMatch(/\w/);
    expect(reply.body.detail).toBe(`provider: ${reply.body.errors[0].message} (and 2 more)`);
  });
});

describe('a body that is no event', () => {
  let own: TestApi & { readonly database: TestDatabase };
  beforeAll(async () => {
    own = await startApiWithDatabase();
  });
  afterAll(() => own.close());
  const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1]));

  test('is rejected when it is larger than 256 KiB, whatever events may have', async () => {
    const account = await newAccount(own.ask, 'standard');
    const payload = 'x'.repeat(262_144);
    const { status } = await own.ask('POST', `/v1/accounts/${account.id}/events`, { ...event, data: { payload } });
    expect(status).toBe(202);
    const edit = await own.ask('PATCH', `/v1/accounts/${account.id}`, { name: payload });
    expectProblem(edit, 413, 'body_too_large');
    expect(edit.body.detail).toContain('262144 bytes');
  });

  test('is rejected before it is parsed when it holds more than 10,000 values', async () => {
    const account = await newAccount(own.ask, 'standard');
    const body = JSON.stringify({ eventTypes: Array.from({ length: 20_000 }, () => 1) });
    const parse = jest.spyOn(JSON, 'parse');
    const reply = await fetch(`${own.url}/v1/accounts/${account.id}/subscriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body,
    });
    const parsed = parse.mock.calls.filter(([text]) => text === body).length;
    parse.mockRestore();
    expect([reply.status, parsed]).toEqual([400, 0]);
    expect(await reply.text()).toContain('more than 10000 values');
  });

  test('gets a response with at most 50 errors and the number of the others', async () => {
    const account = await newAccount(own.ask, 'standard');
    const reply = await own.ask('PATCH', `/v1/accounts/${account.id}`, names(400));
    expectProblem(reply, 422, 'invalid_request');
    expect(reply.body.errors).toHaveLength(50);
    expect(reply.body.moreErrors).toBe(350);
    expect(reply.body.detail).toContain('(and 399 more)');
  });

  test('is not quoted at length in an error', async () => {
    const account = await newAccount(own.ask, 'standard');
    const name = 'n'.repeat(100_000);
    for (const body of [
      `{"${name}":1}`,
      `{"${name}":1,"${name}":2}`,
      `{"settings":{"${name}":1}}`,
      `{"name":${name}}`,
    ]) {
      const reply = await own.ask('PATCH', `/v1/accounts/${account.id}`, body);
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.text.length).toBeLessThan(5_000);
    }
  });
});

/** A store whose database is not there. */
async function storeNowhere(): Promise<Store> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return openStore({ databaseUrl: `postgres://u:p@127.0.0.1:${port}/none`, box: createSecretBox([randomBytes(32)]) });
}

describe('without its database', () => {
  let store: Store;
  let lost: TestApi;
  beforeAll(async () => {
    store = await storeNowhere();
    lost = await startApi({ store });
  });
  afterAll(async () => {
    await lost.close();
    await store.pool.end();
  });

  test.each(routes)('%s %s says when to try again', async (method, path) => {
    const bodies: Record<string, unknown> = {
      accounts: { provider: 'standard', name: 'Acme' },
      subscriptions: { url: 'https://hooks.example.com', eventTypes: [] },
      events: event,
      recover: { from: '2026-01-01T00:00:00Z' },
      jobs: { action: 'retry', filter: {} },
    };
    const posted = method === 'PUT' ? bodies.accounts : method === 'POST' ? bodies[path.split('/').at(-1)!] : undefined;
    const body = method === 'PATCH' ? {} : posted;
    const reply = await lost.ask(method, path, body);
    expectProblem(reply, 503, 'unavailable');
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(reply.text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|postgres/i);
  });

  test('lives but is not ready', async () => {
    expect(await lost.ask('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    const ready = await lost.ask('GET', '/readyz');
    expect([ready.status, ready.body]).toEqual([
      503,
      { status: 'unavailable', database: 'unavailable', schema: 'unknown' },
    ]);
  });

  test('still says what is wrong with a request that it need not be asked about', async () => {
    expect((await lost.ask('POST', '/v1/accounts', { provider: 'hooli', name: 'Acme' })).status).toBe(422);
    expect((await lost.ask('GET', '/v1/deliveries?limit=0')).status).toBe(422);
    expect((await lost.ask('GET', '/v1/nothing')).status).toBe(404);
  });
});

describe('an error of our own', () => {
  afterEach(() => jest.restoreAllMocks());

  test.each([
    ['08006', 503],
    ['53300', 503],
    ['57P01', 503],
    ['57P03', 503],
    ['25006', 503],
    ['ECONNRESET', 503],
    ['EAI_AGAIN', 503],
    ['42P01', 500],
    ['23505', 500],
    [undefined, 500],
  ])('with code %s gets a response with %i and says nothing of the inside', async (code, status) => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    const error = Object.assign(new Error('relation "inside" lacks a password'), { code });
    jest.spyOn(api.database.store.pool, 'query').mockImplementation(() => Promise.reject(error) as never);
    const reply = await api.ask('GET', `/v1/deliveries/${deliveryId}`);
    expectProblem(reply, status, status === 503 ? 'unavailable' : 'internal_error');
    expect(reply.text).not.toMatch(/inside|password/);
    expect(reply.headers.get('retry-after') === null).toBe(status === 500);
  });

  test.each(['timeout exceeded when trying to connect', 'Connection terminated unexpectedly'])(
    'that says %j means that the database is unavailable',
    async (message) => {
      jest
        .spyOn(api.database.store.pool, 'query')
        .mockImplementation(() => Promise.reject(new Error(message)) as never);
      expectProblem(await api.ask('GET', `/v1/deliveries/${unknownIds.delivery}`), 503, 'unavailable');
    },
  );
});
