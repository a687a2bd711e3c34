/** Subscriptions over the API, on a real PostgreSQL. */
import { contractOf } from '../../../../src/providers/registry.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import {
  dump,
  emitted,
  expectStatus,
  messages,
  newAccount,
  newSubscription,
  OTHER_SECRET,
  OWN_SECRET,
  paths,
  plainSubscription,
  sampleOf,
  samples,
  stored,
  unknownIds,
} from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const post = (accountId: string, body: unknown) => api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, body);
const get = (id: string) => api.ask('GET', `/v1/subscriptions/${id}`);
const patch = (id: string, body: unknown) => api.ask('PATCH', `/v1/subscriptions/${id}`, body);
const hidden = { 'X-Token': '***', authorization: '***' };

describe.each(samples)('a subscription of $provider', (sample) => {
  const { provider, reference, subscription: full, shown, secrets } = sample;
  const withSecret = contractOf(provider).subscriptions.signingSecret !== undefined;

  test('is created with every field it may have and shown without its secrets', async () => {
    const account = await newAccount(api.ask, provider);
    const created = await newSubscription(api.ask, account.id, provider);
    expect(created).toMatchObject({
      id: expect.stringMatching(/^sub_[0-9a-z]{26}$/),
      reference: expect.stringMatching(reference),
      accountId: account.id,
      provider,
      url: full.url,
      eventTypes: full.eventTypes,
      description: full.description,
      enabled: true,
      disabledReason: null,
      headers: hidden,
      ...shown,
    });
    const { secret, ...rest } = created;
    expect(typeof secret).toBe(withSecret ? 'string' : 'undefined');
    if (sample.signingSecret) expect(secret).toBe(sample.signingSecret);
    const { body } = expectStatus(await get(created.id), 200);
    expect(body).toMatchObject(rest);
    expect(body).not.toHaveProperty('secret');
    const list = expectStatus(await api.ask('GET', `/v1/accounts/${account.id}/subscriptions`), 200);
    expect(list.body).toMatchObject({ data: [rest], nextCursor: null });
    expect(list.body.data[0]).not.toHaveProperty('secret');
  });

  test('is created with no more than the least it needs', async () => {
    const account = await newAccount(api.ask, provider);
    const { body } = expectStatus(await post(account.id, plainSubscription(provider)), 201);
    expect(body).toMatchObject({ description: null, enabled: true, headers: {} });
    if (sample.rotates && provider !== 'bird') expect(body.secret).toMatch(/^whsec_[0-9A-Za-z+/]{32}$/);
  });

  test('has no secret, password or header value in its rows, its list or any response but the one about the secret', async () => {
    const account = await newAccount(api.ask, provider);
    const { id, secret } = await newSubscription(api.ask, account.id, provider);
    const rows = await dump(api.database, 'subscriptions', 'accounts', 'api_keys');
    const responses = await Promise.all([
      get(id),
      api.ask('GET', `/v1/accounts/${account.id}/subscriptions`),
      patch(id, { description: 'other' }),
      api.ask('GET', `/v1/accounts/${account.id}`),
      post(account.id, { ...plainSubscription(provider), headers: full.headers }),
    ]);
    for (const each of [...secrets, ...(secret === undefined ? [] : [secret])]) {
      expect(rows).not.toContain(each);
      // What stands for the whole account is a new subscription's secret too.
      const quiet = provider === 'postscript' && each === secret ? responses.slice(0, -1) : responses;
      for (const { text } of quiet) expect(text).not.toContain(each);
    }
  });

  test('says what a receiver verifies with, where there is such a thing', async () => {
    const account = await newAccount(api.ask, provider);
    const { id, secret } = await newSubscription(api.ask, account.id, provider);
    const response = await api.ask('GET', `/v1/subscriptions/${id}/secret`);
    if (withSecret) expect(expectStatus(response, 200).body).toEqual({ secret });
    else expect([response.status, response.body.code]).toEqual([404, 'not_found']);
  });

  test('keeps on an edit whatever the edit does not name', async () => {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    const before = await stored(api.database, id);
    expectStatus(await patch(id, {}), 200);
    expect(await stored(api.database, id)).toEqual(before);
    const changed = expectStatus(await patch(id, { description: 'other' }), 200).body;
    expect(changed).toMatchObject({ description: 'other', headers: hidden, ...shown });
    expect(changed.secret).toBeUndefined();
    expect(await stored(api.database, id)).toEqual({ ...before, description: 'other' });
    expectStatus(await patch(id, { description: null, enabled: false }), 200);
    expect(await stored(api.database, id)).toEqual({
      ...before,
      description: null,
      enabled: false,
      disabledAt: expect.any(Date),
    });
    expectStatus(await patch(id, { enabled: true, headers: { 'X-Other': '1' } }), 200);
    expect(await stored(api.database, id)).toEqual({ ...before, description: null, headers: { 'X-Other': '1' } });
  });

  test('stays as it was when it is written back as it was read', async () => {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    const before = await stored(api.database, id);
    const { body: read } = await get(id);
    const editable = Object.keys(full).filter((name) => name in read);
    const written = Object.fromEntries(editable.map((name) => [name, read[name]]));
    expect(written.headers).toEqual(hidden);
    expectStatus(await patch(id, written), 200);
    expect(await stored(api.database, id)).toEqual(before);
  });

  test('takes each of its own fields by itself in an edit, and leaves the others', async () => {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    const before = await stored(api.database, id);
    for (const [name, value] of Object.entries(full)) {
      // Credentials in an address are a part of it.
      if (name === 'url' && provider === 'postack') continue;
      expectStatus(await patch(id, { [name]: value }), 200);
      expect([name, await stored(api.database, id)]).toEqual([name, before]);
    }
  });

  test('takes another address', async () => {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    const url = 'https://other.example.com/hooks';
    // What is sent along must be named again for another origin.
    const { headers, httpAuth } = full;
    const { body } = expectStatus(await patch(id, { url, headers, httpAuth }), 200);
    expect(body).toMatchObject({ url, eventTypes: full.eventTypes });
    expect((await get(id)).body.url).toBe(url);
  });

  test('is deleted and then no longer there', async () => {
    const { subscription } = await emitted(api.ask, provider);
    const path = `/v1/subscriptions/${subscription.id}`;
    expect(expectStatus(await api.ask('DELETE', path), 204).text).toBe('');
    for (const [method, rest] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', '/secret'],
      ['POST', '/rotate-secret'],
      ['POST', '/test'],
    ] as const) {
      const response = await api.ask(method, path + rest, method === 'PATCH' ? {} : undefined);
      expect([method, rest, response.status]).toEqual([method, rest, 404]);
    }
    expect((await api.ask('GET', `/v1/accounts/${subscription.accountId}/subscriptions`)).body.data).toEqual([]);
    const { body } = await api.ask('GET', `/v1/deliveries?subscriptionId=${subscription.id}`);
    expect(body.data).toHaveLength(1);
  });

  test('sends a test event of its own type to itself only', async () => {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    await post(account.id, plainSubscription(provider));
    const { body } = expectStatus(await api.ask('POST', `/v1/subscriptions/${id}/test`), 202);
    expect(body).toEqual({
      id: expect.stringMatching(/^evt_/),
      type: sample.eventType,
      deliveries: [{ id: expect.stringMatching(/^dlv_/), subscriptionId: id, workflowId: expect.any(String) }],
    });
    const named = await api.ask('POST', `/v1/subscriptions/${id}/test`, { type: sample.eventType });
    expect(expectStatus(named, 202).body.type).toBe(sample.eventType);
    const wrong = await api.ask('POST', `/v1/subscriptions/${id}/test`, { type: 'no such event' });
    expect([wrong.status, paths(wrong)]).toEqual([422, ['type']]);
  });

  test('lists what is wrong with its fields by their paths', async () => {
    const account = await newAccount(api.ask, provider);
    const { url: _, ...withoutUrl } = full;
    const missing = await post(account.id, withoutUrl);
    expect([missing.status, paths(missing)]).toEqual([422, ['url']]);
    expect(messages(missing)).toMatch('is missing');
    for (const [fields, path] of [
      [{ url: 7 }, 'url'],
      [{ eventTypes: 'all' }, 'eventTypes'],
      [{ eventTypes: [7] }, 'eventTypes[0]'],
      [{ eventTypes: ['no such event'] }, 'eventTypes'],
      [{ description: 7 }, 'description'],
      [{ description: 'a\0b' }, 'description'],
      [{ description: 'a\ud83d' }, 'description'],
      [{ enabled: 'no' }, 'enabled'],
      [{ headers: { 'X-A': 7 } }, 'headers.X-A'],
      [{ headers: ['X-A'] }, 'headers'],
      [{ headers: { 'X-A': 'a\r\nX-B: c' } }, 'headers.X-A'],
      [{ headers: { 'X-A\r\n': 'c' } }, 'headers.X-A\r\n'],
      [{ headers: { Host: 'example.com' } }, 'headers.Host'],
      [{ headers: { 'Content-Length': '1' } }, 'headers.Content-Length'],
      [{ headers: { 'transfer-encoding': 'chunked' } }, 'headers.transfer-encoding'],
      [{ headers: { 'X-A': '1', 'x-a': '2' } }, 'headers.x-a'],
      [{ colour: 'red' }, 'colour'],
      [{ event_types: [] }, 'event_types'],
    ] as const) {
      const created = await post(account.id, { ...full, ...fields });
      expect([fields, created.status, paths(created)]).toEqual([fields, 422, [path]]);
      expect(messages(created)).not.toMatch('undefined');
    }
    expect((await api.ask('GET', `/v1/accounts/${account.id}/subscriptions`)).body.data).toEqual([]);
  });

  test('refuses in an edit what it refuses at first, and stays as it was', async () => {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    const before = await stored(api.database, id);
    for (const [fields, path] of [
      [{ url: 'hooks.example.com' }, 'url'],
      [{ url: null }, 'url'],
      [{ eventTypes: ['no such event'] }, 'eventTypes'],
      [{ headers: { Host: 'example.com' } }, 'headers.Host'],
      [{ description: 'a\0b' }, 'description'],
      [{ colour: 'red' }, 'colour'],
      [{ id: 'sub_1' }, 'id'],
      [{ reference: 'mine' }, 'reference'],
    ] as const) {
      const response = await patch(id, { ...fields, enabled: false });
      expect([fields, response.status, paths(response)]).toEqual([fields, 422, [path]]);
    }
    expect(await stored(api.database, id)).toEqual(before);
  });

  test('may not set the headers of its contract', async () => {
    const account = await newAccount(api.ask, provider);
    for (const name of contractOf(provider).subscriptions.reservedHeaders) {
      const response = await post(account.id, { ...full, headers: { [name.toUpperCase()]: '1' } });
      expect([name, response.status, paths(response)]).toEqual([name, 422, [`headers.${name.toUpperCase()}`]]);
    }
  });

  test.each([
    ['a NUL', '\0'],
    ['half a character', '\ud83d'],
  ])('refuses %s in each of its own texts', async (_what, text) => {
    const account = await newAccount(api.ask, provider);
    const places = textsIn(full);
    expect(places.length).toBeGreaterThan(2);
    for (const { path, body } of places.map((place) => place(text))) {
      const response = await post(account.id, body);
      expect([path, response.status, paths(response)]).toEqual([path, 422, [path]]);
    }
  });
});

/** For every text in a body, what makes the same body with something added to that text. */
function textsIn(body: Record<string, unknown>): ((added: string) => { path: string; body: unknown })[] {
  const found: string[] = [];
  walk(body, '', (path) => void found.push(path));
  return found.map((path) => (added) => ({
    path,
    body: walk(body, '', (at, text) => (at === path ? text + added : text)),
  }));
}

function walk(value: unknown, path: string, visit: (path: string, text: string) => unknown): unknown {
  if (typeof value === 'string') return visit(path, value);
  if (Array.isArray(value)) return value.map((item, index) => walk(item, `${path}[${index}]`, visit));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, walk(member, path === '' ? key : `${path}.${key}`, visit)]),
  );
}

describe('own fields', () => {
  test.each<[string, Record<string, unknown>, string, RegExp]>([
    ['standard', { secret: 'hunter2' }, 'secret', /whsec_/],
    ['standard', { secret: 'whsec_c2hvcnQ=' }, 'secret', /24/],
    ['standard', { secret: 7 }, 'secret', /string/],
    ['standard', { channels: Array.from({ length: 11 }, (_, n) => `c${n}`) }, 'channels', /10/],
    ['standard', { channels: [''] }, 'channels[0]', /1/],
    ['postack', { secret: 'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=' }, 'secret', /whsec_/],
    ['postack', { channels: ['a b'] }, 'channels[0]', /./],
    ['postpress', { source: undefined }, 'source', /is missing/],
    ['postpress', { source: 'fax' }, 'source', /messaging/],
    ['postpress', { source: 'users' }, 'eventTypes', /users/],
    ['postpress', { format: 'xml' }, 'format', /json/],
    ['postpress', { data: [{ name: 'a', key: 'message', more: 1 }] }, 'data[0].more', /not a known field/],
    ['postpress', { data: [{ name: 'a' }] }, 'data[0].key', /is missing/],
    ['postmark', { httpAuth: { username: 'kim' } }, 'httpAuth.password', /is missing/],
    ['postmark', { httpAuth: { username: 'k:m', password: '' } }, 'httpAuth.username', /colon/],
    ['postmark', { includeContent: 'yes' }, 'includeContent', /boolean.*object/s],
    ['postmark', { includeContent: { spam: true } }, 'includeContent.spam', /not a known field/],
    ['postmark', { includeContent: { bounce: 1 } }, 'includeContent.bounce', /boolean/],
    ['postmark', { eventTypes: ['Inbound', 'Open'] }, 'eventTypes', /Inbound/],
    ['bird', { service: undefined }, 'service', /is missing/],
    ['bird', { service: 'fax' }, 'service', /channels/],
    ['bird', { service: 'numbers' }, 'eventTypes', /numbers/],
    ['bird', { eventFilters: [{ key: 'colour', value: 'red' }] }, 'eventFilters[0].key', /messageStatus/],
    ['bird', { eventTypes: ['sms.inbound', 'sms.outbound'] }, 'eventTypes', /one/],
    ['bird', { signingKey: '' }, 'signingKey', /1/],
    ['postscript', { eventTypes: [] }, 'eventTypes', /one/],
    ['postscript', { secret: OWN_SECRET }, 'secret', /not a known field/],
  ])('%s: %j is refused by its path', async (provider, fields, path, message) => {
    const account = await newAccount(api.ask, provider);
    const response = await post(account.id, { ...sampleOf(provider).subscription, ...fields });
    expect([response.status, paths(response)]).toEqual([422, [path]]);
    expect(messages(response)).toMatch(message);
  });

  test('several wrong fields are named together', async () => {
    const account = await newAccount(api.ask, 'bird');
    const response = await post(account.id, { url: 1, eventTypes: 'x', service: 'fax', colour: 'red' });
    expect(response.status).toBe(422);
    expect(paths(response)).toEqual(['url', 'eventTypes']);
    const own = await post(account.id, { ...plainSubscription('bird'), service: 'fax', colour: 'red', size: 1 });
    expect(paths(own)).toEqual(['service', 'colour', 'size']);
  });

  test('a __proto__ among the fields or headers is refused', async () => {
    const account = await newAccount(api.ask, 'standard');
    for (const [body, path] of [
      ['{"url":"https://hooks.example.com","eventTypes":[],"__proto__":{"enabled":false}}', '__proto__'],
      ['{"url":"https://hooks.example.com","eventTypes":[],"headers":{"__proto__":"x"}}', 'headers.__proto__'],
    ] as const) {
      const response = await post(account.id, body);
      expect([response.status, paths(response)]).toEqual([422, [path]]);
    }
    expect(({} as { enabled?: unknown }).enabled).toBeUndefined();
  });

  test('headers named after the prototype’s own members are headers like any other', async () => {
    const account = await newAccount(api.ask, 'standard');
    const body = '{"url":"https://hooks.example.com","eventTypes":[],"headers":{"constructor":"1","toString":"2"}}';
    const { id } = expectStatus(await post(account.id, body), 201).body;
    expect((await stored(api.database, id))?.headers).toEqual({ constructor: '1', toString: '2' });
  });

  test('a masked value keeps what is stored under its name, and beside it others change', async () => {
    const account = await newAccount(api.ask, 'postmark');
    const { body } = await post(account.id, {
      ...plainSubscription('postmark'),
      headers: { 'X-Token': 'first', 'X-Team': 'a' },
      httpAuth: { username: 'kim', password: 'secret' },
    });
    const headers = { 'x-token': '***', 'X-Team': 'b' };
    expectStatus(await patch(body.id, { headers, httpAuth: { username: 'kim', password: '***' } }), 200);
    expect(await stored(api.database, body.id)).toMatchObject({
      headers: { 'x-token': 'first', 'X-Team': 'b' },
      secrets: { httpAuth: { username: 'kim', password: 'secret' } },
    });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['header of a new subscription', { headers: { 'X-Token': '***' } }, 'headers.X-Token'],
    ['password of a new subscription', { httpAuth: { username: 'kim', password: '***' } }, 'httpAuth'],
  ])('a masked %s is refused, as is one that an edit adds', async (_what, fields, path) => {
    const account = await newAccount(api.ask, 'postmark');
    const plain = plainSubscription('postmark');
    const created = expectStatus(await post(account.id, plain), 201).body;
    for (const response of [await post(account.id, { ...plain, ...fields }), await patch(created.id, fields)]) {
      expect([response.status, paths(response)]).toEqual([422, [path]]);
      expect(messages(response)).toMatch('none is stored; send the value');
    }
  });

  test('a masked password of another user is refused', async () => {
    const account = await newAccount(api.ask, 'postmark');
    const httpAuth = { username: 'kim', password: 'secret' };
    const { body } = await post(account.id, { ...plainSubscription('postmark'), httpAuth });
    const response = await patch(body.id, { httpAuth: { username: 'lee', password: '***' } });
    expect([response.status, paths(response)]).toEqual([422, ['httpAuth']]);
  });

  test('an event type that is named twice is kept once', async () => {
    const account = await newAccount(api.ask, 'standard');
    const { body } = await post(account.id, { url: 'https://hooks.example.com', eventTypes: ['a', 'b', 'a'] });
    expect(body.eventTypes).toEqual(['a', 'b']);
  });

  test('credentials in an address become secrets and leave the address', async () => {
    const account = await newAccount(api.ask, 'postmark');
    const fields = { url: 'https://kim:s3cret-4716@hooks.example.com/in', httpAuth: undefined };
    const created = await newSubscription(api.ask, account.id, 'postmark', fields);
    expect(created).toMatchObject({
      url: 'https://hooks.example.com/in',
      httpAuth: { username: 'kim', password: '***' },
    });
    expect(await dump(api.database, 'subscriptions')).not.toContain('s3cret-4716');
    expectStatus(await patch(created.id, { httpAuth: null }), 200);
    expect((await get(created.id)).body.httpAuth).toBeNull();
  });

  test('no more than fifty headers and no longer value than 4096 characters', async () => {
    const account = await newAccount(api.ask, 'standard');
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${n}`, 'v']));
    const body = { url: 'https://hooks.example.com', eventTypes: [] };
    expect((await post(account.id, { ...body, headers: many(50) })).status).toBe(201);
    expect((await post(account.id, { ...body, headers: many(51) })).status).toBe(422);
    expect((await post(account.id, { ...body, headers: { A: 'v'.repeat(4_096) } })).status).toBe(201);
    expect((await post(account.id, { ...body, headers: { A: 'v'.repeat(4_097) } })).status).toBe(422);
  });
});

describe('rotating secrets', () => {
  const rotate = (id: string, body?: unknown) => api.ask('POST', `/v1/subscriptions/${id}/rotate-secret`, body);

  test.each(samples.filter(({ rotates }) => rotates))('$provider makes a new one', async ({ provider }) => {
    const account = await newAccount(api.ask, provider);
    const { id, secret } = await newSubscription(api.ask, account.id, provider);
    const before = await stored(api.database, id);
    const { body } = expectStatus(await rotate(id), 200);
    expect(body.secret).not.toBe(secret);
    expect((await api.ask('GET', `/v1/subscriptions/${id}/secret`)).body).toEqual({ secret: body.secret });
    const hours = (Date.parse(body.overlapEndsAt) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThan(24.1);
    const { secrets: _, ...after } = (await stored(api.database, id))!;
    expect(before).toMatchObject(after);
    const rows = await dump(api.database, 'subscriptions');
    expect(rows).not.toContain(body.secret);
  });

  test.each(samples.filter(({ rotates }) => !rotates))('$provider has none to rotate', async ({ provider }) => {
    const account = await newAccount(api.ask, provider);
    const { id } = await newSubscription(api.ask, account.id, provider);
    const response = await rotate(id);
    expect([response.status, response.body.code]).toEqual([409, 'conflict']);
  });

  test('responds with 409 when ten former secrets are still valid', async () => {
    const account = await newAccount(api.ask, 'standard');
    const { id } = await newSubscription(api.ask, account.id, 'standard');
    for (let rotation = 1; rotation <= 10; rotation += 1) expectStatus(await rotate(id), 200);
    const response = expectStatus(await rotate(id), 409);
    expect(response.body.detail).toContain('the next one expires at');
    expectStatus(await rotate(id, { overlapHours: 0 }), 200);
  });

  test('an owner may bring the secret and choose the overlap', async () => {
    const account = await newAccount(api.ask, 'standard');
    const { id } = await newSubscription(api.ask, account.id, 'standard');
    const { body } = expectStatus(await rotate(id, { secret: OTHER_SECRET, overlapHours: 0 }), 200);
    expect(body.secret).toBe(OTHER_SECRET);
    expect((await stored(api.database, id))!.secrets).toEqual({ keys: [{ secret: OTHER_SECRET }] });
    expectStatus(await rotate(id, { overlapHours: 168 }), 200);
    const { keys } = (await stored(api.database, id))!.secrets as { keys: { secret: string; expiresAt?: string }[] };
    expect(keys.map(({ secret }) => secret)).toEqual([expect.stringMatching(/^whsec_/), OTHER_SECRET]);
  });

  test.each<[unknown, string]>([
    [{ secret: 'hunter2' }, 'secret'],
    [{ secret: 7 }, 'secret'],
    [{ overlapHours: -1 }, 'overlapHours'],
    [{ overlapHours: 169 }, 'overlapHours'],
    [{ overlapHours: '1' }, 'overlapHours'],
    ['{"overlapHours":1e999}', 'overlapHours'],
    [{ hours: 1 }, 'hours'],
  ])('%j is refused by its path', async (body, path) => {
    const account = await newAccount(api.ask, 'standard');
    const { id } = await newSubscription(api.ask, account.id, 'standard');
    const response = await rotate(id, body);
    expect([response.status, paths(response)]).toEqual([422, [path]]);
    expect((await stored(api.database, id))!.secrets).toEqual({ keys: [{ secret: OWN_SECRET }] });
  });

  test('an ed25519 secret gets a response with its public key only', async () => {
    const account = await newAccount(api.ask, 'standard');
    const fields = { secret: undefined, signature: 'v1a' };
    const { id, secret } = await newSubscription(api.ask, account.id, 'standard', fields);
    expect(secret).toMatch(/^whpk_/);
    expect(expectStatus(await rotate(id), 200).body.secret).toMatch(/^whpk_/);
  });
});

describe('addresses', () => {
  let strict: TestApi & { readonly database: TestDatabase };
  let accountId: string;
  beforeAll(async () => {
    strict = await startApiWithDatabase({ allowHttp: false, allowNetworks: [] });
    accountId = (await newAccount(strict.ask, 'standard')).id;
  });
  afterAll(() => strict.close());
  const register = (url: unknown) =>
    strict.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { url, eventTypes: [] });

  test.each([
    'https://hooks.example.com',
    'https://hooks.example.com:8443/in?x=1&y=%20',
    'https://HOOKS.example.com/Größe',
    'https://bücher.example/',
    'https://93.184.216.34/in',
    'https://[2606:2800:220:1:248:1893:25c8:1946]/',
    `https://hooks.example.com/${'x'.repeat(2_022)}`,
  ])('%s is taken and kept as it was given', async (url) => {
    const { body } = expectStatus(await register(url), 201);
    expect(body.url).toBe(url);
    expect((await strict.ask('GET', `/v1/subscriptions/${body.id}`)).body.url).toBe(url);
  });

  test.each<[string, RegExp]>([
    ['', /absolute/],
    ['hooks.example.com', /absolute|begin with/],
    ['/in', /absolute/],
    ['//hooks.example.com/in', /absolute/],
    ['https://', /absolute/],
    ['http://hooks.example.com/in', /https:\/\//],
    ['HTTP://hooks.example.com/in', /https:\/\//],
    ['ftp://hooks.example.com/in', /begin with/],
    ['file:///etc/passwd', /begin with/],
    ['javascript:alert(1)', /begin with/],
    ['data:text/plain,x', /begin with/],
    ['wss://hooks.example.com', /begin with/],
    ['https:hooks.example.com', /begin with/],
    ['https:/hooks.example.com', /begin with/],
    ['https:///hooks.example.com', /begin with/],
    ['https://hooks.example.com/in#part', /fragment/],
    ['https://hooks.example.com/in#', /fragment/],
    ['https://kim@hooks.example.com/in', /user or password/],
    ['https://kim:secret@hooks.example.com/in', /user or password/],
    ['https://:secret@hooks.example.com/in', /user or password/],
    ['https://hooks.example.com\\@127.0.0.1/', /backslash/],
    ['https:\\\\hooks.example.com', /backslash/],
    ['https://hooks.example.com/a b', /white space/],
    [' https://hooks.example.com/', /white space/],
    ['https://hooks.example.com/\n', /white space/],
    ['https://hooks.exam\tple.com/', /white space/],
    ['https://hooks.example.com/\0', /NUL|control/],
    ['https://hooks.example.com/\ud800', /surrogate/],
    ['https://hooks.example.com:99999/', /absolute/],
    [`https://hooks.example.com/${'x'.repeat(2_023)}`, /2048/],
    ['https://127.0.0.1/', /not a public address/],
    ['https://127.1/', /not a public address/],
    ['https://127.0.0.1./', /not a public address/],
    ['https://2130706433/', /not a public address/],
    ['https://0x7f000001/', /not a public address/],
    ['https://0x7f.0.0.1/', /not a public address/],
    ['https://0177.0.0.1/', /not a public address/],
    ['https://017700000001/', /not a public address/],
    ['https://127.0.0.1:8080/', /not a public address/],
    ['https://①②⑦.0.0.1/', /not a public address/],
    ['https://%31%32%37.0.0.1/', /not a public address/],
    ['https://0/', /not a public address/],
    ['https://0.0.0.0/', /not a public address/],
    ['https://10.1.2.3/', /not a public address/],
    ['https://172.16.0.1/', /not a public address/],
    ['https://192.168.1.1/', /not a public address/],
    ['https://169.254.169.254/latest/meta-data', /not a public address/],
    ['https://100.64.0.1/', /not a public address/],
    ['https://224.0.0.1/', /not a public address/],
    ['https://255.255.255.255/', /not a public address/],
    ['https://[::1]/', /not a public address/],
    ['https://[::]/', /not a public address/],
    ['https://[0:0:0:0:0:0:0:1]/', /not a public address/],
    ['https://[::ffff:127.0.0.1]/', /not a public address/],
    ['https://[::ffff:7f00:1]/', /not a public address/],
    ['https://[::127.0.0.1]/', /not a public address/],
    ['https://[64:ff9b::7f00:1]/', /not a public address/],
    ['https://[2002:7f00:1::]/', /not a public address/],
    ['https://[fe80::1]/', /not a public address/],
    ['https://[fc00::1]/', /not a public address/],
    ['https://[fd12:3456::1]/', /not a public address/],
    ['https://[ff02::1]/', /not a public address/],
  ])('%j is refused with advice', async (url, message) => {
    const response = await register(url);
    expect([response.status, paths(response)]).toEqual([422, ['url']]);
    expect(messages(response)).toMatch(message);
  });

  test('what the operator allows is taken', async () => {
    const account = await newAccount(api.ask, 'standard');
    for (const url of ['http://127.0.0.1:9/in', 'http://[::1]:9/in', 'http://hooks.example.com']) {
      expectStatus(await post(account.id, { url, eventTypes: [] }), 201);
    }
  });

  test.each(['postscript', 'postack', 'bird'])('%s takes no http even where it is allowed', async (provider) => {
    const account = await newAccount(api.ask, provider);
    const url = 'http://hooks.example.com/in';
    const response = await post(account.id, { ...plainSubscription(provider), url });
    expect([response.status, paths(response)]).toEqual([422, ['url']]);
    expect(messages(response)).toMatch('https');
  });
});

test('is enabled while Temporal is unavailable, and leaves reporting its deliveries to the sweep', async () => {
  const { subscription, deliveryId } = await emitted(api.ask, 'standard');
  expectStatus(await patch(subscription.id, { enabled: false }), 200);
  await api.database.store.pool.query(
    `UPDATE deliveries SET state = 'paused', state_reason = 'the subscription is disabled' WHERE id = $1`,
    [deliveryId],
  );
  expect(expectStatus(await patch(subscription.id, { enabled: true }), 200).body.enabled).toBe(true);
});

test('pages give every subscription of the account exactly once, the newest first', async () => {
  const account = await newAccount(api.ask, 'standard');
  const other = await newAccount(api.ask, 'standard');
  const made: string[] = [];
  for (let index = 0; index < 7; index += 1) {
    made.push((await newSubscription(api.ask, account.id, 'standard')).id);
    if (index % 3 === 0) await newSubscription(api.ask, other.id, 'standard');
  }
  const seen: string[] = [];
  let cursor = '';
  do {
    const { body } = await api.ask('GET', `/v1/accounts/${account.id}/subscriptions?limit=2${cursor}`);
    seen.push(...body.data.map(({ id }: { id: string }) => id));
    cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
  } while (cursor !== '');
  expect(seen).toEqual([...made].sort().reverse());
});

test('a test event of a subscription to all events is one that it would get', async () => {
  const account = await newAccount(api.ask, 'postpress');
  for (const [source, type] of [
    ['users', 'new_relation'],
    ['email_tracking', 'mail_opened'],
    ['calendar_event', 'calendar_event_created'],
  ]) {
    const body = { url: 'https://hooks.example.com', eventTypes: [], source };
    const { id } = expectStatus(await post(account.id, body), 201).body;
    expect(expectStatus(await api.ask('POST', `/v1/subscriptions/${id}/test`), 202).body.type).toBe(type);
  }
});

test('an account’s subscriptions cannot be had under an id that is none', async () => {
  for (const [method, path] of [
    ['GET', `/v1/accounts/${unknownIds.account}/subscriptions`],
    ['POST', `/v1/accounts/${unknownIds.account}/subscriptions`],
    ['GET', `/v1/subscriptions/${unknownIds.subscription}`],
    ['PATCH', `/v1/subscriptions/${unknownIds.subscription}`],
    ['DELETE', `/v1/subscriptions/${unknownIds.subscription}`],
    ['GET', `/v1/subscriptions/${unknownIds.subscription}/secret`],
    ['POST', `/v1/subscriptions/${unknownIds.subscription}/rotate-secret`],
    ['POST', `/v1/subscriptions/${unknownIds.subscription}/test`],
    ['GET', '/v1/subscriptions/%00'],
    ['DELETE', '/v1/subscriptions/%00'],
    ['GET', `/v1/subscriptions/${unknownIds.account}`],
  ] as const) {
    const body = method === 'POST' || method === 'PATCH' ? plainSubscription('standard') : undefined;
    const response = await api.ask(method, path, path.endsWith('/test') || path.endsWith('secret') ? undefined : body);
    expect([method, path, response.status, response.body.code]).toEqual([method, path, 404, 'not_found']);
  }
});

test('edits and rotations at the same time undo nothing of each other', async () => {
  const account = await newAccount(api.ask, 'standard');
  const { id } = await newSubscription(api.ask, account.id, 'standard');
  const path = `/v1/subscriptions/${id}`;
  const rotations = [];
  for (let round = 0; round < 10; round += 1) {
    const [, , rotated] = await Promise.all([
      api.ask('PATCH', path, { description: `round ${round}` }),
      api.ask('PATCH', path, { channels: [`channel${round}`] }),
      api.ask('POST', `${path}/rotate-secret`),
    ]);
    rotations.push(rotated.body.secret);
    expect((await api.ask('GET', path)).body).toMatchObject({
      description: `round ${round}`,
      channels: [`channel${round}`],
    });
    expect((await api.ask('GET', `${path}/secret`)).body.secret).toBe(rotations.at(-1));
  }
});
