import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { Errors, Models, ServerClient } from 'postmark';
import { contract as postmark } from '../../../../src/providers/postmark/contract.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { startReceiver, type Receiver } from '../../../support/receiver.js';

let api: TestApi & { readonly database: TestDatabase };
let receiver: Receiver;

beforeAll(async () => {
  [api, receiver] = await Promise.all([startApiWithDatabase({ maxBodyBytes: 100_000 }), startReceiver()]);
});

afterAll(async () => {
  await api.close();
  await receiver.close();
});

beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

const URL_1 = 'https://example.com/postmark?shop=1';
const OFF = {
  Open: { Enabled: false, PostFirstOpenOnly: false },
  Click: { Enabled: false },
  Delivery: { Enabled: false },
  Bounce: { Enabled: false, IncludeContent: false },
  SpamComplaint: { Enabled: false, IncludeContent: false },
  SubscriptionChange: { Enabled: false },
};

/** A server at Postmark: an account of ours, its token and the vendor's client. */
async function newServer(settings: Record<string, unknown> = {}) {
  const { body } = await api.ask('POST', '/v1/accounts', { provider: 'postmark', name: 'Shop', settings });
  const token = body.apiKey as string;
  const client = new ServerClient(token, { useHttps: false, requestHost: api.url.slice('http://'.length) });
  const call = (method: string, path: string, sent?: unknown, headers: Record<string, string> = {}) =>
    api.ask(method, path, sent, { 'x-postmark-server-token': token, authorization: '', ...headers });
  return { id: body.id as string, serverId: body.scope.serverId as number, token, client, call };
}
type Server = Awaited<ReturnType<typeof newServer>>;

/** What is refused, for all rules that Postmark documents. */
async function refusal(reply: ReturnType<Server['call']>) {
  const { status, body, headers } = await reply;
  expect(headers.get('x-pm-apierrorcode')).toBe(String(body.ErrorCode));
  expect(Object.keys(body)).toEqual(['ErrorCode', 'Message']);
  return [status, body.ErrorCode, body.Message];
}

/** Which events an account's subscriptions would get. */
async function receivers({ id }: Server, type: string, data: unknown = {}): Promise<string[]> {
  const { body } = await api.ask('POST', `/v1/accounts/${id}/events`, { type, data });
  return body.deliveries.map(({ subscriptionId }: { subscriptionId: string }) => subscriptionId);
}

describe('the vendor’s client', () => {
  test('creates, reads, lists, edits and deletes a webhook', async () => {
    const { client } = await newServer();
    const created = await client.createWebhook(
      new Models.CreateWebhookRequest(
        URL_1,
        { Bounce: { Enabled: true, IncludeContent: true }, Open: { Enabled: true, PostFirstOpenOnly: true } },
        { Username: 'kim', Password: 'se:cret' },
        [{ Name: 'X-Webhook-Secret', Value: 'shared' }],
        'broadcast',
      ),
    );
    expect(created).toEqual({
      ID: expect.any(Number),
      Url: URL_1,
      MessageStream: 'broadcast',
      HttpAuth: { Username: 'kim', Password: 'se:cret' },
      HttpHeaders: [{ Name: 'X-Webhook-Secret', Value: 'shared' }],
      Triggers: {
        ...OFF,
        Open: { Enabled: true, PostFirstOpenOnly: true },
        Bounce: { Enabled: true, IncludeContent: true },
      },
    });
    expect(await client.getWebhook(created.ID)).toEqual(created);
    expect(await client.getWebhooks()).toEqual({ Webhooks: [created] });

    const edited = await client.editWebhook(created.ID, {
      Triggers: { Bounce: { Enabled: false }, Click: { Enabled: true } },
    });
    expect(edited).toEqual({
      ...created,
      Triggers: {
        ...created.Triggers,
        // What a trigger has beside Enabled outlives its being disabled.
        Bounce: { Enabled: false, IncludeContent: true },
        Click: { Enabled: true },
      },
    });
    const moved = await client.editWebhook(created.ID, new Models.UpdateWebhookRequest('https://example.com/other'));
    expect(moved).toEqual({ ...edited, Url: 'https://example.com/other' });

    expect(await client.deleteWebhook(created.ID)).toEqual({ ErrorCode: 0, Message: `Webhook ${created.ID} removed.` });
    expect(await client.getWebhooks()).toEqual({ Webhooks: [] });
    await expect(client.getWebhook(created.ID)).rejects.toMatchObject({ code: 1352, statusCode: 422 });
  });

  test('gets every trigger and the default stream for a webhook of an address alone', async () => {
    const { client } = await newServer();
    expect(await client.createWebhook({ Url: URL_1 })).toEqual({
      ID: expect.any(Number),
      Url: URL_1,
      MessageStream: 'outbound',
      HttpHeaders: [],
      Triggers: OFF,
    });
  });

  test('lists by stream, the oldest first', async () => {
    const { client } = await newServer();
    const ids = [];
    for (const MessageStream of ['outbound', 'broadcast', 'outbound']) {
      ids.push((await client.createWebhook({ Url: URL_1, MessageStream })).ID);
    }
    const listed = async (messageStream?: string) =>
      (await client.getWebhooks(messageStream === undefined ? undefined : { messageStream })).Webhooks.map(
        ({ ID }) => ID,
      );
    expect(await listed()).toEqual(ids);
    expect(await listed('outbound')).toEqual([ids[0], ids[2]]);
    expect(await listed('broadcast')).toEqual([ids[1]]);
    expect(await listed('inbound')).toEqual([]);
    await expect(listed('nowhere')).rejects.toMatchObject({ code: 1226, statusCode: 422 });
  });

  test('sees errors as errors of its own classes', async () => {
    const { client } = await newServer();
    await expect(client.createWebhook({ Url: 'nonsense' })).rejects.toBeInstanceOf(Errors.ApiInputError);
    const stranger = new ServerClient('not-a-token', { useHttps: false, requestHost: api.url.slice(7) });
    await expect(stranger.getWebhooks()).rejects.toBeInstanceOf(Errors.InvalidAPIKeyError);
  });

  test('is pointed here by the lines of the documentation', async () => {
    const page = readFileSync(join(__dirname, '../../../../docs/contracts/postmark.md'), 'utf8');
    const [, lines] = /```js\n(import .*?)```/s.exec(page)!;
    const { token, call } = await newServer();
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', lines!], {
      cwd: join(__dirname, '../../../..'),
      env: { ...process.env, POSTMARK_SERVER_TOKEN: token, PIGEONPOST_HOST: api.url.slice('http://'.length) },
    });
    const { ID, Triggers } = (await call('GET', '/webhooks')).body.Webhooks[0];
    expect(stdout.trim()).toBe(`Webhook ${ID} for the stream outbound`);
    expect(Triggers.Bounce).toEqual({ Enabled: true, IncludeContent: false });
  });
});

describe('an edit', () => {
  test('leaves alone what is absent or null, as the PHP and .NET clients send it', async () => {
    const { client, call } = await newServer();
    const before = await client.createWebhook({
      Url: URL_1,
      HttpAuth: { Username: 'kim', Password: '' },
      HttpHeaders: [{ Name: 'X-A', Value: '1' }],
      Triggers: { Delivery: { Enabled: true } },
    });
    for (const body of [
      {},
      { ID: null, Url: null, MessageStream: null, HttpAuth: null, HttpHeaders: null, Triggers: null },
      { Triggers: { Delivery: null, Open: {}, Bounce: { Enabled: null, IncludeContent: null } } },
      { ...before },
    ]) {
      expect((await call('PUT', `/webhooks/${before.ID}`, body)).body).toEqual(before);
    }
  });

  test('removes headers and credentials by empty values', async () => {
    const { client, call } = await newServer();
    const { ID } = await client.createWebhook({
      Url: URL_1,
      HttpAuth: { Username: 'kim', Password: 'x' },
      HttpHeaders: [{ Name: 'X-A', Value: '1' }],
    });
    expect((await client.editWebhook(ID, { HttpHeaders: [] })).HttpHeaders).toEqual([]);
    expect(await client.getWebhook(ID)).toHaveProperty('HttpAuth');
    for (const HttpAuth of [{}, { Username: '', Password: '' }, { Username: null, Password: null }]) {
      expect((await call('PUT', `/webhooks/${ID}`, { HttpAuth })).body).not.toHaveProperty('HttpAuth');
      await client.editWebhook(ID, { HttpAuth: { Username: 'kim', Password: 'x' } });
    }
  });

  test('changes options of a disabled trigger', async () => {
    const { client } = await newServer();
    const { ID } = await client.createWebhook({ Url: URL_1 });
    const { Triggers } = await client.editWebhook(ID, {
      Triggers: {
        Open: { Enabled: false, PostFirstOpenOnly: true },
        SpamComplaint: { Enabled: false, IncludeContent: true },
      },
    });
    expect(Triggers).toEqual({
      ...OFF,
      Open: { Enabled: false, PostFirstOpenOnly: true },
      SpamComplaint: { Enabled: false, IncludeContent: true },
    });
  });
});

describe('credentials in the address', () => {
  const WITH_CREDENTIALS = 'https://kim:p%40ss@example.com/hook';

  test('come back in the address and are used as Basic authentication', async () => {
    const { client, id } = await newServer();
    const created = await client.createWebhook({ Url: WITH_CREDENTIALS });
    expect(created.Url).toBe(WITH_CREDENTIALS);
    expect(created).not.toHaveProperty('HttpAuth');
    const { data } = (await api.ask('GET', `/v1/accounts/${id}/subscriptions`)).body;
    expect(data[0]).toMatchObject({ url: 'https://example.com/hook', httpAuth: { username: 'kim', password: '***' } });
    expect(await client.editWebhook(created.ID, { ...created, HttpAuth: undefined })).toEqual(created);
  });

  test('go with the address, and give way to HttpAuth', async () => {
    const { client, call } = await newServer();
    const { ID } = await client.createWebhook({ Url: WITH_CREDENTIALS });
    const put = async (body: object) => (await call('PUT', `/webhooks/${ID}`, body)).body;
    expect(await put({ HttpAuth: {} })).toMatchObject({ Url: WITH_CREDENTIALS });
    const bare = await put({ Url: 'https://example.com/hook' });
    expect([bare.Url, bare.HttpAuth]).toEqual(['https://example.com/hook', undefined]);
    const HttpAuth = { Username: 'a', Password: 'b' };
    expect(await put({ HttpAuth })).toMatchObject({ Url: 'https://example.com/hook', HttpAuth });
    expect(await put({ Url: 'https://example.com/new' })).toMatchObject({ Url: 'https://example.com/new', HttpAuth });
    const again = await put({ Url: WITH_CREDENTIALS, HttpAuth: {} });
    expect([again.Url, again.HttpAuth]).toEqual([WITH_CREDENTIALS, undefined]);
  });
});

describe('errors', () => {
  let server: Server;
  let webhook: Models.Webhook;
  beforeAll(async () => {
    server = await newServer({ messageStreams: ['news'], archivedStreams: ['old'] });
    webhook = await server.client.createWebhook({ Url: URL_1 });
  });

  const post = (body: unknown, headers?: Record<string, string>) => server.call('POST', '/webhooks', body, headers);
  const put = (body: unknown) => server.call('PUT', `/webhooks/${webhook.ID}`, body);

  test.each(['', 'wrong', 'a'.repeat(10_000)])('401/10: the token %#', async (token) => {
    const expected = [401, 10, 'Request does not contain a valid Server token.'];
    for (const path of ['/webhooks', '/webhooks/1', '/webhooks/no/such/path']) {
      expect(await refusal(server.call('GET', path, undefined, { 'x-postmark-server-token': token }))).toEqual(
        expected,
      );
    }
  });

  test('401/10: no token, or one of another provider', async () => {
    expect((await api.ask('GET', '/webhooks')).body.ErrorCode).toBe(10);
    const { body } = await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Other' });
    const headers = { 'x-postmark-server-token': body.apiKey };
    expect((await server.call('GET', '/webhooks', undefined, headers)).status).toBe(401);
  });

  test('none: the case of the token does not matter', async () => {
    const headers = { 'X-POSTMARK-SERVER-TOKEN': server.token.toUpperCase() };
    expect((await api.ask('GET', '/webhooks', undefined, headers)).status).toBe(200);
  });

  test.each([
    ['GET', '/webhooks/1/2/3'],
    ['PATCH', '/webhooks'],
    ['POST', '/webhooks/1'],
    ['POST', '/webhooks/1/verify'],
    ['GET', '/webhooks/1/statistics'],
    ['GET', '/webhooks/%zz'],
  ])('404: %s %s', async (method, path) => {
    expect(await refusal(server.call(method, path))).toEqual([404, 404, 'There is no such resource.']);
  });

  test('415/409: a body that is not said to be JSON, or is compressed', async () => {
    const wrong: Record<string, string>[] = [{ 'content-type': 'text/plain' }, { 'content-encoding': 'gzip' }];
    for (const headers of wrong) {
      expect((await refusal(post('{}', headers))).slice(0, 2)).toEqual([415, 409]);
    }
  });

  test('413: a body that is too large', async () => {
    expect((await refusal(post(`{"Url":"${'x'.repeat(200_000)}"}`))).slice(0, 2)).toEqual([413, 413]);
  });

  test.each([
    [402, '{"Url":'],
    [402, '{"Url":"https://a.example","Url":"https://b.example"}'],
    [402, '['.repeat(1_000)],
    [402, Buffer.from([0x22, 0xff, 0x22])],
    [403, '[]'],
    [403, '"text"'],
    [403, '7'],
    [1355, ''],
    [1355, 'null'],
  ])('422/%i: the body %#', async (code, body) => {
    for (const [method, path] of [
      ['POST', '/webhooks'],
      ['PUT', `/webhooks/${webhook.ID}`],
    ] as const) {
      const response = await fetch(`${api.url}${path}`, {
        method,
        headers: { 'content-type': 'application/json', 'x-postmark-server-token': server.token },
        body,
      });
      expect([response.status, ((await response.json()) as { ErrorCode: number }).ErrorCode]).toEqual([422, code]);
    }
  });

  test.each([
    [1354, {}],
    [1354, { Url: null }],
    [1354, { Url: 7 }],
    [1354, { Url: '' }],
    [1354, { Url: 'example.com' }],
    [1354, { Url: 'ftp://example.com/' }],
    [1354, { Url: 'https://example.com/#a' }],
    [1354, { Url: 'https://exa mple.com/' }],
    [1354, { Url: 'https://example.com/\u0000' }],
    [1354, { Url: `https://example.com/${'x'.repeat(3_000)}` }],
    [606, { Url: 'https://10.0.0.1/' }],
    [606, { Url: 'http://[fd00::1]/' }],
    [1356, { Url: URL_1, ID: 1 }],
    [1235, { Url: URL_1, MessageStream: 'nowhere' }],
    [1235, { Url: URL_1, MessageStream: '' }],
    [1350, { Url: URL_1, MessageStream: 'old' }],
    [1351, { Url: URL_1, MessageStream: 'inbound' }],
    [1353, { Url: URL_1, Triggers: { Inbound: { Enabled: true } } }],
    [1358, { Url: URL_1, HttpHeaders: [{ Value: 'x' }] }],
    [1358, { Url: URL_1, HttpHeaders: [{ Name: '', Value: 'x' }] }],
    [1358, { Url: URL_1, HttpHeaders: [{ Name: 'a b', Value: 'x' }] }],
    [1358, { Url: URL_1, HttpHeaders: [{ Name: 'Host', Value: 'x' }] }],
    [1358, { Url: URL_1, HttpHeaders: [{ Name: 'User-Agent', Value: 'x' }] }],
    [1358, { Url: URL_1, HttpHeaders: [{ Name: 'X-A', Value: 'a\r\nb' }] }],
    [1358, { Url: URL_1, HttpHeaders: Array(2).fill({ Name: 'X-A', Value: '1' }) }],
    [1358, { Url: URL_1, HttpHeaders: ['X-A', 'x-a'].map((Name) => ({ Name, Value: '1' })) }],
    [1358, { Url: URL_1, HttpHeaders: Array.from({ length: 60 }, (_, at) => ({ Name: `X-${at}`, Value: '1' })) }],
    [1358, { Url: URL_1, HttpHeaders: [{ Name: '__proto__', Value: '1' }] }],
    [1361, { Url: URL_1, HttpHeaders: [{ Name: 'X-A', Value: 1 }] }],
    [1361, { Url: URL_1, HttpHeaders: { 'X-A': '1' } }],
    [1361, { Url: URL_1, HttpHeaders: ['X-A: 1'] }],
    [1361, { Url: URL_1, HttpAuth: 'kim:secret' }],
    [1361, { Url: URL_1, HttpAuth: { Username: 'kim' } }],
    [1361, { Url: URL_1, HttpAuth: { Password: 'secret' } }],
    [1361, { Url: URL_1, HttpAuth: { Username: 'k:m', Password: 'secret' } }],
    [1361, { Url: URL_1, HttpAuth: { Username: 1, Password: [] } }],
    [1361, { Url: URL_1, MessageStream: ['outbound'] }],
    [1361, { Url: URL_1, Triggers: ['Bounce'] }],
    [1361, { Url: URL_1, Triggers: { Bounce: true } }],
    [1361, { Url: URL_1, Triggers: { Bounces: { Enabled: true } } }],
    [1361, { Url: URL_1, Triggers: { bounce: { Enabled: true } } }],
    [1361, { Url: URL_1, Triggers: { Bounce: { Enabled: 'true' } } }],
    [1361, { Url: URL_1, Triggers: { Open: { Enabled: true, PostFirstOpenOnly: 1 } } }],
  ])('422/%i: a new webhook of %j', async (code, body) => {
    const [status, given, message] = await refusal(post(body));
    expect([status, given]).toEqual([422, code]);
    expect(message).not.toMatch(/PIGEONPOST|object Object/);
  });

  test.each([
    [1357, { ID: 7 }],
    [1357, { ID: {} }],
    [1357, { MessageStream: 'broadcast' }],
    [1354, { Url: 'nonsense' }],
    [606, { Url: 'https://192.168.0.1/', HttpAuth: {} }],
    [1358, { HttpHeaders: [{ Name: '' }] }],
    [1361, { Triggers: { Click: [] } }],
    [1361, { Triggers: { Delivered: { Enabled: true } } }],
  ])('422/%i: an edit by %j, which changes nothing', async (code, body) => {
    expect((await refusal(put(body))).slice(0, 2)).toEqual([422, code]);
    expect(await server.client.getWebhook(webhook.ID)).toEqual(webhook);
  });

  test.each(['999999999', '0', '-1', '1.5', 'abc', '%00', '1'.repeat(40), 'sub_1'])(
    '422/1352: the webhook %s',
    async (id) => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        expect(await refusal(server.call(method, `/webhooks/${id}`, method === 'PUT' ? {} : undefined))).toEqual([
          422,
          1352,
          "The webhook for the provided 'ID' was not found.",
        ]);
      }
    },
  );

  test('422/1226: a filter by a stream that is not there', async () => {
    expect((await refusal(server.call('GET', '/webhooks?MessageStream=nowhere'))).slice(0, 2)).toEqual([422, 1226]);
  });

  test('none: fields of no meaning are ignored, those of 2026 among them', async () => {
    const body = {
      Url: URL_1,
      Status: 7,
      Verify: 'x',
      Extra: [],
      Triggers: { Delivered: null },
      MessageStream: 'news',
    };
    const reply = await post(body);
    expect([reply.status, Object.keys(reply.body)]).toEqual([
      200,
      ['ID', 'Url', 'MessageStream', 'HttpHeaders', 'Triggers'],
    ]);
  });

  test('422/1359: more than ten webhooks for a stream', async () => {
    const { client } = await newServer();
    for (let number = 1; number <= 10; number += 1) await client.createWebhook({ Url: URL_1 });
    await expect(client.createWebhook({ Url: URL_1 })).rejects.toMatchObject({ code: 1359, statusCode: 422 });
    const other = await client.createWebhook({ Url: URL_1, MessageStream: 'broadcast' });
    expect(other.MessageStream).toBe('broadcast');
    await client.deleteWebhook((await client.getWebhooks()).Webhooks[0]!.ID);
    await client.createWebhook({ Url: URL_1 });
  });

  test('never 500: anything that is JSON', async () => {
    const part = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<unknown>(true, null, {}, [], '', URL_1));
    const trigger = fc.oneof(part, fc.record({ Enabled: part, IncludeContent: part, PostFirstOpenOnly: part }));
    const optional = { requiredKeys: [] };
    const body = fc.record(
      {
        ID: part,
        Url: fc.oneof(part, fc.webUrl(), fc.constant(URL_1)),
        MessageStream: fc.oneof(part, fc.constant('outbound')),
        HttpAuth: fc.oneof(part, fc.record({ Username: part, Password: part }, optional)),
        HttpHeaders: fc.oneof(part, fc.array(fc.record({ Name: fc.oneof(part, fc.string()), Value: part }, optional))),
        Triggers: fc.oneof(part, fc.record({ Open: trigger, Bounce: trigger, Inbound: trigger }, optional)),
        Verify: fc.constant(false),
        Status: part,
      },
      optional,
    );
    const newest = await newServer({ contract: '2026' });
    const { ID } = (await newest.call('POST', '/webhooks', { Url: URL_1 })).body;
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        const sent = JSON.stringify(given);
        const { body: made, status } = await newest.call('POST', '/webhooks', sent);
        if (status === 200) await newest.call('DELETE', `/webhooks/${made.ID}`);
        expect([200, 422]).toContain(status);
        expect([200, 422]).toContain((await newest.call('PUT', `/webhooks/${ID}`, sent)).status);
      }),
      { numRuns: 80 },
    );
  });

  test('500/101 and 503/100: what goes wrong here', async () => {
    const { pool } = api.database.store;
    const fail = async (error: Error) => {
      const query = jest.spyOn(pool, 'query').mockImplementation(() => {
        throw error;
      });
      try {
        return await server.call('GET', '/webhooks');
      } finally {
        query.mockRestore();
      }
    };
    const broken = await fail(new Error('a secret of ours'));
    expect([broken.status, broken.body.ErrorCode]).toEqual([500, 101]);
    expect(broken.text).not.toContain('secret');
    const away = await fail(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }));
    expect([away.status, away.body.ErrorCode, away.headers.get('retry-after')]).toEqual([503, 100, '5']);
  });
});

describe('queries', () => {
  test('have keys of any case', async () => {
    const { client, call } = await newServer();
    await client.createWebhook({ Url: URL_1, MessageStream: 'broadcast' });
    for (const key of ['MessageStream', 'messageStream', 'messagestream', 'MESSAGESTREAM']) {
      expect((await call('GET', `/webhooks?${key}=outbound`)).body).toEqual({ Webhooks: [] });
    }
    for (const query of ['', '?MessageStream=', '?other=1', '?MessageStream=broadcast&MessageStream=x']) {
      expect((await call('GET', `/webhooks/${query}`)).body.Webhooks).toHaveLength(1);
    }
  });
});

describe('/v1 and this API', () => {
  test('show the same webhooks, Inbound excepted', async () => {
    const server = await newServer();
    const make = (body: object) => api.ask('POST', `/v1/accounts/${server.id}/subscriptions`, { url: URL_1, ...body });
    const inbound = (await make({ eventTypes: ['Inbound'] })).body;
    const bounce = (await make({ eventTypes: ['Bounce'], messageStream: 'made-by-v1', headers: { 'X-A': '1' } })).body;
    const { Webhooks } = await server.client.getWebhooks();
    expect(Webhooks.map(({ ID, HttpHeaders }) => [ID, HttpHeaders])).toEqual([
      [Number(bounce.reference), [{ Name: 'X-A', Value: '1' }]],
    ]);
    expect((await server.call('GET', '/webhooks?MessageStream=made-by-v1')).body.Webhooks).toHaveLength(1);
    expect((await server.call('GET', `/webhooks/${inbound.reference}`)).body.ErrorCode).toBe(1352);
  });
});

describe('two servers', () => {
  test.each(['classic', '2026'])('know nothing of each other (%s)', async (contract) => {
    const [mine, theirs] = await Promise.all([newServer({ contract }), newServer({ contract })]);
    const created = await theirs.call('POST', '/webhooks', { Url: `${receiver.url}/`, Verify: true });
    const { ID } = created.body;
    const unknown = await mine.call('GET', '/webhooks/999999999');
    for (const [method, path] of [
      ['GET', `/webhooks/${ID}`],
      ['PUT', `/webhooks/${ID}`],
      ['DELETE', `/webhooks/${ID}`],
      ...(contract === '2026' ? [['POST', `/webhooks/${ID}/verify`] as const] : []),
      ...(contract === '2026' ? [['GET', `/webhooks/${ID}/statistics`] as const] : []),
    ] as const) {
      const reply = await mine.call(method, path, method === 'PUT' ? { Url: URL_1 } : undefined);
      expect([reply.status, reply.text]).toEqual([unknown.status, unknown.text]);
    }
    expect((await mine.call('GET', '/webhooks')).body).toEqual({ Webhooks: [] });
    expect((await theirs.call('GET', `/webhooks/${ID}`)).body).toEqual(created.body);
  });
});

describe('verification, since 2026', () => {
  const TWO = { Delivery: { Enabled: true }, Bounce: { Enabled: true } };
  let server: Server;
  beforeAll(async () => {
    server = await newServer({ contract: '2026' });
  });
  afterEach(async () => {
    for (const { ID } of (await server.client.getWebhooks()).Webhooks) await server.client.deleteWebhook(ID);
  });
  const respondToBounceWith = (status: number) =>
    receiver.reply((response, { body }) => void response.writeHead(body.includes('"Bounce"') ? status : 200).end());
  const create = (body: object = {}, query = '') =>
    server.call('POST', `/webhooks${query}`, { Url: `${receiver.url}/hook`, Triggers: TWO, ...body });

  test('sends a sample for each enabled trigger, as deliveries are sent', async () => {
    const HttpAuth = { Username: 'kim', Password: 'x' };
    const { status, body } = await create({ HttpAuth, HttpHeaders: [{ Name: 'X-A', Value: '1' }] });
    expect([status, body.Status]).toEqual([200, 'verified']);
    expect(receiver.received.map(({ body: text }) => JSON.parse(text).RecordType).sort()).toEqual([
      'Bounce',
      'Delivery',
    ]);
    expect(receiver.received[0]!.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('kim:x').toString('base64')}`,
      'x-a': '1',
    });
  });

  test.each([500, 201, 204, 404])('refuses an endpoint that responds %i and saves nothing', async (responded) => {
    respondToBounceWith(responded);
    const { status, body, headers } = await create();
    expect([status, headers.get('x-pm-apierrorcode')]).toEqual([422, '1364']);
    expect(body).toEqual({
      ErrorCode: 1364,
      Id: 0,
      Url: `${receiver.url}/hook`,
      Success: false,
      Results: [
        { TriggerType: 'Delivery', Success: true, StatusCode: 200, Message: 'OK' },
        {
          TriggerType: 'Bounce',
          Success: false,
          StatusCode: responded,
          Message: `Remote server returned an HTTP status code of ${responded}.`,
        },
      ],
      Message: '1/2 triggers verified successfully',
    });
    expect(await server.client.getWebhooks()).toEqual({ Webhooks: [] });
  });

  test('refuses an endpoint that is not there', async () => {
    const { status, body } = await create({ Url: 'http://127.0.0.1:1/' });
    expect([status, body.Results[0].StatusCode, body.Message]).toEqual([422, 0, '0/2 triggers verified successfully']);
    expect(body.Results[0].Message).toMatch(/refused|connect/i);
  });

  test('lets the vendor’s client see why', async () => {
    receiver.reply(500);
    const request = { Url: receiver.url, Triggers: TWO };
    await expect(server.client.createWebhook(request)).rejects.toMatchObject({ code: 1364, statusCode: 422 });
  });

  test('is omitted by Verify: false or ?verify=false, and nothing arrives until it has passed', async () => {
    receiver.reply(500);
    for (const [body, query] of [
      [{ Verify: false }, ''],
      [{}, '?verify=false'],
      [{ Verify: true }, '?Verify=FALSE'],
    ] as const) {
      expect((await create(body, query)).body.Status).toBe('unverified');
    }
    expect(receiver.received).toEqual([]);
    expect(await receivers(server, 'Bounce', example('Bounce'))).toEqual([]);

    const [{ ID }] = (await server.client.getWebhooks()).Webhooks as [Models.Webhook];
    const verify = () => server.call('POST', `/webhooks/${ID}/verify`);
    respondToBounceWith(500);
    const failed = await verify();
    expect([failed.status, failed.body]).toEqual([
      200,
      {
        Id: ID,
        Url: `${receiver.url}/hook`,
        Success: false,
        Results: [
          { TriggerType: 'Delivery', Success: true, StatusCode: 200, Message: 'OK' },
          expect.objectContaining({ TriggerType: 'Bounce', Success: false, StatusCode: 500 }),
        ],
        Message: '1/2 triggers verified successfully',
      },
    ]);
    expect((await server.call('GET', `/webhooks/${ID}`)).body.Status).toBe('unverified');
    expect(await receivers(server, 'Bounce', example('Bounce'))).toEqual([]);
    expect(await receivers(server, 'Delivery', example('Delivery'))).toHaveLength(1);

    receiver.reply(200);
    expect((await verify()).body).toMatchObject({ Success: true, Message: '2/2 triggers verified successfully' });
    expect((await server.call('GET', `/webhooks/${ID}`)).body.Status).toBe('verified');
    expect(await receivers(server, 'Bounce', example('Bounce'))).toHaveLength(1);
  });

  test('happens with every edit, and one that fails changes nothing', async () => {
    const { body: before } = await create();
    receiver.clear();
    const put = (body: object) => server.call('PUT', `/webhooks/${before.ID}`, body);
    expect((await put({ Triggers: { Open: { Enabled: true } } })).body.Status).toBe('verified');
    expect(receiver.received).toHaveLength(3);

    receiver.reply(503);
    const { status, body } = await put({ HttpHeaders: [{ Name: 'X-A', Value: '1' }] });
    expect([status, body.ErrorCode, body.Id]).toEqual([422, 1364, before.ID]);
    expect((await server.call('GET', `/webhooks/${before.ID}`)).body.HttpHeaders).toEqual([]);

    const unverified = await put({ HttpHeaders: [{ Name: 'X-A', Value: '1' }], Verify: false });
    expect(unverified.body).toMatchObject({ Status: 'unverified', HttpHeaders: [{ Name: 'X-A', Value: '1' }] });
    receiver.reply(200);
    expect((await put({})).body.Status).toBe('verified');
  });

  test('has nothing to test where no trigger is enabled', async () => {
    expect((await create({ Triggers: {} })).body.Status).toBe('verified');
    const { body } = await create({ Triggers: {}, Verify: false });
    expect(body.Status).toBe('unverified');
    expect((await server.call('POST', `/webhooks/${body.ID}/verify`)).body).toMatchObject({
      Success: true,
      Results: [],
    });
    expect((await server.call('GET', `/webhooks/${body.ID}`)).body.Status).toBe('verified');
  });

  test.each([
    [1363, { Status: 'verified' }],
    [1363, { Status: 'unverified' }],
    [1362, { Status: 'paused' }],
    [1362, { Status: 7 }],
    [1361, { Verify: 'no' }],
  ])('422/%i: %j', async (code, fields) => {
    const { body: webhook } = await create();
    expect((await refusal(create(fields))).slice(0, 2)).toEqual([422, code]);
    expect((await refusal(server.call('PUT', `/webhooks/${webhook.ID}`, fields))).slice(0, 2)).toEqual([422, code]);
  });

  test('422/1361: ?verify of neither true nor false', async () => {
    expect((await refusal(create({}, '?verify=0'))).slice(0, 2)).toEqual([422, 1361]);
  });
});

describe('statistics, since 2026', () => {
  const NOTHING = {
    TotalRequests: 0,
    SuccessCount: 0,
    FailureCount: 0,
    RetryCount: 0,
    SuccessRate: 100,
    SlowCount: 0,
    VerySlowCount: 0,
    AverageTerminalResponseTimeMs: 0,
    AverageRetryResponseTimeMs: null,
  };

  test('are of 24 hours, in all and by trigger', async () => {
    const server = await newServer({ contract: '2026' });
    const created = await server.call('POST', '/webhooks', {
      Url: receiver.url,
      Triggers: { Bounce: { Enabled: true }, Delivery: { Enabled: true } },
    });
    const { ID } = created.body;
    const statistics = async () => (await server.call('GET', `/webhooks/${ID}/statistics`)).body;
    const { TimeRange, ...rest } = await statistics();
    expect(rest).toEqual({
      WebhookId: ID,
      ServerId: server.serverId,
      MessageStreamId: 'outbound',
      Url: receiver.url,
      Statuses: { Delivery: 'verified', Bounce: 'verified' },
      Metrics: NOTHING,
      MetricsByTrigger: { Delivery: NOTHING, Bounce: NOTHING },
    });
    expect(TimeRange).toEqual({
      StartTime: expect.stringMatching(/T\d\d:\d\d:\d\d\.\d{7}Z$/),
      EndTime: expect.stringMatching(/T\d\d:\d\d:\d\d\.\d{7}Z$/),
      Hours: 24,
    });
    expect(Date.parse(TimeRange.EndTime) - Date.parse(TimeRange.StartTime)).toBe(86_400_000);

    const deliver = async (type: string, state: string, run: number, attempts: [string, number, number, string?][]) => {
      const { body } = await api.ask('POST', `/v1/accounts/${server.id}/events`, { type, data: example(type) });
      const { id } = body.deliveries[0];
      const { pool } = api.database.store;
      await pool.query('UPDATE deliveries SET state = $2, run = $3 WHERE id = $1', [id, state, run]);
      for (const [index, [outcome, ms, ofRun, ago = '1 hour']] of attempts.entries()) {
        await pool.query(
          `INSERT INTO attempts (delivery_id, number, run, started_at, duration_ms, outcome)
           VALUES ($1, $2, $3, now() - $4::interval, $5, $6)`,
          [id, index + 1, ofRun, ago, outcome === 'interrupted' ? null : ms, outcome],
        );
      }
    };
    await deliver('Delivery', 'delivered', 0, [['accepted', 100, 0]]);
    await deliver('Delivery', 'delivered', 0, [
      ['refused', 2_000, 0],
      ['interrupted', 0, 0],
      ['accepted', 200, 0],
    ]);
    await deliver('Delivery', 'retrying', 0, [['failed', 10_000, 0]]);
    // Failed, sent again by hand and failed again, and once more, still in progress; one attempt is too old to count.
    await deliver('Bounce', 'retrying', 2, [
      ['refused', 1, 0, '25 hours'],
      ['refused', 30, 0],
      ['refused', 40, 1],
      ['refused', 50, 2],
    ]);
    await deliver('Bounce', 'failed', 0, [['refused', 80, 0]]);
    const filled = await statistics();
    expect(filled.MetricsByTrigger).toEqual({
      Delivery: {
        TotalRequests: 2,
        SuccessCount: 2,
        FailureCount: 0,
        RetryCount: 2,
        SuccessRate: 100,
        SlowCount: 2,
        VerySlowCount: 1,
        AverageTerminalResponseTimeMs: 150,
        AverageRetryResponseTimeMs: 6_000,
      },
      Bounce: {
        ...NOTHING,
        TotalRequests: 3,
        FailureCount: 3,
        SuccessRate: 0,
        RetryCount: 1,
        AverageTerminalResponseTimeMs: 50,
        AverageRetryResponseTimeMs: 50,
      },
    });
    expect(filled.Metrics).toMatchObject({ TotalRequests: 5, SuccessCount: 2, SuccessRate: 40, RetryCount: 3 });
  });
});

/** The documented example of an event. */
function example(type: string): unknown {
  return postmark.findEvent(type)!.example;
}
