/** Bird's own API of webhook subscriptions. Bird publishes no client for it, so requests are written by hand. */
import { ADMIN_KEY, startApi, startApiWithDatabase } from '../../../support/api.js';

type Api = Awaited<ReturnType<typeof startApiWithDatabase>>;

let api: Api;

beforeAll(async () => {
  api = await startApiWithDatabase({ maxBodyBytes: 10_000 });
});

afterAll(() => api.close());

interface BirdAccount {
  id: string;
  apiKey: string;
  scope: { organizationId: string; workspaceId: string };
}

async function newAccount(settings = {}): Promise<BirdAccount> {
  return (await api.ask('POST', '/v1/accounts', { provider: 'bird', name: 'Acme', settings })).body;
}

interface Call {
  key?: string;
  body?: unknown;
  headers?: Record<string, string>;
  url?: string;
}

async function call(method: string, path: string, { key, body, headers, url = api.url }: Call = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `AccessKey ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

const short = ({ scope }: BirdAccount): string => `/workspaces/${scope.workspaceId}/webhook-subscriptions`;
const long = (account: BirdAccount): string => `/organizations/${account.scope.organizationId}${short(account)}`;

/** Asks for something of an account, by the newer path and with the account's key. */
const ask = (account: BirdAccount, method: string, rest = '', body?: unknown) =>
  call(method, `${short(account)}${rest}`, { key: account.apiKey, body });

const valid = { service: 'channels', event: 'sms.outbound', url: 'https://example.com/webhook' };
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

const refusal = (status: number, code: string, more = {}) => ({
  status,
  body: { code, message: expect.any(String), ...more },
});
const invalid = (details: unknown) => ({
  status: 422,
  body: {
    code: 'InvalidPayload',
    message: 'One or more fields provided in the request body are malformed',
    details,
  },
});

describe('subscriptions', () => {
  test('takes an address with a fragment, which the documented pattern allows, and shows it', async () => {
    const account = await newAccount();
    const url = `${valid.url}#part`;
    const { status, body } = await ask(account, 'POST', '', { ...valid, url });
    expect({ status, url: body.url }).toEqual({ status: 201, url });
  });

  test.each([
    ['without', short],
    ['with', long],
  ])('the documented round, %s the organization in the path', async (_name, path) => {
    const account = await newAccount();
    const key = account.apiKey;
    const body = {
      ...valid,
      event: 'email.interaction',
      signingKey: 'KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk=',
      eventFilters: [
        { key: 'channelId', value: 'b6c5a1f0-8a53-4c63-9d8c-2a1f6d4e7b22' },
        { key: 'interactionType', value: 'opened' },
      ],
      template: 'text',
    };
    const created = await call('POST', path(account), { key, body });
    const shown = { id: UUID, ...account.scope, ...body, status: 'active', createdAt: TIME, updatedAt: TIME };
    expect(created).toMatchObject({ status: 201 });
    expect(created.body).toEqual(shown);

    const own = `${path(account)}/${created.body.id}`;
    expect(await call('GET', own, { key })).toMatchObject({ status: 200, body: created.body });
    expect((await call('GET', own.toUpperCase().replace('ORGANIZATIONS', 'organizations'), { key })).status).toBe(200);
    expect((await call('GET', path(account), { key })).body).toEqual({ results: [created.body] });

    const changed = await call('PATCH', own, { key, body: { status: 'inactive' } });
    expect(changed).toMatchObject({ status: 200, body: { ...body, status: 'inactive' } });
    const moved = await call('PATCH', own, { key, body: { url: 'https://example.com/other?a=b', status: 'active' } });
    expect(moved.body).toMatchObject({ url: 'https://example.com/other?a=b', status: 'active' });
    const bare = { signingKey: '', eventFilters: null, template: 'twilio' };
    expect((await call('PATCH', own, { key, body: bare })).body).toEqual({
      ...moved.body,
      signingKey: undefined,
      eventFilters: undefined,
      template: 'twilio',
      updatedAt: TIME,
    });

    expect(await call('DELETE', own, { key })).toMatchObject({ status: 204, body: undefined });
    expect(await call('GET', own, { key })).toMatchObject(refusal(404, 'NotFound'));
    expect((await call('GET', path(account), { key })).body).toEqual({ results: [] });
  });

  test('the least that makes one, and what is not set is not shown', async () => {
    const account = await newAccount();
    const { body } = await ask(account, 'POST', '', { ...valid, eventFilters: null });
    expect(body).toEqual({ id: UUID, ...account.scope, ...valid, status: 'active', createdAt: TIME, updatedAt: TIME });
  });

  test('an account can have signing keys hidden', async () => {
    const account = await newAccount({ showSigningKey: false });
    const { body } = await ask(account, 'POST', '', { ...valid, signingKey: 'secret' });
    expect(body).not.toHaveProperty('signingKey');
    expect((await ask(account, 'GET', `/${body.id}`)).body).not.toHaveProperty('signingKey');
    const { body: own } = await api.ask('GET', `/v1/accounts/${account.id}/subscriptions`);
    expect((await api.ask('GET', `/v1/subscriptions/${own.data[0].id}/secret`)).body).toEqual({ secret: 'secret' });
  });

  test('pages: 10 unless asked otherwise, by service', async () => {
    const account = await newAccount();
    const ids: string[] = [];
    for (let n = 0; n < 12; n += 1) {
      const service = n % 4 === 0 ? { service: 'conversations', event: 'conversation.created' } : {};
      const eventFilters = [{ key: 'channelId', value: String(n) }];
      ids.push((await ask(account, 'POST', '', { ...valid, ...service, eventFilters })).body.id);
    }
    const idsOf = (reply: { body: { results: { id: string }[] } }) => reply.body.results.map(({ id }) => id);
    const first = await ask(account, 'GET');
    expect(idsOf(first)).toEqual(ids.slice(0, 10));
    await ask(account, 'DELETE', `/${ids[9]}`);
    const second = await ask(account, 'GET', `?pageToken=${first.body.nextPageToken}`);
    expect(idsOf(second)).toEqual(ids.slice(10));
    expect(second.body).not.toHaveProperty('nextPageToken');
    expect(idsOf(await ask(account, 'GET', '?limit=100'))).toHaveLength(11);
    const conversations = await ask(account, 'GET', '?limit=2&SearchFilter[service]=conversations');
    expect(idsOf(conversations)).toEqual([ids[0], ids[4]]);
    const rest = `?SearchFilter%5Bservice%5D=conversations&pageToken=${conversations.body.nextPageToken}`;
    expect(idsOf(await ask(account, 'GET', rest))).toEqual([ids[8]]);
  });

  test('five subscriptions to the same events, and no more even at once', async () => {
    const account = await newAccount();
    const filters = [
      { key: 'channelId', value: 'c' },
      { key: 'messageStatus', value: 'delivered' },
    ];
    const create = (eventFilters: object[] | null, more = {}) =>
      ask(account, 'POST', '', { ...valid, ...more, eventFilters });
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, n) => create(n % 2 === 0 ? filters : filters.toReversed())),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 201, 201, 201, 201, 422, 422, 422]);
    const refused = responses.find(({ status }) => status === 422);
    const full = invalid({ '.eventFilters': [expect.stringContaining('5 subscriptions')] });
    expect(refused).toMatchObject(full);

    const other = await create(null);
    expect(other.status).toBe(201);
    expect((await create(filters, { event: 'sms.inbound' })).status).toBe(201);
    const own = `/${other.body.id}`;
    expect(await ask(account, 'PATCH', own, { eventFilters: filters })).toMatchObject(full);
    const [first] = responses.filter(({ status }) => status === 201);
    expect((await ask(account, 'PATCH', `/${first!.body.id}`, { status: 'inactive' })).status).toBe(200);
    expect((await ask(account, 'PATCH', `/${first!.body.id}`, { eventFilters: filters })).status).toBe(200);
    await ask(account, 'DELETE', `/${first!.body.id}`);
    expect((await ask(account, 'PATCH', own, { eventFilters: filters })).status).toBe(200);
    expect((await create(filters)).status).toBe(422);
    expect((await ask(await newAccount(), 'POST', '', { ...valid, eventFilters: filters })).status).toBe(201);
  });
});

describe('isolation', () => {
  test('what is of another account is like what there is not, on every route', async () => {
    const [mine, other] = await Promise.all([newAccount(), newAccount()]);
    const { id } = (await ask(mine, 'POST', '', valid)).body;
    const unknown = '2f0e8a66-6f8a-4a0b-8f0e-6d3f6a2f1c11';
    const routes: [string, (id: string) => string, unknown?][] = [
      ['GET', (one) => `/${one}`],
      ['PATCH', (one) => `/${one}`, { status: 'inactive' }],
      ['DELETE', (one) => `/${one}`],
      ['GET', (one) => `/${one}/logs`],
      ['GET', (one) => `/${one}/logs/details?requestId=${unknown}`],
    ];
    for (const [method, path, body] of routes) {
      const foreign = await ask(other, method, path(id), body);
      expect(foreign).toMatchObject(refusal(404, 'NotFound'));
      expect((await ask(other, method, path(unknown), body)).body).toEqual(foreign.body);
      for (const odd of ['nope', '%00', '1'])
        expect((await ask(other, method, path(odd), body)).body).toEqual(foreign.body);
      // With its own key in the other's workspace, too.
      expect(await call(method, `${short(mine)}${path(id)}`, { key: other.apiKey, body })).toMatchObject(
        refusal(404, 'NotFound'),
      );
    }
    expect((await ask(other, 'GET')).body).toEqual({ results: [] });
    expect((await ask(mine, 'GET', `/${id}`)).body).toMatchObject({ id, status: 'active' });
    for (const method of ['GET', 'POST']) {
      const strangers = [
        short(mine),
        long(mine),
        `/workspaces/${unknown}/webhook-subscriptions`,
        `/organizations/${unknown}${short(other)}`,
        `/organizations/${other.scope.organizationId}${short(mine)}`,
      ];
      for (const path of strangers)
        expect(
          await call(method, path, { key: other.apiKey, body: method === 'POST' ? valid : undefined }),
        ).toMatchObject(refusal(404, 'NotFound'));
    }
  });

  test('keys', async () => {
    const account = await newAccount();
    const { apiKey: foreign } = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
    const headers: Record<string, string>[] = [
      {},
      { authorization: account.apiKey },
      { authorization: `Bearer ${account.apiKey}` },
      { authorization: `Bearer ${ADMIN_KEY}` },
      { authorization: `AccessKey ${account.apiKey}0` },
      { authorization: `AccessKey ${foreign}` },
    ];
    for (const given of headers)
      for (const path of [short(account), long(account), `${short(account)}/x/logs`]) {
        const reply = await call('GET', path, { headers: given });
        expect(reply).toMatchObject(refusal(401, 'Unauthenticated'));
        expect(reply.headers.get('www-authenticate')).toBe('AccessKey');
      }
  });
});

describe('errors', () => {
  let account: BirdAccount;
  beforeAll(async () => {
    account = await newAccount();
  });

  const unsupported = (name: string) => ({ '.': [`property "${name}" is unsupported`] });
  const must = (text: string) => [expect.stringContaining(text)];

  test.each<[unknown, unknown]>([
    [
      {},
      {
        '.service': ['property "service" is missing'],
        '.event': ['property "event" is missing'],
        '.url': ['property "url" is missing'],
      },
    ],
    [undefined, expect.objectContaining({ '.url': ['property "url" is missing'] })],
    [[], { '.': ['value must be an object'] }],
    [null, { '.': ['value must be an object'] }],
    ['"text"', { '.': ['value must be an object'] }],
    [{ ...valid, listId: 1 }, unsupported('listId')],
    [{ ...valid, status: 'active' }, unsupported('status')],
    [{ ...valid, headers: {} }, unsupported('headers')],
    [{ ...valid, enabled: false }, unsupported('enabled')],
    [{ ...valid, description: 'x' }, unsupported('description')],
    [
      { ...valid, service: 'mail' },
      { '.service': ['Invalid value: "mail", expected one of: "channels", "numbers", "payments", "conversations"'] },
    ],
    [{ ...valid, service: null }, { '.service': must('Invalid value: null') }],
    [{ ...valid, service: ['channels'] }, { '.service': must('expected one of') }],
    [{ ...valid, event: ['sms.outbound'] }, { '.event': ['value must be a string'] }],
    [{ ...valid, event: '' }, { '.event': must('') }],
    [{ ...valid, event: 'sms.nope' }, { '.event': must('there is no event type') }],
    [{ ...valid, event: 'conversation.created' }, { '.event': must('service channels has no event type') }],
    [{ ...valid, service: 'payments' }, { '.event': must('Bird documents no event type of service payments') }],
    [{ ...valid, url: 7 }, { '.url': ['value must be a string'] }],
    [{ ...valid, signingKey: null }, { '.signingKey': ['value must be a string'] }],
    [{ ...valid, signingKey: 'k'.repeat(2_000) }, { '.signingKey': must('1024') }],
    [{ ...valid, signingKey: 'a\u0000' }, { '.signingKey': must('NUL') }],
    [{ ...valid, template: {} }, { '.template': ['value must be a string'] }],
    [{ ...valid, template: '\ud800' }, { '.template': must('surrogate') }],
    [{ ...valid, eventFilters: {} }, { '.eventFilters': ['value must be an array'] }],
    [{ ...valid, eventFilters: ['channelId'] }, { '.eventFilters[0]': ['value must be an object'] }],
    [{ ...valid, eventFilters: [{ key: 'channelId' }] }, { '.eventFilters[0].value': ['property "value" is missing'] }],
    [
      { ...valid, eventFilters: [{ key: 'channelId', value: 'c', op: 'eq' }] },
      { '.eventFilters[0]': ['property "op" is unsupported'] },
    ],
    [{ ...valid, eventFilters: [{ key: 'nope', value: 'c' }] }, { '.eventFilters[0].key': must('expected one of') }],
    [
      { service: 'numbers', event: 'endpoint', url: valid.url, eventFilters: [{ key: 'channelId', value: 'c' }] },
      { '.eventFilters[0].key': must('cannot be filtered by channelId') },
    ],
  ])('422 on creation (%#)', async (body, details) => {
    const reply = await ask(account, 'POST', '', body);
    expect(reply).toMatchObject(invalid(details));
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test.each([
    'http://example.com/webhook',
    'https://example.com:8443/webhook',
    'https://user@example.com/webhook',
    'https://user:pw@example.com/webhook',
    'https://93.184.215.14/webhook',
    'https://[2606:2800::1]/webhook',
    'https://localhost/webhook',
    'https://hooks/webhook',
    'https://example.com?x=1',
    'https://example.com/a b',
    'https://example.com#x',
    'HTTPS://example.com/webhook',
    'example.com',
    '',
  ])('an address that its pattern refuses: %s', async (url) => {
    const refused = invalid({ '.url': [expect.any(String)] });
    expect(await ask(account, 'POST', '', { ...valid, url })).toMatchObject(refused);
    const { id } = (
      await ask(account, 'POST', '', { ...valid, eventFilters: [{ key: 'channelId', value: url || '-' }] })
    ).body;
    expect(await ask(account, 'PATCH', `/${id}`, { url })).toMatchObject(refused);
  });

  test('addresses that its pattern allows', async () => {
    for (const url of ['https://a.io', 'https://a-b.example.co/h?x=1&y=%20', 'https://EXAMPLE.com/ü']) {
      const { body } = await ask(account, 'POST', '', { ...valid, url, eventFilters: [{ key: 'status', value: url }] });
      expect(body.url).toBe(url);
      await ask(account, 'DELETE', `/${body.id}`);
    }
  });

  test.each<[unknown, unknown]>([
    [{}, { '.': ['must name at least one property'] }],
    [[], { '.': ['value must be an object'] }],
    [{ service: 'numbers' }, unsupported('service')],
    [{ event: 'sms.inbound' }, unsupported('event')],
    [{ status: 'paused' }, { '.status': ['Invalid value: "paused", expected one of: "active", "inactive"'] }],
    [{ status: null }, { '.status': must('Invalid value: null') }],
    [{ url: null }, { '.url': ['value must be a string'] }],
    [{ eventFilters: [{ key: 'channelId', value: '' }] }, { '.eventFilters[0].value': [expect.any(String)] }],
  ])('422 on update (%#)', async (body, details) => {
    const { id } = (await ask(account, 'POST', '', { ...valid, eventFilters: [{ key: 'status', value: 'u' }] })).body;
    expect(await ask(account, 'PATCH', `/${id}`, body)).toMatchObject(invalid(details));
    await ask(account, 'DELETE', `/${id}`);
  });

  test.each([
    ['limit=0', '.limit'],
    ['limit=101', '.limit'],
    ['limit=ten', '.limit'],
    ['limit=', '.limit'],
    ['limit=1&limit=2', '.limit'],
    ['pageToken=', '.pageToken'],
    ['pageToken=nonsense', '.pageToken'],
    [`pageToken=${'a'.repeat(8_001)}`, '.pageToken'],
    ['SearchFilter[service]=mail', '.SearchFilter[service]'],
  ])('422 for a list with ?%#', async (query, field) => {
    expect(await ask(account, 'GET', `?${query}`)).toMatchObject(
      refusal(422, 'InvalidPayload', {
        message: expect.stringContaining('query'),
        details: { [field]: [expect.any(String)] },
      }),
    );
  });

  test('other statuses', async () => {
    const path = short(account);
    const key = account.apiKey;
    const post = (body: string, headers = {}) => call('POST', path, { key, body, headers });
    expect(await post('{"service":')).toMatchObject(refusal(400, 'MalformedRequest'));
    expect(await post('{"url":"a","url":"b"}')).toMatchObject(refusal(400, 'MalformedRequest'));
    expect(await post('['.repeat(500))).toMatchObject(refusal(400, 'MalformedRequest'));
    expect(await post(`"${'a'.repeat(20_000)}"`)).toMatchObject(refusal(413, 'PayloadTooLarge'));
    expect(await post('a=b', { 'content-type': 'text/plain' })).toMatchObject(refusal(415, 'UnsupportedMediaType'));
    expect(await call('GET', `${path}/%zz`, { key })).toMatchObject(refusal(400, 'MalformedRequest'));
    expect(await call('GET', `${path}/a/b/c/d`, { key })).toMatchObject(refusal(404, 'NotFound'));
    const put = await call('PUT', path, { key, body: {} });
    expect(put).toMatchObject(refusal(405, 'MethodNotAllowed'));
    expect(put.headers.get('allow')).toBe('GET, POST');
    expect((await call('GET', '/workspaces/x/others')).body).toMatchObject({ code: 'not_found' });
  });

  test.each([
    [503, 'Unavailable', { code: 'ECONNREFUSED' }],
    [500, 'InternalError', {}],
  ])('%i when our side fails', async (status, code, cause) => {
    const pool = { query: () => Promise.reject(Object.assign(new Error('secret'), cause)) };
    const broken = await startApi({ store: { ...api.database.store, pool } as never });
    const reply = await call('GET', short(account), { key: account.apiKey, url: broken.url });
    await broken.close();
    expect(reply).toMatchObject(refusal(status, code));
    expect(reply.body.message).not.toContain('secret');
    expect(reply.headers.get('retry-after')).toBe(status === 503 ? '5' : null);
  });
});
