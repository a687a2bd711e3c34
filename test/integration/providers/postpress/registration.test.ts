/** postpress' own API, by the client that programs use and by requests written by hand. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UnipileClient } from 'unipile-node-sdk';
import { ADMIN_KEY, startApi, startApiWithDatabase } from '../../../support/api.js';

type Api = Awaited<ReturnType<typeof startApiWithDatabase>>;

let api: Api;

beforeAll(async () => {
  api = await startApiWithDatabase({ allowHttp: false, maxBodyBytes: 10_000 });
});

afterAll(() => api.close());

const URL_ = 'https://hooks.example.com/in';

async function newAccount(provider = 'postpress'): Promise<{ id: string; apiKey: string }> {
  return (await api.ask('POST', '/v1/accounts', { provider, name: 'Acme' })).body;
}

/** The client as published; it checks its responses and throws when anything is amiss. */
function clientWith(key: string): UnipileClient {
  return new UnipileClient(api.url, key, { validateRequestPayload: true, validateRequestPayloadLevel: 'error' });
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
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) };
}

const failure = (status: number, type: string) => ({
  status,
  body: { title: expect.any(String), detail: expect.any(String), type: `errors/${type}`, status },
});

test("webhooks of postpress' own API count as made by API, those of /v1 and the dashboard as made there", async () => {
  const { id, apiKey } = await newAccount();
  await call('POST', '/v1/webhooks', { key: apiKey, body: { source: 'users', request_url: URL_ } });
  const path = `/v1/accounts/${id}/subscriptions`;
  await api.ask('POST', path, { url: URL_, eventTypes: [], source: 'users' });
  const { data } = (await api.ask('GET', path)).body;
  expect(data.map(({ origin }: { origin: string }) => origin)).toEqual(['dashboard', 'api']);
});

test('a mapping of a field that the source does not have is an error of data in /v1', async () => {
  const { id } = await newAccount();
  const fields = { url: URL_, eventTypes: ['mail_sent'], source: 'email', data: [{ name: 'x', key: 'message' }] };
  const { status, body } = await api.ask('POST', `/v1/accounts/${id}/subscriptions`, fields);
  expect({ status, paths: body.errors.map(({ path }: { path: string }) => path) }).toEqual({
    status: 422,
    paths: ['data[0].key'],
  });
});

describe('unipile-node-sdk 1.9.3, unmodified', () => {
  test('creates, lists and deletes', async () => {
    const { webhook } = clientWith((await newAccount()).apiKey);
    const created = await webhook.create({ source: 'messaging', request_url: URL_ });
    expect(created).toEqual({ object: 'WebhookCreated', webhook_id: expect.stringMatching(/^wh_[0-9A-Z]{26}$/) });
    expect(await webhook.getAll()).toEqual({
      object: 'WebhookList',
      items: [
        {
          object: 'Webhook',
          type: 'AUTO',
          id: created.webhook_id,
          enabled: true,
          request_url: URL_,
          format: 'json',
          account_ids: [],
          headers: [],
          data: [],
        },
      ],
      cursor: null,
    });
    expect(await webhook.delete(created.webhook_id)).toEqual({ object: 'WebhookDeleted' });
    expect((await webhook.getAll()).items).toEqual([]);
  });

  test('gets every field of every source back', async () => {
    const { webhook } = clientWith((await newAccount()).apiKey);
    const common = {
      request_url: URL_,
      name: 'Demo',
      format: 'form',
      account_ids: ['acc1', 'acc2'],
      enabled: false,
      headers: [
        { key: 'Content-Type', value: 'application/json' },
        { key: 'Postpress-Auth', value: 'yoursecretkey' },
      ],
    } as const;
    const given = [
      {
        ...common,
        source: 'messaging',
        events: ['message_read', 'message_reaction'],
        data: [{ name: 'sms_text', key: 'message' }],
      },
      { ...common, source: 'account_status' },
      { ...common, source: 'email', events: ['mail_sent'], data: [{ name: 'text', key: 'body_plain' }] },
      { ...common, source: 'email_tracking', events: ['mail_opened'], data: [{ name: 'who', key: 'ip' }] },
    ] as const;
    for (const body of given) await webhook.create(body as unknown as Parameters<typeof webhook.create>[0]);
    const { items } = await webhook.getAll();
    const types = ['LINKEDIN', 'LINKEDIN', 'MAIL', 'MAIL'];
    expect(items).toEqual(
      given.map(({ source: _source, ...body }, index) => ({
        object: 'Webhook',
        type: 'AUTO',
        id: expect.any(String),
        data: [],
        ...body,
        account_ids: body.account_ids.map((id) => ({ id, type: types[index] })),
      })),
    );
  });

  test('pages with limit and cursor, also when the last of a page is deleted in the meantime', async () => {
    const { webhook } = clientWith((await newAccount()).apiKey);
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1)
      ids.push((await webhook.create({ source: 'messaging', request_url: URL_ })).webhook_id);
    const page = (parameters: Record<string, string>) => webhook.getAll({ extra_params: parameters });

    const first = await page({ limit: '2' });
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    await webhook.delete(ids[1]!);
    const second = await page({ cursor: first.cursor! });
    expect(second.items.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    const third = await page({ cursor: second.cursor!, limit: '250' });
    expect(third.items.map(({ id }) => id)).toEqual(ids.slice(4));
    expect(third.cursor).toBeNull();
  });

  test('throws what it is refused with', async () => {
    const { webhook } = clientWith('pp_live_0');
    await expect(webhook.getAll()).rejects.toMatchObject({ body: failure(401, 'invalid_credentials').body });
  });

  test('the lines in the documentation run as they stand', async () => {
    const page = await readFile(join(__dirname, '../../../../docs/contracts/postpress.md'), 'utf8');
    const [, lines = ''] = /```js\n(import [\s\S]*?)```/.exec(page) ?? [];
    const { apiKey } = await newAccount();
    const { stdout } = await promisify(execFile)('node', ['--input-type=module', '--eval', lines], {
      cwd: join(__dirname, '../../../..'),
      env: { ...process.env, BASE_URL: api.url, API_KEY: apiKey },
    });
    expect(stdout).toContain("request_url: 'https://hooks.example.com/postpress'");
    expect((await call('GET', '/v1/webhooks', { key: apiKey })).body.items).toEqual([]);
  });
});

describe('requests', () => {
  test.each(['/v1/webhooks', '/api/v1/webhooks'])('%s', async (path) => {
    const { apiKey: key } = await newAccount();
    const created = await call('POST', path, { key, body: { source: 'users', request_url: URL_ } });
    expect(created).toMatchObject({ status: 201, body: { object: 'WebhookCreated' } });
    const id: string = created.body.webhook_id;
    expect((await call('GET', path, { key })).body.items).toHaveLength(1);
    for (const [method, missing] of [
      ['GET', `${path}/${id}`],
      ['PATCH', `${path}/${id}`],
      ['PUT', path],
      ['DELETE', path],
    ] as const)
      expect(await call(method, missing, { key })).toMatchObject(failure(404, 'resource_not_found'));
    const deleted = await call('DELETE', `${path}/${id}`, { key });
    expect(deleted).toMatchObject({ status: 200, body: { object: 'WebhookDeleted' } });
  });

  test('events beyond the SDK, field mapping of users and unknown fields', async () => {
    const { apiKey: key } = await newAccount();
    const bodies = [
      { source: 'messaging', events: ['message_edited', 'message_deleted', 'message_delivered'] },
      { source: 'users', events: ['new_relation'], data: [{ name: 'who', key: 'user_full_name' }] },
      { source: 'account_status', events: ['creation_success', 'credentials'] },
      { source: 'email', events: ['mail_moved'] },
      { source: 'calendar_event', account_ids: ['cal1'], data: [{ name: 'what', key: 'title' }], notify_url: 'x' },
    ];
    for (const body of bodies) {
      const { status } = await call('POST', '/v1/webhooks', { key, body: { request_url: URL_, ...body } });
      expect(status).toBe(201);
    }
    const { items } = (await call('GET', '/v1/webhooks', { key })).body;
    expect(items.map(({ events }: { events?: string[] }) => events)).toEqual(bodies.map(({ events }) => events));
    expect(items[4]).toMatchObject({ account_ids: [{ id: 'cal1', type: 'GOOGLE_CALENDAR' }] });
    expect(items[4]).not.toHaveProperty('notify_url');
  });

  test('a list has 100 webhooks unless asked otherwise', async () => {
    const { apiKey: key } = await newAccount();
    const body = { source: 'messaging', request_url: URL_ };
    for (let n = 0; n < 101; n += 1) await call('POST', '/v1/webhooks', { key, body });
    const first = (await call('GET', '/v1/webhooks', { key })).body;
    expect(first.items).toHaveLength(100);
    const rest = await call('GET', `/v1/webhooks?cursor=${encodeURIComponent(first.cursor)}`, { key });
    expect(rest.body).toMatchObject({ items: [{ object: 'Webhook' }], cursor: null });
    expect((await call('GET', '/v1/webhooks?limit=250', { key })).body.items).toHaveLength(101);
  });

  test("another account's webhook is like an unknown one, and so is another provider's key", async () => {
    const [mine, other, bird] = await Promise.all([newAccount(), newAccount(), newAccount('bird')]);
    const body = { source: 'messaging', request_url: URL_ };
    const { webhook_id } = (await call('POST', '/v1/webhooks', { key: mine.apiKey, body })).body;
    expect((await call('GET', '/v1/webhooks', { key: other.apiKey })).body.items).toEqual([]);
    const cursor = Buffer.from(JSON.stringify({ limit: 9, cursor: { last_id: 'a' } })).toString('base64');
    expect((await call('GET', `/v1/webhooks?cursor=${cursor}`, { key: other.apiKey })).body.items).toEqual([]);
    const foreign = await call('DELETE', `/v1/webhooks/${webhook_id}`, { key: other.apiKey });
    const unknown = await call('DELETE', `/v1/webhooks/wh_${'0'.repeat(26)}`, { key: other.apiKey });
    expect(foreign.body).toEqual(unknown.body);
    expect(foreign).toMatchObject(failure(404, 'resource_not_found'));
    expect((await call('GET', '/v1/webhooks', { key: mine.apiKey })).body.items).toHaveLength(1);
    for (const [method, path] of [
      ['GET', '/v1/webhooks'],
      ['POST', '/v1/webhooks'],
      ['DELETE', `/v1/webhooks/${webhook_id}`],
    ] as const)
      expect(await call(method, path, { key: bird.apiKey })).toMatchObject(failure(401, 'invalid_credentials'));
  });

  test("Pigeonpost's own API under the same prefix is left alone", async () => {
    expect((await api.ask('GET', '/v1/accounts')).status).toBe(200);
    expect((await api.ask('GET', '/v1/webhooks/a/b')).body).toMatchObject({ code: 'not_found' });
    expect(await call('GET', '/v1/webhooks', { headers: { authorization: `Bearer ${ADMIN_KEY}` } })).toMatchObject(
      failure(401, 'missing_credentials'),
    );
    expect(await call('GET', '/v1/accounts')).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  });
});

describe('errors', () => {
  let key: string;
  beforeAll(async () => {
    key = (await newAccount()).apiKey;
  });

  const valid = { source: 'messaging', request_url: URL_ };

  test.each<[string, unknown, string]>([
    ['missing_parameters', undefined, 'source'],
    ['missing_parameters', {}, 'source'],
    ['missing_parameters', { source: 'messaging' }, 'request_url'],
    ['missing_parameters', { ...valid, headers: [{ key: 'A' }] }, 'headers.0.value'],
    ['invalid_parameters', [], 'body'],
    ['invalid_parameters', null, 'body'],
    ['invalid_parameters', '"text"', 'body'],
    ['invalid_parameters', { ...valid, source: 'nope' }, 'source'],
    ['invalid_parameters', { ...valid, source: ['messaging'] }, 'source'],
    ['invalid_parameters', { ...valid, request_url: 5 }, 'request_url'],
    ['invalid_url', { ...valid, request_url: 'nowhere' }, 'request_url'],
    ['invalid_url', { ...valid, request_url: 'http://hooks.example.com/' }, 'request_url'],
    ['invalid_url', { ...valid, request_url: 'https://169.254.169.254/' }, 'request_url'],
    ['invalid_url', { ...valid, request_url: `https://a.example/${'a'.repeat(3_000)}` }, 'request_url'],
    ['too_many_characters', { ...valid, name: 'n'.repeat(256) }, 'name'],
    ['invalid_parameters', { ...valid, name: null }, 'name'],
    ['invalid_parameters', { ...valid, name: 'a\u0000b' }, 'name'],
    ['invalid_parameters', { ...valid, name: 'half \ud800 a pair' }, 'name'],
    ['invalid_parameters', { ...valid, format: 'xml' }, 'format'],
    ['invalid_parameters', { ...valid, enabled: 'true' }, 'enabled'],
    ['invalid_parameters', { ...valid, account_ids: 'acc1' }, 'account_ids'],
    ['invalid_parameters', { ...valid, account_ids: [''] }, 'account_ids'],
    ['invalid_parameters', { ...valid, account_ids: [{ id: 'acc1' }] }, 'account_ids'],
    ['invalid_parameters', { ...valid, account_ids: ['\u0000'] }, 'account_ids'],
    ['invalid_parameters', { ...valid, events: ['mail_received'] }, 'events'],
    ['invalid_parameters', { ...valid, events: ['nope'] }, 'events'],
    ['invalid_parameters', { ...valid, events: 'message_read' }, 'events'],
    ['invalid_parameters', { ...valid, headers: { A: 'b' } }, 'headers'],
    ['invalid_parameters', { ...valid, headers: [null] }, 'headers'],
    ['invalid_parameters', { ...valid, headers: [{ key: 'A', value: 1 }] }, 'headers'],
    ['invalid_parameters', { ...valid, headers: [{ key: 'Host', value: 'x' }] }, 'headers'],
    ['invalid_parameters', { ...valid, headers: [{ key: 'A B', value: 'x' }] }, 'headers'],
    ['invalid_parameters', { ...valid, headers: [{ key: 'A', value: 'x\r\ny' }] }, 'headers'],
    [
      'invalid_parameters',
      {
        ...valid,
        headers: [
          { key: 'A', value: '1' },
          { key: 'a', value: '2' },
        ],
      },
      'headers.1.key: is given twice',
    ],
    ['invalid_parameters', { ...valid, data: [{ name: 'x', key: 'subject_line' }] }, 'data[0].key: '],
    [
      'invalid_parameters',
      { ...valid, source: 'account_status', data: [{ name: 'x', key: 'message' }] },
      'account_status',
    ],
    ['invalid_parameters', { ...valid, data: { name: 'x', key: 'message' } }, 'data'],
    ['malformed_request', '{"source":', 'JSON'],
    ['malformed_request', '{"source":"users","source":"users"}', 'twice'],
    ['malformed_request', `${'['.repeat(200)}${']'.repeat(200)}`, 'deep'],
    ['content_too_large', { ...valid, name: 'n'.repeat(20_000) }, 'larger'],
  ])('%s (%#)', async (type, body, detail) => {
    const reply = await call('POST', '/v1/webhooks', { key, body });
    expect(reply).toMatchObject(failure(400, type));
    expect(reply.body.detail).toContain(detail);
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('a body that is not JSON', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const reply = await call('POST', '/v1/webhooks', { key, body: 'source=users', headers });
    expect(reply).toMatchObject(failure(400, 'malformed_request'));
    const packed = { 'content-encoding': 'gzip' };
    expect(await call('POST', '/v1/webhooks', { key, body: '{}', headers: packed })).toMatchObject(
      failure(400, 'malformed_request'),
    );
  });

  test.each([
    ['limit_too_high', 'limit=251'],
    ['invalid_parameters', 'limit=0'],
    ['invalid_parameters', 'limit=-1'],
    ['invalid_parameters', 'limit=many'],
    ['invalid_parameters', 'limit=1&limit=2'],
    ['invalid_parameters', 'cursor='],
    ['invalid_parameters', 'cursor=nonsense'],
    ['invalid_parameters', `cursor=${Buffer.from('{"limit":1}').toString('base64')}`],
  ])('%s for ?%s', async (type, query) => {
    expect(await call('GET', `/v1/webhooks?${query}`, { key })).toMatchObject(failure(400, type));
  });

  test.each([
    ['a stranger', 404, 'resource_not_found', 'wh_x'],
    ['a NUL', 404, 'resource_not_found', '%00'],
    ['half an escape', 400, 'unescaped_characters', '%zz'],
  ])('deleting %s', async (_name, status, type, id) => {
    expect(await call('DELETE', `/v1/webhooks/${id}`, { key })).toMatchObject(failure(status, type));
  });

  test('credentials', async () => {
    for (const [method, path] of [
      ['GET', '/v1/webhooks'],
      ['POST', '/api/v1/webhooks'],
      ['DELETE', '/v1/webhooks/wh_x'],
    ] as const) {
      expect(await call(method, path)).toMatchObject(failure(401, 'missing_credentials'));
      expect(await call(method, path, { key: '' })).toMatchObject(failure(401, 'missing_credentials'));
      expect(await call(method, path, { key: `${key}0` })).toMatchObject(failure(401, 'invalid_credentials'));
    }
  });

  test.each([
    [503, 'service_unavailable', { code: 'ECONNREFUSED' }],
    [500, 'unexpected_error', {}],
  ])('%i when our side fails', async (status, type, cause) => {
    const pool = { query: () => Promise.reject(Object.assign(new Error('secret'), cause)) };
    const broken = await startApi({ store: { ...api.database.store, pool } as never });
    const reply = await call('GET', '/v1/webhooks', { key, url: broken.url });
    await broken.close();
    expect(reply).toMatchObject(failure(status, type));
    expect(reply.body.detail).not.toContain('secret');
    expect(reply.headers.get('retry-after')).toBe(status === 503 ? '5' : null);
  });
});
