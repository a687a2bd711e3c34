/** No key reaches what another account has, by any route of Svix's API, and no input of a caller breaks a route. */
import * as fc from 'fast-check';
import { startApiWithDatabase, type ApiResponse } from '../../../support/api.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;

interface Environment {
  readonly apiKey: string;
  readonly id: string;
  readonly scope: { readonly appId: string };
}
let own: Environment;
let foreign: Environment;
let ids: { appId: string; endpoint: string; msg: string; task: string; operational: string };

const newEnvironment = async (): Promise<Environment> =>
  (await api.ask('POST', '/v1/accounts', { provider: 'postack', name: 'Acme' })).body;

const as = (
  { apiKey }: Environment,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiResponse> => api.ask(method, `/api/v1${path}`, body, { authorization: `Bearer ${apiKey}`, ...headers });

beforeAll(async () => {
  api = await startApiWithDatabase({ maxBodyBytes: 20_000 });
  own = await newEnvironment();
  foreign = await newEnvironment();
  const app = (await as(foreign, 'POST', '/app', { name: 'App', uid: 'their-app' })).body;
  const endpoint = (await as(foreign, 'POST', `/app/${app.id}/endpoint`, { url: 'https://a.example.test', uid: 'e' }))
    .body;
  const message = (await as(foreign, 'POST', `/app/${app.id}/msg`, { eventType: 'a', payload: {}, eventId: 'm' })).body;
  const usage = { since: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' };
  const task = (await as(foreign, 'POST', '/stats/usage/app', usage)).body;
  await as(foreign, 'POST', '/event-type', { name: 'their.type', description: '' });
  const operational = { url: 'https://o.example.test', uid: 'o' };
  const { body } = await as(foreign, 'POST', '/operational-webhook/endpoint', operational);
  ids = { appId: app.id, endpoint: endpoint.id, msg: message.id, task: task.id, operational: body.id };
});
afterAll(() => api.close());

const ENDPOINT = { url: 'https://b.example.test' };
const SINCE = { since: '2026-01-01T00:00:00Z' };

/** Every route below an application, an account's own collections and their entries. */
const routes = ({ appId, endpoint, msg, task, operational }: typeof ids): [string, string, unknown?][] => [
  ['GET', `/app/${appId}`],
  ['PATCH', `/app/${appId}`, { name: 'x' }],
  ['DELETE', `/app/${appId}`],
  ['GET', `/app/${appId}/endpoint`],
  ['POST', `/app/${appId}/endpoint`, ENDPOINT],
  ...['', '/secret', '/headers', '/stats', '/transformation', '/msg'].map((rest): [string, string] => [
    'GET',
    `/app/${appId}/endpoint/${endpoint}${rest}`,
  ]),
  ['PUT', `/app/${appId}/endpoint/${endpoint}`, ENDPOINT],
  ['PATCH', `/app/${appId}/endpoint/${endpoint}`, {}],
  ['DELETE', `/app/${appId}/endpoint/${endpoint}`],
  ['PUT', `/app/${appId}/endpoint/${endpoint}/headers`, { headers: {} }],
  ['PATCH', `/app/${appId}/endpoint/${endpoint}/headers`, { headers: {} }],
  ['PATCH', `/app/${appId}/endpoint/${endpoint}/transformation`, { enabled: false }],
  ['POST', `/app/${appId}/endpoint/${endpoint}/secret/rotate`, {}],
  ['POST', `/app/${appId}/endpoint/${endpoint}/send-example`, { eventType: 'a' }],
  ...['recover', 'replay-missing', 'bulk-replay'].map((name): [string, string, unknown] => [
    'POST',
    `/app/${appId}/endpoint/${endpoint}/${name}`,
    SINCE,
  ]),
  ['GET', `/app/${appId}/msg`],
  ['POST', `/app/${appId}/msg`, { eventType: 'a', payload: {} }],
  ['GET', `/app/${appId}/msg/${msg}`],
  ['GET', `/app/${appId}/msg/${msg}/endpoint`],
  ['DELETE', `/app/${appId}/msg/${msg}/content`],
  ['POST', `/app/${appId}/msg/precheck/active`, { eventType: 'a' }],
  ['POST', `/app/${appId}/msg/bulk-expunge`, { ids: [msg] }],
  ['POST', `/app/${appId}/msg/expunge-all-contents`],
  ['POST', `/app/${appId}/msg/${msg}/endpoint/${endpoint}/resend`],
  ['GET', `/app/${appId}/attempt/msg/${msg}`],
  ['GET', `/app/${appId}/attempt/endpoint/${endpoint}`],
  ...['', '/headers'].map((rest): [string, string] => [
    'GET',
    `/app/${appId}/msg/${msg}/attempt/atmpt_01m8m8d0ejexwshfp7mpn7pwxb1${rest}`,
  ]),
  ['DELETE', `/app/${appId}/msg/${msg}/attempt/atmpt_01m8m8d0ejexwshfp7mpn7pwxb1/content`],
  ['GET', `/app/${appId}/poller/${endpoint}`],
  ['GET', `/app/${appId}/poller/${endpoint}/consumer/c`],
  ['POST', `/app/${appId}/poller/${endpoint}/consumer/c/seek`, { after: SINCE.since }],
  ['POST', `/auth/app-portal-access/${appId}`, {}],
  ['POST', `/auth/dashboard-access/${appId}`],
  ['POST', `/auth/app/${appId}/expire-all`, {}],
  ['GET', `/background-task/${task}`],
  ['GET', '/event-type/their.type'],
  ['PATCH', '/event-type/their.type', {}],
  ['DELETE', '/event-type/their.type'],
  ['GET', `/operational-webhook/endpoint/${operational}`],
  ['GET', '/operational-webhook/endpoint/o'],
  ['GET', `/operational-webhook/endpoint/${operational}/secret`],
  ['DELETE', `/operational-webhook/endpoint/${operational}`],
];

test('a foreign key is answered as if nothing were there, also below its own application', async () => {
  const uids = { ...ids, appId: 'their-app', endpoint: 'e', msg: 'm' };
  const mixed = { ...ids, appId: own.scope.appId };
  for (const [method, path, body] of [...routes(ids), ...routes(uids)]) {
    const { status } = await as(own, method, path, body);
    expect([method, path, status]).toEqual([method, path, 404]);
  }
  // The routes that name nothing but the application are its own.
  const isForeign = (path: string) =>
    [ids.endpoint, ids.msg, ids.task, ids.operational].some((id) => path.includes(id));
  for (const [method, path, body] of routes(mixed).filter(([, path]) => isForeign(path))) {
    if (method === 'PUT' && /\/endpoint\/[^/]+$/.test(path)) continue;
    const { status } = await as(own, method, path, body);
    expect([method, path, status]).toEqual([method, path, 404]);
  }
});

test('lists have nothing of others', async () => {
  for (const path of ['/background-task', '/event-type', '/operational-webhook/endpoint'])
    expect([path, (await as(own, 'GET', path)).body.data]).toEqual([path, []]);
  expect((await as(own, 'GET', '/app')).body.data.map(({ id }: { id: string }) => id)).toEqual([own.scope.appId]);
  const usage = { since: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z', appIds: [ids.appId, 'their-app'] };
  const { body } = await as(own, 'POST', '/stats/usage/app', usage);
  expect(body.unresolvedAppIds).toEqual([ids.appId, 'their-app']);
});

test('what is there is still there', async () => {
  expect((await as(foreign, 'GET', `/app/their-app/endpoint/e`)).body.id).toBe(ids.endpoint);
  expect((await as(foreign, 'GET', `/app/their-app/msg/m`)).body).toMatchObject({ id: ids.msg, payload: {} });
  expect((await as(foreign, 'GET', `/event-type/their.type`)).body.archived).toBe(false);
});

test('uids of two environments do not collide, and an application is deleted with its parent', async () => {
  const created = await as(own, 'POST', '/app', { name: 'Mine', uid: 'their-app' });
  expect(created.status).toBe(201);
  const parent = await newEnvironment();
  const app = (await as(parent, 'POST', '/app', { name: 'App' })).body;
  await api.ask('DELETE', `/v1/accounts/${parent.id}`);
  const accounts = (await api.ask('GET', '/v1/accounts?limit=250')).body.data as Environment[];
  expect(accounts.some(({ scope }) => scope.appId === app.id)).toBe(false);
});

test('an eventId and an idempotency key are used once', async () => {
  const { appId } = own.scope;
  const send = (body: object, key?: string) =>
    as(own, 'POST', `/app/${appId}/msg`, body, key === undefined ? {} : { 'idempotency-key': key });
  const message = { eventType: 'a', payload: { n: 1 }, eventId: 'once' };
  const [first, ...others] = await Promise.all([1, 2, 3].map(() => send(message, 'same')));
  expect(first!.status).toBe(202);
  for (const other of others) expect([other.status, other.body.id]).toEqual([202, first!.body.id]);
  expect((await send(message, 'other')).body).toEqual({ code: 'conflict', detail: 'A conflict has occurred' });
});

test('the text of a payload is kept', async () => {
  const { appId } = own.scope;
  const text = '{"big":12345678901234567890,"b":1.50,"a":"\\u0041"}';
  const sent = await as(own, 'POST', `/app/${appId}/msg`, `{"eventType": "a", "payload": ${text} }`, {
    'content-type': 'application/json',
  });
  expect(sent.text).toContain(`"payload":${text}`);
  expect((await as(own, 'GET', `/app/${appId}/msg/${sent.body.id}`)).text).toContain(`"payload":${text}`);
});

test.each<[string, object, unknown]>([
  ['eventType', { payload: {} }, ['body', 'eventType']],
  ['payload', { eventType: 'a', payload: [] }, ['body', 'payload']],
  ['channels', { eventType: 'a', payload: {}, channels: [] }, ['body', 'channels']],
  ['tags', { eventType: 'a', payload: {}, tags: ['a b'] }, ['body', 'tags', '[0]']],
  [
    'payloadRetentionPeriod',
    { eventType: 'a', payload: {}, payloadRetentionPeriod: 91 },
    ['body', 'payloadRetentionPeriod'],
  ],
  ['deliverAt', { eventType: 'a', payload: {}, deliverAt: '2020-01-01T00:00:00Z' }, ['body', 'deliverAt']],
  [
    'rawPayload',
    { eventType: 'a', payload: {}, transformationsParams: { rawPayload: '<a/>' } },
    ['body', 'transformationsParams', 'rawPayload'],
  ],
])('a message with a wrong %s is refused with its location', async (_name, body, loc) => {
  const { status, body: refused } = await as(own, 'POST', `/app/${own.scope.appId}/msg`, body);
  expect({ status, loc: refused.detail[0].loc }).toEqual({ status: 422, loc });
});

test('any input gets a response in the form of the API', async () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('', '%00', '%ff', '../app', 'evt_1', 'msg_1', '💥', 'a'.repeat(600)),
  );
  const path = fc
    .tuple(
      fc.constantFrom('/app', '/event-type', '/background-task', '/stats/usage/app', '/operational-webhook/endpoint'),
      fc.array(
        fc.oneof(
          text.map(encodeURIComponent),
          fc.constantFrom(own.scope.appId, 'msg', 'endpoint', 'attempt', 'poller', 'consumer'),
        ),
      ),
    )
    .map(([start, rest]) => [start, ...rest].join('/'));
  const query = fc.dictionary(
    fc.constantFrom('limit', 'iterator', 'status', 'tag', 'channel', 'before', 'event_types', 'with_content'),
    text,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
      path,
      query,
      fc.option(fc.jsonValue(), { nil: undefined }),
      async (method, path, query, body) => {
        const sent = method === 'GET' ? undefined : body;
        const { status, body: response } = await as(
          own,
          method,
          `${path}?${new URLSearchParams(query).toString()}`,
          sent,
        );
        expect(status).toBeLessThan(500);
        if (status >= 400) expect('detail' in response).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
