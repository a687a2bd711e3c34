/** Svix's API for endpoints, spoken by the unmodified `svix` client, and what its verifier says of what then arrives. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { ApiException, Ordering, Svix, Webhook, type EndpointOut } from 'svix';
import { startApi, startApiWithDatabase, type ApiResponse, type Ask } from '../../support/api.js';
import { objectsOf } from '../../support/json-values.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { startSystem, type TestSystem } from '../../support/system.js';

type Api = Awaited<ReturnType<typeof startApiWithDatabase>>;

interface Application {
  readonly accountId: string;
  readonly appId: string;
  readonly key: string;
  readonly svix: Svix;
  /** Asks by hand; the path is what follows the application's. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiResponse>;
}

const URL_1 = 'https://hooks.example.test/postack';
const UNKNOWN_ID = 'ep_1srOrx2ZWZBpBUvZwXKQmoEYga2';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';

async function newApplication(ask: Ask, serverUrl: string): Promise<Application> {
  const { body } = await ask('POST', '/v1/accounts', { provider: 'postack', name: 'Acme' });
  const { appId } = body.scope;
  const authorization = `Bearer ${body.apiKey}`;
  return {
    accountId: body.id,
    appId,
    key: body.apiKey,
    svix: new Svix(body.apiKey, { serverUrl }),
    ask: (method, path, sent, headers) =>
      ask(method, `/api/v1/app/${appId}${path}`, sent, { authorization, ...headers }),
  };
}

/** What a call of the client was refused with. */
async function refusal(call: Promise<unknown>): Promise<{ status: number; body: unknown }> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApiException)) throw new Error(`not refused by the API: ${String(error)}`);
  return { status: error.code, body: error.body };
}

const NOT_FOUND = { status: 404, body: { code: 'not_found', detail: 'Entity not found' } };
const INVALID_TOKEN = { status: 401, body: { code: 'authentication_failed', detail: 'Invalid token' } };
const CONFLICT = { status: 409, body: { code: 'conflict', detail: 'A conflict has occurred' } };

describe('the API', () => {
  let api: Api;
  let app: Application;
  let appId: string;
  let svix: Svix;

  beforeAll(async () => {
    api = await startApiWithDatabase({ maxBodyBytes: 20_000, allowHttp: true });
  });
  afterAll(() => api.close());
  beforeEach(async () => {
    app = await newApplication(api.ask, api.url);
    ({ appId, svix } = app);
  });

  test('creates an endpoint with every field, and reads it back', async () => {
    const given = {
      url: URL_1,
      description: 'Orders',
      filterTypes: ['message.received', 'message.failed'],
      channels: ['project_1', 'eu:west+1'],
      disabled: true,
      rateLimit: 7,
      uid: 'orders-1',
      metadata: { team: 'a', 'k.ey': 'ü' },
      version: 3,
      secret: SECRET,
      headers: { 'X-Team': 'a' },
    };
    const created = await svix.endpoint.create(appId, given);
    const { secret, headers, ...shown } = given;
    expect(created).toEqual({
      ...shown,
      throttleRate: 7,
      id: expect.stringMatching(/^ep_[A-Za-z0-9]{27}$/),
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
    });
    expect(created.createdAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(await svix.endpoint.get(appId, created.id)).toEqual(created);
    expect(await svix.endpoint.get(appId, 'orders-1')).toEqual(created);
    expect(await svix.endpoint.getSecret(appId, created.id)).toEqual({ key: secret });
    expect(await svix.endpoint.getHeaders(appId, created.id)).toEqual({ headers, sensitive: [] });
  });

  test('creates an endpoint of an address alone, responding 201 and the documented keys', async () => {
    const { status, body } = await app.ask('POST', '/endpoint/', { url: URL_1 });
    expect(status).toBe(201);
    expect(body).toEqual({
      description: '',
      rateLimit: null,
      throttleRate: null,
      uid: null,
      url: URL_1,
      version: 1,
      disabled: false,
      eventTypes: null,
      filterTypes: null,
      channels: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      id: expect.stringMatching(/^ep_[A-Za-z0-9]{27}$/),
      metadata: {},
    });
    expect((await svix.endpoint.getSecret(appId, body.id)).key).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
    // Null is nothing, wherever Svix says so.
    const nulls = { filterTypes: null, channels: null, rateLimit: null, uid: null, secret: null, headers: null };
    expect((await svix.endpoint.create(appId, { url: URL_1, ...nulls })).filterTypes).toBeNull();
  });

  test('takes the names that newer clients use, and secrets without their prefix', async () => {
    const { body } = await app.ask('POST', '/endpoint', {
      url: URL_1,
      eventTypes: ['message.sent', 'message.sent'],
      throttleRate: 5,
      secret: SECRET.slice('whsec_'.length),
      something: 'else',
    });
    expect(body).toMatchObject({ eventTypes: ['message.sent'], filterTypes: ['message.sent'], rateLimit: 5 });
    expect((await svix.endpoint.getSecret(appId, body.id)).key).toBe(SECRET);
    const patched = await app.ask('PATCH', `/endpoint/${body.id}`, { eventTypes: null, throttleRate: null });
    expect(patched.body).toMatchObject({ filterTypes: null, rateLimit: null, throttleRate: null });
  });

  test('throttles what it is asked to: the rate is the one that holds in /v1', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1, uid: 'u', rateLimit: 7 });
    const [{ id: subscriptionId }] = (await api.ask('GET', `/v1/accounts/${app.accountId}/subscriptions`)).body.data;
    const rate = async () => (await api.ask('GET', `/v1/subscriptions/${subscriptionId}`)).body.ratePerSecond;
    expect(await rate()).toBe(7);
    await svix.endpoint.patch(appId, id, { description: 'Two' });
    expect(await rate()).toBe(7);
    await svix.endpoint.patch(appId, id, { rateLimit: 65_535 });
    expect(await rate()).toBe(65_535);
    await app.ask('PATCH', `/endpoint/${id}`, { rateLimit: null });
    expect(await rate()).toBeNull();
    for (const [fraction, shown] of [
      [0.5, 1],
      [2.5, 2],
    ]) {
      await api.ask('PATCH', `/v1/subscriptions/${subscriptionId}`, { ratePerSecond: fraction });
      expect(await svix.endpoint.get(appId, id)).toMatchObject({ rateLimit: shown, throttleRate: shown });
    }
  });

  test('replaces an endpoint: what is not named goes back to its default, secret and headers stay', async () => {
    const { id } = await svix.endpoint.create(appId, {
      url: URL_1,
      description: 'Orders',
      filterTypes: ['message.sent'],
      channels: ['a'],
      disabled: true,
      rateLimit: 7,
      uid: 'orders',
      metadata: { a: '1' },
      version: 3,
      secret: SECRET,
      headers: { 'X-Team': 'a' },
    });
    expect(await svix.endpoint.update(appId, id, { url: `${URL_1}/2`, version: 2 })).toMatchObject({
      id,
      url: `${URL_1}/2`,
      description: '',
      filterTypes: null,
      channels: null,
      disabled: false,
      rateLimit: null,
      uid: null,
      metadata: {},
      version: 2,
    });
    expect((await svix.endpoint.getSecret(appId, id)).key).toBe(SECRET);
    expect((await svix.endpoint.getHeaders(appId, id)).headers).toEqual({ 'X-Team': 'a' });
  });

  test('makes a new endpoint of a replacement for one that there is not', async () => {
    const { status, body } = await app.ask('PUT', `/endpoint/${UNKNOWN_ID}`, { url: URL_1, uid: 'mine' });
    expect(status).toBe(201);
    expect(body.id).not.toBe(UNKNOWN_ID);
    const again = await app.ask('PUT', '/endpoint/mine', { url: `${URL_1}/2`, uid: 'mine' });
    expect([again.status, again.body.id]).toEqual([200, body.id]);
  });

  test('changes only what a patch names', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1, uid: 'u', channels: ['a'], metadata: { a: '1' } });
    const patched = await svix.endpoint.patch(appId, 'u', { disabled: true, description: 'Two' });
    expect(patched).toMatchObject({ id, disabled: true, description: 'Two', channels: ['a'], metadata: { a: '1' } });
    expect(await svix.endpoint.patch(appId, id, { channels: null, uid: null, metadata: {} })).toMatchObject({
      disabled: true,
      channels: null,
      uid: null,
      metadata: {},
    });
    expect(await refusal(svix.endpoint.get(appId, 'u'))).toEqual(NOT_FOUND);
    await svix.endpoint.patch(appId, id, { secret: SECRET, url: `${URL_1}/3`, version: 4, rateLimit: 9 });
    expect(await svix.endpoint.get(appId, id)).toMatchObject({ url: `${URL_1}/3`, version: 4, rateLimit: 9 });
    expect((await svix.endpoint.getSecret(appId, id)).key).toBe(SECRET);
  });

  test('deletes an endpoint, and its uid may be used again', async () => {
    await svix.endpoint.create(appId, { url: URL_1, uid: 'u' });
    const { status, text } = await app.ask('DELETE', '/endpoint/u/');
    expect([status, text]).toEqual([204, '']);
    expect(await refusal(svix.endpoint.delete(appId, 'u'))).toEqual(NOT_FOUND);
    const { id } = await svix.endpoint.create(appId, { url: URL_1, uid: 'u' });
    await svix.endpoint.delete(appId, id);
    expect((await svix.endpoint.list(appId)).data).toEqual([]);
  });

  test('knows an application by its id and by the id of the account', async () => {
    const { id } = await svix.endpoint.create(app.accountId, { url: URL_1 });
    expect((await svix.endpoint.get(appId, id)).id).toBe(id);
    expect(await refusal(svix.endpoint.list('app_unknown'))).toEqual(NOT_FOUND);
  });

  describe('lists', () => {
    const made: EndpointOut[] = [];
    const numbers = ({ data }: { data: EndpointOut[] }): string[] => data.map(({ url }) => url.slice(-1));
    let listed: Application;

    beforeAll(async () => {
      listed = await newApplication(api.ask, api.url);
      for (let index = 0; index < 5; index += 1) {
        made.push(await listed.svix.endpoint.create(listed.appId, { url: `https://test.url/${index}` }));
      }
    });

    test('the newest first, forth and back', async () => {
      const list = (options: object) => listed.svix.endpoint.list(listed.appId, options);
      const first = await list({ limit: 2 });
      expect(first).toMatchObject({ iterator: made[3]!.id, prevIterator: `-${made[4]!.id}`, done: false });
      expect(numbers(first)).toEqual(['4', '3']);
      const second = await list({ limit: 2, iterator: first.iterator });
      expect([numbers(second), second.done]).toEqual([['2', '1'], false]);
      const third = await list({ limit: 2, iterator: second.iterator });
      expect([numbers(third), third.done]).toEqual([['0'], true]);
      const back = await list({ iterator: second.prevIterator });
      expect([numbers(back), back.done]).toEqual([['4', '3'], true]);
      expect(numbers(await list({ limit: 1, iterator: third.prevIterator }))).toEqual(['1']);
    });

    test('the oldest first', async () => {
      const list = (options: object) =>
        listed.svix.endpoint.list(listed.appId, { ...options, order: Ordering.Ascending });
      const first = await list({ limit: 3 });
      expect([numbers(first), first.done]).toEqual([['0', '1', '2'], false]);
      const second = await list({ limit: 3, iterator: first.iterator });
      expect([numbers(second), second.done]).toEqual([['3', '4'], true]);
      expect(numbers(await list({ limit: 2, iterator: second.prevIterator }))).toEqual(['1', '2']);
    });

    test('nothing', async () => {
      const { text } = await app.ask('GET', '/endpoint');
      expect(JSON.parse(text)).toEqual({ data: [], iterator: null, done: true });
    });

    test('on from an endpoint that was deleted in the meantime', async () => {
      for (let index = 0; index < 4; index += 1)
        await svix.endpoint.create(appId, { url: `https://test.url/${index}` });
      const seen: string[] = [];
      for (let iterator: string | null = null, done = false; !done;) {
        const page = await svix.endpoint.list(appId, { limit: 2, iterator });
        seen.push(...numbers(page));
        await Promise.all(page.data.map(({ id }) => svix.endpoint.delete(appId, id)));
        ({ iterator, done } = page);
      }
      expect(seen).toEqual(['3', '2', '1', '0']);
    });

    test('no page that cannot be', async () => {
      const at = (name: string, msg: string) => ({ detail: [{ loc: ['query', name], msg, type: 'value_error' }] });
      const generic = { code: 'generic_error', detail: expect.stringContaining('query string') };
      const wrong: [query: string, status: number, body: object][] = [
        ['limit=251', 422, at('limit', 'Given limit must not exceed 250')],
        ['limit=0', 422, at('limit', 'Given limit must be at least 1')],
        ['limit=-1', 400, generic],
        ['limit=', 400, generic],
        ['limit=1&limit=2', 400, generic],
        ['limit=9999999999999999999', 400, generic],
        ['order=sideways', 400, generic],
        ['iterator=msg_1', 422, at('iterator', 'Invalid iterator')],
        [`iterator=${UNKNOWN_ID}`, 422, at('iterator', 'Invalid iterator')],
        [`iterator=${made[0]!.id}`, 422, at('iterator', 'Invalid iterator')],
        ['iterator=%00', 422, at('iterator', 'Invalid iterator')],
      ];
      for (const [query, status, body] of wrong) {
        const response = await app.ask('GET', `/endpoint?${query}`);
        expect([query, response.status, response.body]).toEqual([query, status, body]);
      }
      expect((await app.ask('GET', '/endpoint?limit=250')).status).toBe(200);
    });
  });

  test('keeps, changes and removes custom headers, and does not show those that are sensitive', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1 });
    const { endpoint } = svix;
    expect(await endpoint.getHeaders(appId, id)).toEqual({ headers: {}, sensitive: [] });
    await endpoint.headersUpdate(appId, id, { headers: { 'X-A': '1', Authorization: 'Bearer 1' } });
    expect(await endpoint.getHeaders(appId, id)).toEqual({ headers: { 'X-A': '1' }, sensitive: ['Authorization'] });
    await endpoint.headersPatch(appId, id, { headers: { 'x-a': '2', 'X-B': '3' }, deleteHeaders: ['authorization'] });
    expect(await endpoint.getHeaders(appId, id)).toEqual({ headers: { 'x-a': '2', 'X-B': '3' }, sensitive: [] });
    const removed = await app.ask('PATCH', `/endpoint/${id}/headers/`, { headers: { 'X-B': null, 'X-Z': null } });
    expect([removed.status, removed.text]).toEqual([204, '']);
    expect((await endpoint.getHeaders(appId, id)).headers).toEqual({ 'x-a': '2' });
    await endpoint.updateHeaders(appId, id, { headers: {} });
    expect((await endpoint.getHeaders(appId, id)).headers).toEqual({});
  });

  test('refuses headers that Svix refuses', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1, headers: { 'X-Kept': '1' } });
    for (const name of ['content-length', 'some:thing', 'svix-foo', 'X-Svix-Foo', 'x-amzn-foo', 'User-Agent']) {
      const refused = { status: 422, body: { detail: [expect.objectContaining({ loc: ['body', 'headers', name] })] } };
      const headers = { [name]: '123' };
      expect(await refusal(svix.endpoint.headersUpdate(appId, id, { headers }))).toEqual(refused);
      expect(await refusal(svix.endpoint.headersPatch(appId, id, { headers }))).toEqual(refused);
      expect(await refusal(svix.endpoint.create(appId, { url: URL_1, headers }))).toEqual(refused);
    }
    const wrong: [method: string, body: unknown, loc: string[]][] = [
      ['PUT', {}, ['body', 'headers']],
      ['PUT', { headers: null }, ['body', 'headers']],
      ['PUT', { headers: [] }, ['body', 'headers']],
      ['PUT', { headers: { 'X-A': 1 } }, ['body', 'headers', 'X-A']],
      ['PUT', { headers: { 'X-A': 'a\nb' } }, ['body', 'headers', 'X-A']],
      ['PATCH', { headers: 'x' }, ['body', 'headers']],
      ['PATCH', { headers: { 'X-A': {} } }, ['body', 'headers', 'X-A']],
      ['PATCH', { headers: {}, deleteHeaders: 'X-A' }, ['body', 'deleteHeaders']],
      ['PATCH', [], ['body']],
    ];
    for (const [method, body, loc] of wrong) {
      const response = await app.ask(method, `/endpoint/${id}/headers`, body);
      expect([body, response.status, response.body.detail[0].loc]).toEqual([body, 422, loc]);
    }
    expect((await svix.endpoint.getHeaders(appId, id)).headers).toEqual({ 'X-Kept': '1' });
  });

  test('rotates the secret to a new one or to one that is given, ten times a day', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1, secret: SECRET });
    await svix.endpoint.rotateSecret(appId, id);
    const { key } = await svix.endpoint.getSecret(appId, id);
    expect(key).toMatch(/^whsec_/);
    expect(key).not.toBe(SECRET);
    await svix.endpoint.rotateSecret(appId, id, { key: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD' });
    expect((await svix.endpoint.getSecret(appId, id)).key).toBe('whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD');
    const { status, text } = await app.ask('POST', `/endpoint/${id}/secret/rotate/`, { key: null });
    expect([status, text]).toEqual([204, '']);
    for (let rotation = 4; rotation <= 10; rotation += 1) await svix.endpoint.rotateSecret(appId, id);
    expect(await refusal(svix.endpoint.rotateSecret(appId, id))).toEqual({
      status: 400,
      body: { code: 'limit_reached', detail: expect.stringContaining('10 times') },
    });
  });

  test('refuses rotations that cannot be', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1, secret: SECRET });
    for (const [body, name] of [
      [{ key: 'whsec_short' }, 'key'],
      [{ key: 7 }, 'key'],
      [{ key: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=' }, 'key'],
      [{ gracePeriodSeconds: -1 }, 'gracePeriodSeconds'],
      [{ gracePeriodSeconds: 604_801 }, 'gracePeriodSeconds'],
      [{ gracePeriodSeconds: '1' }, 'gracePeriodSeconds'],
      [{ gracePeriodSeconds: 1.5 }, 'gracePeriodSeconds'],
    ] as const) {
      const response = await app.ask('POST', `/endpoint/${id}/secret/rotate`, body);
      expect([body, response.status, response.body.detail[0].loc]).toEqual([body, 422, ['body', name]]);
    }
    expect((await svix.endpoint.getSecret(appId, id)).key).toBe(SECRET);
  });

  test('sends an example', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1, uid: 'u', filterTypes: ['message.sent'] });
    const message = await svix.endpoint.sendExample(appId, id, { eventType: 'message.received' });
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_[a-z0-9]{26}$/),
      eventType: 'message.received',
      eventId: null,
      channels: null,
      timestamp: expect.any(Date),
      payload: { type: 'message.received', data: { direction: 'inbound' } },
    });
    expect(message.payload.timestamp).toBe(message.timestamp.toISOString());
    const { status } = await app.ask('POST', '/endpoint/u/send-example/', { eventType: 'svix.ping', exampleIndex: 2 });
    expect(status).toBe(202);
    for (const body of [{}, { eventType: null }, { eventType: ['a'] }, { eventType: 'a b' }, { eventType: '' }]) {
      const response = await app.ask('POST', `/endpoint/${id}/send-example`, body);
      expect([body, response.status, response.body.detail[0].loc]).toEqual([body, 422, ['body', 'eventType']]);
    }
  });

  test('gives a repeated request its first response', async () => {
    const options = { idempotencyKey: 'once' };
    const first = await svix.endpoint.create(appId, { url: URL_1 }, options);
    expect(await svix.endpoint.create(appId, { url: URL_1 }, options)).toEqual(first);
    const together = await Promise.all(
      [1, 2, 3].map(() => svix.endpoint.create(appId, { url: URL_1 }, { idempotencyKey: 'together' })),
    );
    expect(new Set(together.map(({ id }) => id)).size).toBe(1);
    const messages = await Promise.all(
      [1, 2].map(() => svix.endpoint.sendExample(appId, first.id, { eventType: 'message.sent' }, options)),
    );
    expect(messages[0]).toEqual(messages[1]);
    await svix.endpoint.rotateSecret(appId, first.id, {}, options);
    const { key } = await svix.endpoint.getSecret(appId, first.id);
    await svix.endpoint.rotateSecret(appId, first.id, {}, options);
    expect((await svix.endpoint.getSecret(appId, first.id)).key).toBe(key);
    // What failed is tried again, and no one else's response is given.
    const failing = { idempotencyKey: 'failing' };
    await refusal(svix.endpoint.create(appId, { url: 'http://hooks.example.test' }, failing));
    await svix.endpoint.create(appId, { url: URL_1 }, failing);
    const other = await newApplication(api.ask, api.url);
    expect((await other.svix.endpoint.create(other.appId, { url: URL_1 }, options)).id).not.toBe(first.id);
    expect((await svix.endpoint.list(appId)).data).toHaveLength(3);
  });

  test('lets no two endpoints of an application have one uid', async () => {
    const one = await svix.endpoint.create(appId, { url: URL_1, uid: 'u' });
    const two = await svix.endpoint.create(appId, { url: URL_1 });
    expect(await refusal(svix.endpoint.create(appId, { url: URL_1, uid: 'u' }))).toEqual(CONFLICT);
    expect(await refusal(svix.endpoint.update(appId, two.id, { url: URL_1, uid: 'u' }))).toEqual(CONFLICT);
    expect(await refusal(svix.endpoint.patch(appId, two.id, { uid: 'u' }))).toEqual(CONFLICT);
    expect((await svix.endpoint.update(appId, one.id, { url: URL_1, uid: 'u' })).id).toBe(one.id);
    const other = await newApplication(api.ask, api.url);
    await other.svix.endpoint.create(other.appId, { url: URL_1, uid: 'u' });
    const raced = await Promise.allSettled(
      Array.from({ length: 8 }, () => svix.endpoint.create(appId, { url: URL_1, uid: 'raced' })),
    );
    expect(raced.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const byAdmin = await api.ask('POST', `/v1/accounts/${app.accountId}/subscriptions`, {
      url: URL_1,
      eventTypes: [],
      uid: 'u',
    });
    expect([byAdmin.status, byAdmin.body.code]).toEqual([409, 'conflict']);
  });

  test('shows no account the endpoints of another', async () => {
    const other = await newApplication(api.ask, api.url);
    const { id } = await svix.endpoint.create(appId, { url: URL_1, uid: 'u' });
    const calls: [method: string, path: string, body?: unknown][] = [
      ['GET', ''],
      ['PATCH', '', { url: URL_1 }],
      ['DELETE', ''],
      ['GET', '/secret'],
      ['POST', '/secret/rotate', {}],
      ['GET', '/headers'],
      ['PUT', '/headers', { headers: {} }],
      ['PATCH', '/headers', { headers: {} }],
      ['POST', '/send-example', { eventType: 'message.sent' }],
    ];
    for (const [method, path, body] of calls) {
      for (const endpoint of [id, 'u', UNKNOWN_ID, 'unknown']) {
        const response = await other.ask(method, `/endpoint/${endpoint}${path}`, body);
        expect([method, path, endpoint, response.status, response.body]).toEqual([
          method,
          path,
          endpoint,
          404,
          NOT_FOUND.body,
        ]);
      }
      // Nor is there a way in by the other's application.
      const foreign = await other.ask(method, `/../${appId}/endpoint/${id}${path}`, body);
      expect([method, path, foreign.status, foreign.body]).toEqual([method, path, 404, NOT_FOUND.body]);
    }
    for (const endpoint of [id, UNKNOWN_ID]) {
      const put = await other.ask('PUT', `/endpoint/${endpoint}`, { url: 'https://other.example.test' });
      expect([put.status, put.body.id === id]).toEqual([201, false]);
    }
    expect((await other.svix.endpoint.list(other.appId)).data).toHaveLength(2);
    expect(await refusal(other.svix.endpoint.list(appId))).toEqual(NOT_FOUND);
    expect((await svix.endpoint.list(appId)).data).toMatchObject([{ id, url: URL_1 }]);
  });

  test('refuses callers that it does not know', async () => {
    expect(await refusal(new Svix('sk_unknown', { serverUrl: api.url }).endpoint.list(appId))).toEqual(INVALID_TOKEN);
    const { body: shop } = await api.ask('POST', '/v1/accounts', { provider: 'postscript', name: 'Shop' });
    for (const authorization of ['', 'Bearer', `Basic ${app.key}`, app.key, `Bearer ${shop.apiKey}`]) {
      const { status, body, headers } = await app.ask('GET', '/endpoint', undefined, { authorization });
      expect({ status, body }).toEqual(INVALID_TOKEN);
      expect(headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test('says which fields of an endpoint are wrong', async () => {
    const wrong: [fields: object, ...loc: string[]][] = [
      [{ url: 'http://hooks.example.test' }, 'url'],
      [{ url: 'hooks' }, 'url'],
      [{ url: 'ftp://hooks.example.test' }, 'url'],
      [{ url: 'https://10.0.0.1' }, 'url'],
      [{ url: undefined }, 'url'],
      [{ url: null }, 'url'],
      [{ url: 7 }, 'url'],
      [{ description: 7 }, 'description'],
      [{ description: 'a\u0000b' }, 'description'],
      [{ filterTypes: [] }, 'filterTypes'],
      [{ filterTypes: 'message.sent' }, 'filterTypes'],
      [{ filterTypes: ['&&invalid'] }, 'filterTypes'],
      [{ filterTypes: [7] }, 'filterTypes', '[0]'],
      [{ eventTypes: [] }, 'eventTypes'],
      [{ channels: [] }, 'channels'],
      [{ channels: ['&&invalid'] }, 'channels', '[0]'],
      [{ channels: Array.from({ length: 11 }, (_, index) => `c${index}`) }, 'channels'],
      [{ disabled: 'yes' }, 'disabled'],
      [{ rateLimit: 0 }, 'rateLimit'],
      [{ rateLimit: 65_536 }, 'rateLimit'],
      [{ rateLimit: '7' }, 'rateLimit'],
      [{ throttleRate: 1.5 }, 'throttleRate'],
      [{ uid: '$$invalid' }, 'uid'],
      [{ uid: 'ep_mine' }, 'uid'],
      [{ uid: '' }, 'uid'],
      [{ uid: 'x'.repeat(257) }, 'uid'],
      [{ metadata: 'x' }, 'metadata'],
      [{ metadata: { a: 1 } }, 'metadata', 'a'],
      [{ metadata: { a: '\u0000' } }, 'metadata', 'a'],
      [{ metadata: { a: '\ud800' } }, 'metadata', 'a'],
      [{ metadata: { '\ud800': 'a' } }, 'metadata', '\ud800'],
      [{ metadata: { a: 'x'.repeat(4_096) } }, 'metadata'],
      [{ version: 0 }, 'version'],
      [{ version: 'x' }, 'version'],
      [{ secret: 'whsec_short' }, 'secret'],
      [{ secret: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=' }, 'secret'],
      [{ secret: 7 }, 'secret'],
      [{ headers: 7 }, 'headers'],
      [{ headers: { 'X.A': 7 } }, 'headers', 'X.A'],
    ];
    const { id } = await svix.endpoint.create(appId, { url: URL_1 });
    const detail = (loc: string[]) => ({
      detail: [{ loc: ['body', ...loc], msg: expect.stringMatching(/./), type: 'value_error' }],
    });
    for (const [fields, ...loc] of wrong) {
      const body = { url: URL_1, ...fields };
      const created = await app.ask('POST', '/endpoint', body);
      expect([fields, created.status, created.body]).toEqual([fields, 422, detail(loc)]);
      // Neither a replacement nor a patch has headers, a replacement has no secret, and a patch needs no address.
      if (['headers', 'secret'].includes(loc[0]!)) continue;
      const replaced = await app.ask('PUT', `/endpoint/${id}`, body);
      expect([fields, replaced.status, replaced.body]).toEqual([fields, 422, detail(loc)]);
      if ('url' in fields && fields.url === undefined) continue;
      const patched = await app.ask('PATCH', `/endpoint/${id}`, fields);
      expect([fields, patched.status, patched.body]).toEqual([fields, 422, detail(loc)]);
    }
    expect((await svix.endpoint.list(appId)).data).toMatchObject([{ id, url: URL_1 }]);
    expect(await refusal(svix.endpoint.create(appId, { url: 'http://hooks.example.test' }))).toEqual({
      status: 422,
      body: detail(['url']),
    });
  });

  test('says so when a body cannot be read', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1 });
    for (const body of ['{', 'null', '[]', '"x"', '7', undefined, `{"url":"a","url":"b"}`, '['.repeat(9_000)]) {
      for (const [method, path] of [
        ['POST', '/endpoint'],
        ['PUT', `/endpoint/${id}`],
        ['PATCH', `/endpoint/${id}`],
        ['PUT', `/endpoint/${id}/headers`],
        ['POST', `/endpoint/${id}/send-example`],
      ] as const) {
        const response = await app.ask(method, path, body);
        expect([method, path, response.status, response.body]).toEqual([
          method,
          path,
          422,
          { detail: [{ loc: ['body'], msg: expect.any(String), type: 'value_error.jsondecode' }] },
        ]);
      }
    }
  });

  test('responds to any body as documented', async () => {
    const { id } = await svix.endpoint.create(appId, { url: URL_1 });
    const requests = fc.constantFrom(
      ['POST', '/endpoint'],
      ['PUT', `/endpoint/${id}`],
      ['PATCH', `/endpoint/${id}`],
      ['PUT', `/endpoint/${id}/headers`],
      ['PATCH', `/endpoint/${id}/headers`],
      ['POST', `/endpoint/${id}/secret/rotate`],
      ['POST', `/endpoint/${id}/send-example`],
    );
    const bodies = objectsOf(
      ...[
        'description',
        'disabled',
        'filterTypes',
        'eventTypes',
        'channels',
        'uid',
        'metadata',
        'version',
        'rateLimit',
      ],
      ...['throttleRate', 'secret', 'headers', 'deleteHeaders', 'key', 'gracePeriodSeconds', 'eventType', 'url'],
    );
    await fc.assert(
      fc.asyncProperty(requests, bodies, async ([method, path], body) => {
        const sent = typeof body === 'object' && !Array.isArray(body) ? { url: URL_1, ...body } : body;
        const { status, body: response } = await app.ask(method, path, JSON.stringify(sent));
        if (status === 422) {
          const item = { loc: expect.arrayContaining(['body']), msg: expect.any(String), type: expect.any(String) };
          expect(response).toEqual({ detail: expect.arrayContaining([item]) });
        } else if (status === 400) expect(response.code).toBe('limit_reached');
        else if (status === 409) expect(response).toEqual(CONFLICT.body);
        else if (status === 413) expect(response.code).toBe('payload_too_large');
        else expect([200, 201, 202, 204]).toContain(status);
      }),
      { numRuns: 500 },
    );
    expect((await app.ask('GET', '/endpoint?limit=250')).status).toBe(200);
  });

  test('responses other errors in their own shape as well', async () => {
    const large = await app.ask('POST', '/endpoint', { url: 'x'.repeat(30_000) });
    expect([large.status, large.body]).toEqual([
      413,
      { code: 'payload_too_large', detail: 'Request payload is too large.' },
    ]);
    const form = await app.ask('POST', '/endpoint', 'url=x', { 'content-type': 'application/x-www-form-urlencoded' });
    expect([form.status, form.body]).toEqual([
      415,
      { code: 'unsupported_media_type', detail: expect.stringContaining('application/json') },
    ]);
    const path = await app.ask('GET', '/endpoint/%E0%A4%A');
    expect([path.status, path.body]).toEqual([400, { code: 'generic_error', detail: expect.any(String) }]);
    for (const [method, unknown] of [
      ['GET', '/endpoint/%00'],
      ['GET', `/endpoint/${'a'.repeat(5_000)}`],
      ['GET', `/endpoint/${UNKNOWN_ID}/stats`],
      ['DELETE', '/endpoint'],
      ['GET', '/integration'],
    ] as const) {
      const { status, body } = await app.ask(method, unknown);
      expect([unknown, { status, body }]).toEqual([unknown, NOT_FOUND]);
    }
    expect(await refusal(svix.streaming.stream.list())).toEqual(NOT_FOUND);
  });

  test('responses failures of its own in their shape', async () => {
    for (const [code, status, body] of [
      ['ECONNREFUSED', 503, { code: 'unavailable', detail: expect.any(String) }],
      ['XX000', 500, { code: 'server_error', detail: 'Internal Server Error' }],
    ] as const) {
      const { box } = api.database.store;
      const pool = { query: () => Promise.reject(Object.assign(new Error('secret detail'), { code })) };
      const broken = await startApi({ store: { pool: pool as never, box } });
      const response = await broken.ask('GET', `/api/v1/app/${appId}/endpoint`, undefined, {
        authorization: `Bearer ${app.key}`,
      });
      expect([response.status, response.body]).toEqual([status, body]);
      await broken.close();
    }
  });

  test('does what the documentation says, line by line', async () => {
    const page = readFileSync(join(__dirname, '../../../docs/contracts/postack.md'), 'utf8');
    const [, lines] = /```js\n([^`]+)```/.exec(page) ?? [];
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', lines!], {
      cwd: join(__dirname, '../../..'),
      env: { ...process.env, PIGEONPOST_URL: api.url, POSTACK_APP_ID: appId, POSTACK_API_KEY: app.key },
    });
    const { data } = await svix.endpoint.list(appId);
    expect(data).toHaveLength(1);
    expect(stdout).toContain((await svix.endpoint.getSecret(appId, data[0]!.id)).key);
  });
});

describe('deliveries', () => {
  let system: TestSystem;
  let receiver: Receiver;
  let app: Application;

  beforeAll(async () => {
    const certs = join(__dirname, '../../support/certs');
    const pem = (name: string): string => readFileSync(join(certs, name), 'utf8');
    receiver = await startReceiver({ tls: { key: pem('server.key'), cert: pem('server.pem') } });
    system = await startSystem({
      resolve: [{ host: 'hooks.example.test', port: 443, address: '127.0.0.1', targetPort: receiver.port }],
      extraCa: pem('ca.pem'),
    });
  });
  afterAll(async () => {
    await system.stop();
    await receiver.close();
  });
  beforeEach(async () => {
    receiver.clear();
    app = await newApplication(system.ask, system.url);
  });

  const keyOf = async (id: string): Promise<string> => (await app.svix.endpoint.getSecret(app.appId, id)).key;

  test('of an example reach the endpoint alone, as the message that the response names, and verify', async () => {
    const { endpoint } = app.svix;
    const { id } = await endpoint.create(app.appId, { url: URL_1, headers: { 'X-Team': 'a' } });
    await endpoint.create(app.appId, { url: `${URL_1}/other` });
    const message = await endpoint.sendExample(app.appId, id, { eventType: 'message.received' });
    const [request] = await receiver.waitFor(1);
    expect(new Webhook(await keyOf(id)).verify(request!.body, request!.headers)).toEqual(message.payload);
    expect(request!.headers).toMatchObject({ 'svix-id': message.id, 'x-team': 'a' });
    await endpoint.sendExample(app.appId, id, { eventType: 'svix.ping' });
    const [, ping] = await receiver.waitFor(2);
    expect(JSON.parse(ping!.body)).toMatchObject({ type: 'svix.ping', data: { success: true } });
    expect(receiver.received.map(({ path }) => path)).toEqual(['/postack', '/postack']);
  });

  test('verify with the old and the new secret during a rotation, and with the new one alone after it', async () => {
    const { endpoint } = app.svix;
    const { id } = await endpoint.create(app.appId, { url: URL_1 });
    const old = await keyOf(id);
    await endpoint.rotateSecret(app.appId, id);
    const current = await keyOf(id);
    await endpoint.sendExample(app.appId, id, { eventType: 'message.sent' });
    const [during] = await receiver.waitFor(1);
    for (const key of [old, current]) {
      expect(new Webhook(key).verify(during!.body, during!.headers)).toMatchObject({ type: 'message.sent' });
    }

    await endpoint.rotateSecret(app.appId, id, { key: SECRET, gracePeriodSeconds: 0 });
    await endpoint.sendExample(app.appId, id, { eventType: 'message.sent' });
    const [, after] = await receiver.waitFor(2);
    expect(new Webhook(SECRET).verify(after!.body, after!.headers)).toMatchObject({ type: 'message.sent' });
    for (const key of [old, current]) {
      expect(() => new Webhook(key).verify(after!.body, after!.headers)).toThrow('No matching signature');
    }
  });

  test('go by what the endpoint takes: event types, channels, disabled', async () => {
    const { endpoint } = app.svix;
    const { id } = await endpoint.create(app.appId, {
      url: URL_1,
      filterTypes: ['message.received'],
      channels: ['a'],
    });
    await endpoint.create(app.appId, { url: `${URL_1}/disabled`, disabled: true });
    const emit = (type: string, channels: string[]) =>
      system.ask('POST', `/v1/accounts/${app.accountId}/events`, { type, data: {}, channels });
    const counts = [
      (await emit('message.received', ['a'])).body.deliveries.length,
      (await emit('message.received', ['b'])).body.deliveries.length,
      (await emit('message.sent', ['a'])).body.deliveries.length,
    ];
    expect(counts).toEqual([1, 0, 0]);
    const [request] = await receiver.waitFor(1);
    expect(new Webhook(await keyOf(id)).verify(request!.body, request!.headers)).toMatchObject({
      type: 'message.received',
    });
  });
});
