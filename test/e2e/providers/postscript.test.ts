/** Postscript's own API for webhook subscriptions, asked as its documentation says, and what its receivers then get. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { startApi, startApiWithDatabase, type ApiResponse, type Ask } from '../../support/api.js';
import { objectsOf } from '../../support/json-values.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { startSystem, type TestSystem } from '../../support/system.js';

type Api = Awaited<ReturnType<typeof startApiWithDatabase>>;

interface Shop {
  readonly accountId: string;
  readonly shopId: string;
  readonly key: string;
  /** Asks Postscript's API as this shop. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiResponse>;
}

const ROOT = '/api/v2/webhooks';
const URL_1 = 'https://hooks.example.test/postscript';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UNKNOWN_ID = 'a47606a1-5b39-4a81-9480-c2cb738ff675';
const SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

async function newShop(ask: Ask, settings: object = {}): Promise<Shop> {
  const { body, status } = await ask('POST', '/v1/accounts', { provider: 'postscript', name: 'Shop', settings });
  expect(status).toBe(201);
  const authorization = `Bearer ${body.apiKey}`;
  return {
    accountId: body.id,
    shopId: body.scope.shopId,
    key: body.apiKey,
    ask: (method, path, sent, headers) => ask(method, `${ROOT}${path}`, sent, { authorization, ...headers }),
  };
}

async function subscribe(shop: Shop, fields: object = {}): Promise<Record<string, string>> {
  const { status, body } = await shop.ask('POST', '', { callback_url: URL_1, event: 'shop.test', ...fields });
  expect(status).toBe(200);
  return body;
}

describe('the API', () => {
  let api: Api;
  let shop: Shop;

  beforeAll(async () => {
    api = await startApiWithDatabase({ maxBodyBytes: 20_000, allowHttp: true });
  });
  afterAll(() => api.close());
  beforeEach(async () => {
    shop = await newShop(api.ask);
  });

  test('creates a subscription with the documented keys and nothing else', async () => {
    const { status, body, headers } = await shop.ask('POST', '', {
      callback_url: URL_1,
      event: 'shop.incoming_message',
      headers: { 'X-Team': 'a' },
    });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(Object.keys(body)).toEqual(['callback_url', 'created_at', 'event', 'headers', 'id', 'updated_at']);
    expect(body).toEqual({
      callback_url: URL_1,
      created_at: expect.stringMatching(SECONDS),
      event: 'shop.incoming_message',
      headers: { 'X-Team': 'a' },
      id: expect.stringMatching(UUID),
      updated_at: expect.stringMatching(SECONDS),
    });
    expect((await shop.ask('GET', `/${body.id}`)).body).toEqual(body);
  });

  test.each(['shop.test', 'shop.incoming_message', 'shop.subscriber.opt_in', 'shop.subscriber.opt_out'])(
    'takes the event %s; without headers there are none',
    async (event) => {
      expect(await subscribe(shop, { event })).toMatchObject({ event, headers: {} });
    },
  );

  test.each(['shop.shop.email_collected', 'shop.email_collected'])('takes the spelling %s', async (event) => {
    const { id } = await subscribe(shop, { event });
    expect((await shop.ask('GET', `/${id}`)).body).toMatchObject({ event });
    const example = await shop.ask('GET', `/example?event=${event}`);
    expect(example.body).toMatchObject({ event: 'shop.email_collected' });
    expect((await shop.ask('POST', '/test', { event })).status).toBe(202);
  });

  test('lists all subscriptions in one page', async () => {
    expect((await shop.ask('GET', '')).body).toEqual({ webhook_subscriptions: [] });
    const first = await subscribe(shop);
    const second = await subscribe(shop);
    const { status, body } = await shop.ask('GET', '/');
    expect(status).toBe(200);
    expect(body).toEqual({ webhook_subscriptions: [first, second] });
  });

  test('edits the address and the headers, each alone, and never the event', async () => {
    const { id } = await subscribe(shop, { event: 'shop.incoming_message', headers: { 'X-A': '1', 'X-B': '2' } });
    const moved = await shop.ask('PATCH', `/${id}`, { callback_url: `${URL_1}/2` });
    expect(moved.status).toBe(200);
    expect(moved.body).toMatchObject({ id, callback_url: `${URL_1}/2`, headers: { 'X-A': '1', 'X-B': '2' } });
    const marked = await shop.ask('PATCH', `/${id}`, { headers: { 'X-C': '3' } });
    expect(marked.body).toMatchObject({ callback_url: `${URL_1}/2`, headers: { 'X-C': '3' } });

    const changed = await shop.ask('PATCH', `/${id}`, { event: 'shop.test' });
    expect([changed.status, changed.body]).toEqual([400, {}]);
    const { body: read } = await shop.ask('GET', `/${id}`);
    expect(read).toMatchObject({ event: 'shop.incoming_message' });
    // A program may send back what it has read.
    expect((await shop.ask('PATCH', `/${id}`, read)).status).toBe(200);
  });

  test('deletes a subscription', async () => {
    const { id } = await subscribe(shop);
    const deleted = await shop.ask('DELETE', `/${id}`);
    expect([deleted.status, deleted.text]).toEqual([200, '{}']);
    for (const method of ['GET', 'DELETE']) {
      const { status, text } = await shop.ask(method, `/${id}`);
      expect([status, text]).toEqual([400, '{}']);
    }
    expect((await shop.ask('GET', '')).body).toEqual({ webhook_subscriptions: [] });
  });

  test('names the own shop throughout an example and a test event', async () => {
    const example = (await shop.ask('GET', '/example?event=shop.incoming_message')).body;
    expect([example.resource_id, example.event_data.shop_id]).toEqual([shop.shopId, shop.shopId]);
    await subscribe(shop, { event: 'shop.email_collected' });
    await shop.ask('POST', '/test', { event: 'shop.email_collected' });
    const { rows } = await api.database.store.pool.query('SELECT data FROM events WHERE account_id = $1', [
      shop.accountId,
    ]);
    expect(JSON.stringify(rows)).toContain(shop.shopId);
    expect(JSON.stringify(rows)).not.toContain('shop_7654321dcba');
  });

  test('responds a creation with a token of the subscription when the account has tokens for each', async () => {
    const own = await newShop(api.ask, { tokenPer: 'subscription' });
    const [first, second] = [await subscribe(own), await subscribe(own)];
    expect(first.token).toMatch(/^[\w-]{43}$/);
    expect(second.token).not.toBe(first.token);
    expect((await own.ask('GET', '/token')).body.token).not.toBe(first.token);
    expect(await own.ask('GET', `/${first.id}`)).toMatchObject({
      status: 200,
      body: expect.not.objectContaining({ token: first.token }),
    });
    const { data } = (await api.ask('GET', `/v1/accounts/${own.accountId}/subscriptions`)).body;
    const { id } = data.find(({ reference }: { reference: string }) => reference === first.id);
    expect((await api.ask('GET', `/v1/subscriptions/${id}/secret`)).body).toEqual({ secret: first.token });
  });

  test('has a token from the first subscription on, one for the shop', async () => {
    const early = await shop.ask('GET', '/token');
    expect([early.status, early.text]).toEqual([400, '{}']);
    const { id } = await subscribe(shop);
    const { status, body } = await shop.ask('GET', '/token');
    expect(status).toBe(200);
    expect(body).toEqual({ token: expect.stringMatching(/^[\w-]{43}$/) });
    await subscribe(shop, { event: 'shop.incoming_message' });
    await shop.ask('DELETE', `/${id}`);
    expect((await shop.ask('GET', '/token')).body).toEqual(body);
    await shop.ask('DELETE', `/${(await shop.ask('GET', '')).body.webhook_subscriptions[0].id}`);
    expect((await shop.ask('GET', '/token')).body).toEqual(body);
  });

  test('shows what an event looks like', async () => {
    const { status, body } = await shop.ask('GET', '/example?event=shop.incoming_message');
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      'webhook_id',
      'resource_type',
      'resource_id',
      'event_time',
      'event',
      'event_data',
    ]);
    expect(body).toMatchObject({
      webhook_id: expect.stringMatching(UUID),
      resource_type: 'shop',
      resource_id: shop.shopId,
      event_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/),
      event: 'shop.incoming_message',
      event_data: { id: expect.stringMatching(/^im_/), is_opt_out: false, shopify_customer_id: null },
    });
  });

  describe('knows a caller by', () => {
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await api.ask('GET', ROOT, undefined, headers)).status;
    const basic = (credentials: string) => ({ authorization: `Basic ${Buffer.from(credentials).toString('base64')}` });

    test('the private key of the shop', async () => {
      expect(await statusWith({ authorization: `Bearer ${shop.key}` })).toBe(200);
      expect(await statusWith({ authorization: `bearer ${shop.key}` })).toBe(200);
    });

    test('the same key in the older way', async () => {
      expect(await statusWith(basic(`${shop.key}:`))).toBe(200);
      expect(await statusWith(basic(`${shop.key}:password`))).toBe(401);
      expect(await statusWith(basic(shop.key))).toBe(401);
    });

    test("a partner's key with the shop's beside it", async () => {
      const partner = { authorization: 'Bearer sk_partner_0123456789' };
      expect(await statusWith({ ...partner, 'x-postscript-shop-token': shop.key })).toBe(200);
      expect(await statusWith(partner)).toBe(401);
      expect(await statusWith({ ...partner, 'x-postscript-shop-token': `${shop.key}x` })).toBe(401);
      expect(await statusWith({ ...partner, 'x-postscript-shop-token': 'sk_partner_0123456789' })).toBe(401);
      const unknown = { authorization: 'Bearer sk_unknown', 'x-postscript-shop-token': shop.key };
      expect(await statusWith(unknown)).toBe(401);
    });

    test('nothing else', async () => {
      const { body: other } = await api.ask('POST', '/v1/accounts', { provider: 'postack', name: 'Other' });
      for (const authorization of [
        '',
        'Bearer',
        'Bearer sk_unknown',
        `Bearer ${shop.key.replace(/^sk_/, 'pk_')}`,
        `Bearer ${other.apiKey}`,
        `Token ${shop.key}`,
        shop.key,
        'Basic %%%',
      ]) {
        const { status, text, headers } = await api.ask('GET', ROOT, undefined, { authorization });
        expect([authorization, status, text]).toEqual([authorization, 401, '{}']);
        expect(headers.get('www-authenticate')).toBe('Bearer');
      }
    });

    test('a key only until it is revoked', async () => {
      const { body } = await api.ask('GET', `/v1/accounts/${shop.accountId}`);
      await api.ask('DELETE', `/v1/accounts/${shop.accountId}/keys/${body.keys[0].id}`);
      expect((await shop.ask('GET', '')).status).toBe(401);
    });
  });

  test('shows no shop the subscriptions of another', async () => {
    const other = await newShop(api.ask);
    const { id } = await subscribe(shop);
    for (const [method, body] of [['GET'], ['PATCH', { callback_url: URL_1 }], ['DELETE']] as const) {
      const foreign = await other.ask(method, `/${id}`, body);
      const unknown = await other.ask(method, `/${UNKNOWN_ID}`, body);
      expect([foreign.status, foreign.text]).toEqual([400, '{}']);
      expect([unknown.status, unknown.text]).toEqual([400, '{}']);
      expect(foreign.headers.get('pigeonpost-problem')).toBe(unknown.headers.get('pigeonpost-problem'));
    }
    expect((await other.ask('GET', '')).body).toEqual({ webhook_subscriptions: [] });
    expect((await other.ask('GET', '/token')).status).toBe(400);
    await subscribe(other);
    const tokens = await Promise.all([shop, other].map(async (one) => (await one.ask('GET', '/token')).body.token));
    expect(tokens[0]).not.toBe(tokens[1]);
    expect((await shop.ask('GET', `/${id}`)).status).toBe(200);
  });

  test('refuses what is wrong with a subscription with 400, an empty object, and the reason in a header', async () => {
    const good = { callback_url: URL_1, event: 'shop.test' };
    const wrong: [body: unknown, reason: RegExp][] = [
      [{ event: 'shop.test' }, /callback_url/],
      [{ callback_url: URL_1 }, /event: /],
      [{ ...good, callback_url: 'http://hooks.example.test' }, /https:\/\//],
      [{ ...good, callback_url: 'hooks.example.test' }, /callback_url/],
      [{ ...good, callback_url: 'https://kim:secret@hooks.example.test' }, /password/],
      [{ ...good, callback_url: 'https://10.0.0.1/' }, /10\.0\.0\.1/],
      [{ ...good, callback_url: 7 }, /callback_url/],
      [{ ...good, callback_url: null }, /callback_url/],
      [{ ...good, event: 'shop.unknown' }, /shop\.unknown/],
      [{ ...good, event: 'sh\u00f6p.' }, /sh\?p/],
      [{ ...good, event: null }, /event: /],
      [{ ...good, event: ['shop.test'] }, /event: /],
      [{ ...good, headers: ['X-A'] }, /headers/],
      [{ ...good, headers: null }, /headers/],
      [{ ...good, headers: { 'X-A': 1 } }, /headers/],
      [{ ...good, headers: { 'X A': '1' } }, /X A/],
      [{ ...good, headers: { 'Postscript-Signature': '1' } }, /Postscript-Signature/],
      [{ ...good, headers: { 'Content-Length': '1' } }, /Content-Length/],
      [[], /object/],
      ['null', /object/],
      ['"text"', /object/],
      ['7', /object/],
      ['{"callback_url":', /JSON/],
      [`{"event":"shop.test","event":"shop.test"}`, /twice/],
      [`${JSON.stringify(good).slice(0, -1)},"headers":{"X-A":"1","X-A":"2"}}`, /twice/],
      ['['.repeat(5_000) + ']'.repeat(5_000), /deep/],
      [undefined, /object/],
    ];
    const { id } = await subscribe(shop);
    for (const [body, reason] of wrong) {
      const { status, text, headers } = await shop.ask('POST', '', body);
      expect([body, status, text]).toEqual([body, 400, '{}']);
      expect(headers.get('pigeonpost-problem')).toMatch(reason);
      const isNoEdit = typeof body !== 'object' || Array.isArray(body);
      if (isNoEdit) expect((await shop.ask('PATCH', `/${id}`, body)).status).toBe(400);
    }
    for (const body of [{ callback_url: null }, { callback_url: 'http://a.test' }, { headers: 7 }, { event: {} }]) {
      const { status, text } = await shop.ask('PATCH', `/${id}`, body);
      expect([body, status, text]).toEqual([body, 400, '{}']);
    }
    expect((await shop.ask('GET', '')).body.webhook_subscriptions).toHaveLength(1);
  });

  test('ignores fields that Postscript does not have', async () => {
    const created = await subscribe(shop, { description: 'mine', enabled: false, id: UNKNOWN_ID });
    expect(Object.keys(created)).toHaveLength(6);
    expect(created.id).not.toBe(UNKNOWN_ID);
  });

  test('takes any id without stumbling', async () => {
    for (const id of ['x', '%00', '%F0%9F%98%80', UNKNOWN_ID.toUpperCase(), "'; --", 'a'.repeat(5_000)]) {
      const { status, text } = await shop.ask('GET', `/${id}`);
      expect([id, status, text]).toEqual([id, 400, '{}']);
    }
    expect((await shop.ask('GET', '/%E0%A4%A')).status).toBe(400);
  });

  test('refuses examples of events that there are not', async () => {
    for (const query of ['', '?event=', '?event=shop.unknown', '?event=shop.test&event=shop.test']) {
      const { status, text } = await shop.ask('GET', `/example${query}`);
      expect([query, status, text]).toEqual([query, 400, '{}']);
    }
  });

  test('refuses tests with the published keys', async () => {
    const error = (log: string, msg: string, type: string, ctx: object = {}) => ({
      errors: [{ ctx, log: [log], msg, type }],
    });
    const names = [
      'shop.test',
      'shop.incoming_message',
      'shop.subscriber.opt_in',
      'shop.subscriber.opt_out',
      'shop.email_collected',
    ];
    const permitted = names.map((name) => `'${name}'`).join(', ');
    const wrong: [body: unknown, response: object][] = [
      [{}, error('event', 'field required', 'value_error.missing')],
      [{ event: 7 }, error('event', 'str type expected', 'type_error.str')],
      [{ event: null }, error('event', 'str type expected', 'type_error.str')],
      [
        { event: 'shop.unknown' },
        error('event', `value is not a valid enumeration member; permitted: ${permitted}`, 'type_error.enum', {
          enum_values: names,
        }),
      ],
      [[], error('__root__', 'value is not a valid dict', 'type_error.dict')],
      [undefined, error('__root__', 'value is not a valid dict', 'type_error.dict')],
      ['{', error('__root__', expect.stringContaining('JSON'), 'value_error.jsondecode')],
    ];
    for (const [body, response] of wrong) {
      const { status, body: responded } = await shop.ask('POST', '/test', body);
      expect([body, status, responded]).toEqual([body, 400, response]);
    }
  });

  test('responses what is too large or of another type, and operations that there are not, with an empty object', async () => {
    const large = await shop.ask('POST', '', { callback_url: URL_1, event: 'x'.repeat(30_000) });
    expect([large.status, large.text]).toEqual([413, '{}']);
    const form = await shop.ask('POST', '', 'event=shop.test', { 'content-type': 'application/x-www-form-urlencoded' });
    expect([form.status, form.text]).toEqual([415, '{}']);
    for (const [method, path] of [
      ['PUT', `/${UNKNOWN_ID}`],
      ['DELETE', ''],
      ['GET', '/a/b'],
    ] as const) {
      const { status, text } = await shop.ask(method, path);
      expect([method, status, text]).toEqual([method, 404, '{}']);
    }
  });

  test('limits shops that want it to 15 requests a second', async () => {
    const limited = await newShop(api.ask, { enforceRateLimit: true });
    const responses = await Promise.all(Array.from({ length: 20 }, () => limited.ask('GET', '')));
    const refused = responses.filter(({ status }) => status === 429);
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(15);
    expect(refused).toHaveLength(5);
    expect(refused[0]!.body).toEqual({ error_code: 3002, error_message: 'Rate limit exceeded', success: false });
    expect(refused[0]!.headers.get('retry-after')).toBeNull();
    // A partner on behalf of the shop is counted for itself, and so is every other shop.
    const partner = { authorization: 'Bearer sk_partner_1', 'x-postscript-shop-token': limited.key };
    expect((await limited.ask('GET', '', undefined, partner)).status).toBe(200);
    const free = await Promise.all(Array.from({ length: 20 }, () => shop.ask('GET', '')));
    expect(free.every(({ status }) => status === 200)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await limited.ask('GET', '')).status).toBe(200);
  });

  test('responds to any body as documented', async () => {
    const { id } = await subscribe(shop);
    const requests = fc.constantFrom(['POST', ''], ['PATCH', `/${id}`], ['POST', '/test']);
    const bodies = objectsOf('callback_url', 'event', 'headers');
    await fc.assert(
      fc.asyncProperty(requests, bodies, async ([method, path], body) => {
        const valid = { callback_url: URL_1, event: 'shop.test' };
        const sent = typeof body === 'object' && !Array.isArray(body) ? { ...valid, ...body } : body;
        const { status, text } = await shop.ask(method, path, JSON.stringify(sent));
        expect([200, 202, 400]).toContain(status);
        if (status === 400) expect(text).toMatch(path === '/test' ? /^\{"errors":\[\{"ctx":/ : /^\{\}$/);
      }),
      { numRuns: 300 },
    );
    expect((await shop.ask('GET', '')).status).toBe(200);
  });

  test('responses failures of its own with an empty object', async () => {
    for (const [code, status] of [
      ['ECONNREFUSED', 503],
      ['XX000', 500],
    ] as const) {
      const { box } = api.database.store;
      const pool = { query: () => Promise.reject(Object.assign(new Error('secret detail'), { code })) };
      const broken = await startApi({ store: { pool: pool as never, box } });
      const response = await broken.ask('GET', ROOT, undefined, { authorization: `Bearer ${shop.key}` });
      expect([response.status, response.text]).toEqual([status, '{}']);
      expect(response.headers.get('pigeonpost-problem')).not.toContain('secret detail');
      await broken.close();
    }
  });
});

describe('deliveries', () => {
  let system: TestSystem;
  let receiver: Receiver;
  let shop: Shop;

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
    shop = await newShop(system.ask);
  });

  test('of a test contain the token and the custom headers, to the subscriptions of that event', async () => {
    const { id } = await subscribe(shop, {
      event: 'shop.incoming_message',
      headers: { 'X-Team': 'a', 'x-key': 'b c' },
    });
    await subscribe(shop, { event: 'shop.test', callback_url: `${URL_1}/other` });
    await subscribe(await newShop(system.ask), { event: 'shop.incoming_message', callback_url: `${URL_1}/foreign` });
    const { status, text } = await shop.ask('POST', '/test', { event: 'shop.incoming_message' });
    expect([status, text]).toEqual([202, '{"message":"OK"}']);

    const [request] = await receiver.waitFor(1);
    const { token } = (await shop.ask('GET', '/token')).body;
    expect(request).toMatchObject({ method: 'POST', path: '/postscript' });
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'postscript-signature': token,
      'x-team': 'a',
      'x-key': 'b c',
    });
    expect(JSON.parse(request!.body)).toMatchObject({
      webhook_id: id,
      resource_type: 'shop',
      resource_id: shop.shopId,
      event: 'shop.incoming_message',
      event_data: { body: 'Is it in stock?' },
    });
    const { body: deliveries } = await system.ask('GET', `/v1/deliveries?accountId=${shop.accountId}`);
    expect(deliveries.data).toHaveLength(1);
    await system.settled(deliveries.data[0].id, 'delivered');
    expect(receiver.received).toHaveLength(1);
  });

  test('of the event with two spellings come under the one that is not the enumeration’s', async () => {
    await subscribe(shop, { event: 'shop.shop.email_collected', callback_url: `${URL_1}/long` });
    await subscribe(shop, { event: 'shop.email_collected', callback_url: `${URL_1}/short` });
    expect((await shop.ask('POST', '/test', { event: 'shop.shop.email_collected' })).status).toBe(202);
    const received = await receiver.waitFor(2);
    expect(received.map(({ path }) => path).sort()).toEqual(['/postscript/long', '/postscript/short']);
    for (const { body } of received) expect(JSON.parse(body)).toMatchObject({ event: 'shop.email_collected' });
  });

  test('go to the address and with the headers of the last edit', async () => {
    const { id } = await subscribe(shop, { headers: { 'X-Old': '1' } });
    await shop.ask('PATCH', `/${id}`, { callback_url: `${URL_1}/new`, headers: { 'X-New': '2' } });
    await shop.ask('POST', '/test', { event: 'shop.test' });
    const [request] = await receiver.waitFor(1);
    expect(request!.path).toBe('/postscript/new');
    expect(request!.headers).toMatchObject({ 'x-new': '2' });
    expect(request!.headers).not.toHaveProperty('x-old');
  });
});
