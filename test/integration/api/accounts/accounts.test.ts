/** Accounts and their API keys over the API, on a real PostgreSQL. */
import { createHash } from 'node:crypto';
import { contracts } from '../../../../src/providers/registry.js';
import { findApiKey } from '../../../../src/store/accounts/api-keys.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import {
  dump,
  expectStatus,
  messages,
  newAccount,
  newSubscription,
  paths,
  samples,
  unknownIds,
} from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** The account that a key opens. */
async function accountIdOf(key: string): Promise<string | null | undefined> {
  const found = await findApiKey(api.database.store, key);
  return found?.revoked ? undefined : found?.accountId;
}

const create = (body: unknown) => api.ask('POST', '/v1/accounts', body);

test('the samples cover every provider', () => {
  expect(samples.map(({ provider }) => provider).sort()).toEqual(contracts.map(({ provider }) => provider).sort());
});

/** The fields of a key that nothing was said of. */
const NEW_KEY = { name: null, scopes: ['admin'], expiresAt: null, lastUsedAt: null };

describe.each(samples)('an account of $provider', ({ provider, apiKey, scope, settings }) => {
  test('is created with ids of its own and a key in the form of the provider', async () => {
    const { body } = expectStatus(await create({ provider, name: 'Acme GmbH' }), 201);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^acc_[0-9a-z]{26}$/),
      provider,
      name: 'Acme GmbH',
      scope: expect.any(Object),
      settings: expect.any(Object),
      validatePayloads: true,
      receivesOperationalEvents: false,
      disableAfterHours: null,
      retentionDays: null,
      dispatchWeight: 1,
      maxSubscriptions: null,
      workflows: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      apiKey: expect.stringMatching(apiKey),
    });
    expect(Object.keys(body.scope).sort()).toEqual(Object.keys(scope).sort());
    expect(Math.abs(Date.parse(body.createdAt) - Date.now())).toBeLessThan(60_000);
  });

  test('keeps the scope and settings it is given', async () => {
    const created = await newAccount(api.ask, provider, { scope, settings, validatePayloads: false });
    expect(created).toMatchObject({ scope, settings, validatePayloads: false });
    const { body } = expectStatus(await api.ask('GET', `/v1/accounts/${created.id}`), 200);
    const { apiKey: key, ...shown } = created;
    expect(body).toEqual({
      ...shown,
      keys: [{ id: expect.stringMatching(/^key_/), hint: key.slice(-4), createdAt: expect.any(String), ...NEW_KEY }],
    });
  });

  test('two of them get different ids and keys', async () => {
    const [one, other] = [await newAccount(api.ask, provider), await newAccount(api.ask, provider)];
    expect(one.id).not.toBe(other.id);
    expect(one.apiKey).not.toBe(other.apiKey);
    if (Object.keys(scope).length > 0) expect(one.scope).not.toEqual(other.scope);
  });

  test('its key finds it, is kept as a hash only and is not shown again', async () => {
    const account = await newAccount(api.ask, provider);
    expect(await accountIdOf(account.apiKey)).toBe(account.id);
    const responses = await Promise.all([api.ask('GET', `/v1/accounts/${account.id}`), api.ask('GET', '/v1/accounts')]);
    for (const { text } of responses) expect(text).not.toContain(account.apiKey);
    const rows = await dump(api.database, 'accounts', 'api_keys');
    expect(rows).not.toContain(account.apiKey);
    expect(rows).toContain(createHash('sha256').update(account.apiKey).digest('hex'));
  });

  test('gets more keys, and each is revoked without harm to the others', async () => {
    const account = await newAccount(api.ask, provider);
    const path = `/v1/accounts/${account.id}/keys`;
    const second = expectStatus(await api.ask('POST', path), 201).body;
    expect(second).toEqual({
      id: expect.stringMatching(/^key_/),
      hint: second.apiKey.slice(-4),
      createdAt: expect.any(String),
      ...NEW_KEY,
      apiKey: expect.stringMatching(apiKey),
    });
    const keys = (await api.ask('GET', `/v1/accounts/${account.id}`)).body.keys as { id: string }[];
    expect(keys).toHaveLength(2);
    const first = keys.find(({ id }) => id !== second.id)!;
    const revoked = expectStatus(await api.ask('DELETE', `${path}/${first.id}`), 204);
    expect(revoked.text).toBe('');
    expect(await accountIdOf(account.apiKey)).toBeUndefined();
    expect(await accountIdOf(second.apiKey)).toBe(account.id);
    expect((await api.ask('GET', `/v1/accounts/${account.id}`)).body.keys).toEqual([
      expect.objectContaining({ id: second.id }),
    ]);
    expectStatus(await api.ask('DELETE', `${path}/${first.id}`), 404);
  });

  test('is deleted with its keys and subscriptions', async () => {
    const account = await newAccount(api.ask, provider);
    const subscription = await newSubscription(api.ask, account.id, provider);
    expect(expectStatus(await api.ask('DELETE', `/v1/accounts/${account.id}`), 204).text).toBe('');
    expect(await accountIdOf(account.apiKey)).toBeUndefined();
    for (const [method, path] of [
      ['GET', `/v1/accounts/${account.id}`],
      ['DELETE', `/v1/accounts/${account.id}`],
      ['POST', `/v1/accounts/${account.id}/keys`],
      ['GET', `/v1/accounts/${account.id}/subscriptions`],
      ['GET', `/v1/subscriptions/${subscription.id}`],
      ['GET', `/v1/subscriptions/${subscription.id}/secret`],
      ['DELETE', `/v1/subscriptions/${subscription.id}`],
    ] as const) {
      expect([method, path, (await api.ask(method, path)).status]).toEqual([method, path, 404]);
    }
    const more = await api.ask('POST', `/v1/accounts/${account.id}/events`, { type: 'x', data: {} });
    expect(more.status).toBe(404);
    const { body } = await api.ask('GET', '/v1/accounts?limit=250');
    expect(body.data.map(({ id }: { id: string }) => id)).not.toContain(account.id);
  });

  test('refuses a scope and settings that are not the provider’s, by their paths', async () => {
    const wrong = await create({ provider, name: 'Acme', scope: { ...scope, extra: 1 } });
    expect([wrong.status, paths(wrong)]).toEqual([422, ['scope.extra']]);
    const settled = await create({ provider, name: 'Acme', settings: { colour: 'red' } });
    expect([settled.status, paths(settled)]).toEqual([422, ['settings.colour']]);
    for (const name of Object.keys(scope)) {
      const { [name]: _, ...rest } = scope;
      const missing = await create({ provider, name: 'Acme', scope: rest });
      expect([missing.status, paths(missing)]).toEqual([422, [`scope.${name}`]]);
      expect(messages(missing)).toMatch('is missing');
      const mistyped = await create({ provider, name: 'Acme', scope: { ...scope, [name]: { a: 1 } } });
      expect([mistyped.status, paths(mistyped)]).toEqual([422, [`scope.${name}`]]);
    }
  });
});

describe('what an account’s request may hold', () => {
  test('an unknown provider is refused with a list of those there are', async () => {
    const response = await create({ provider: 'hooli', name: 'Acme' });
    expect([response.status, paths(response)]).toEqual([422, ['provider']]);
    for (const { provider } of contracts) expect(messages(response)).toContain(provider);
  });

  test('names of the prototype are no providers', async () => {
    for (const provider of ['__proto__', 'constructor', 'toString']) {
      const response = await create({ provider, name: 'Acme' });
      expect([response.status, paths(response)]).toEqual([422, ['provider']]);
    }
  });

  test.each<[string, Record<string, unknown>, string[], RegExp]>([
    ['no provider', { provider: undefined }, ['provider'], /is missing/],
    ['a provider that is a number', { provider: 7 }, ['provider'], /string/],
    ['no name', { name: undefined }, ['name'], /is missing/],
    ['an empty name', { name: '' }, ['name'], /1/],
    ['a long name', { name: 'x'.repeat(201) }, ['name'], /200/],
    ['a name with a line break', { name: 'a\nb' }, ['name'], /control characters/],
    ['a name with a NUL', { name: 'a\0b' }, ['name'], /NUL/],
    ['a name with half a character', { name: 'a\ud83d' }, ['name'], /surrogate/],
    ['a name that is a list', { name: ['Acme'] }, ['name'], /string/],
    ['a scope that is text', { scope: 'shop' }, ['scope'], /record|object/],
    ['settings that are a list', { settings: [] }, ['settings'], /record|object/],
    ['a switch that is text', { validatePayloads: 'yes' }, ['validatePayloads'], /boolean/],
    ['an unknown field', { colour: 'red' }, ['colour'], /not a known field|[Uu]nrecognized/],
    ['two unknown fields', { colour: 'red', size: 1 }, ['colour', 'size'], /not a known field|[Uu]nrecognized/],
    ['wrong fields and unknown ones', { name: 1, colour: 'red' }, ['name', 'colour'], /string/],
  ])('%s is refused by its path', async (_what, fields, expected, message) => {
    const response = await create({ provider: 'standard', name: 'Acme', ...fields });
    expect([response.status, paths(response)]).toEqual([422, expected]);
    expect(messages(response)).toMatch(message);
  });

  test.each([
    ['scope', { scope: { shopId: 'shop_\0' } }, 'scope.shopId'],
    ['settings', { settings: { enforceRateLimit: '\0' } }, 'settings.enforceRateLimit'],
    ['names of fields', { scope: { 'a\0': 1 } }, 'scope'],
  ])('a NUL in %s is refused', async (_where, fields, path) => {
    const response = await create({ provider: 'postscript', name: 'Acme', ...fields });
    expect(response.status).toBe(422);
    expect(paths(response).join()).toContain(path);
  });

  test('a name may hold any characters that are whole', async () => {
    const name = 'Größe <b>"’\\ 💶 عربى \u2028 \ufeff';
    const { id } = await newAccount(api.ask, 'standard', { name });
    expect((await api.ask('GET', `/v1/accounts/${id}`)).body.name).toBe(name);
  });

  test('a __proto__ among the fields is refused like any other unknown field', async () => {
    for (const body of [
      '{"provider":"standard","name":"Acme","__proto__":{"validatePayloads":false}}',
      '{"provider":"standard","name":"Acme","scope":{"__proto__":{"a":1}}}',
      '{"provider":"standard","name":"Acme","settings":{"__proto__":1}}',
    ]) {
      const response = await create(body);
      expect([response.status, paths(response).join()]).toEqual([422, expect.stringMatching(/__proto__$/)]);
    }
  });
});

describe('editing an account', () => {
  const edit = (id: string, body: unknown) => api.ask('PATCH', `/v1/accounts/${id}`, body);
  const read = async (id: string) => {
    const { keys, ...account } = (await api.ask('GET', `/v1/accounts/${id}`)).body;
    expect(keys).toHaveLength(1);
    return account;
  };

  test('changes what is named, setting by setting, and nothing else', async () => {
    const { apiKey, ...account } = await newAccount(api.ask, 'postmark', { settings: { messageStreams: ['news'] } });
    expect(apiKey).toEqual(expect.any(String));
    expect(expectStatus(await edit(account.id, {}), 200).body).toEqual(account);
    const settings = { contract: '2026', messageStreams: ['news'], archivedStreams: [] };
    expect((await edit(account.id, { settings: { contract: '2026' } })).body).toEqual({ ...account, settings });
    const renamed = { ...account, settings, name: 'Acme II', validatePayloads: false, disableAfterHours: 12 };
    const { name, validatePayloads, disableAfterHours } = renamed;
    expect((await edit(account.id, { name, validatePayloads, disableAfterHours })).body).toEqual(renamed);
    expect(await read(account.id)).toEqual(renamed);
  });

  test('counts from the next event on', async () => {
    const { id } = await newAccount(api.ask, 'postmark');
    const emit = async () => (await api.ask('POST', `/v1/accounts/${id}/events`, { type: 'Open', data: {} })).status;
    expect(await emit()).toBe(422);
    await edit(id, { validatePayloads: false });
    expect(await emit()).toBe(202);
  });

  test('undoes no other edit that is made at the same time', async () => {
    const { id } = await newAccount(api.ask, 'bird');
    const settings = { showSigningKey: true, restampRetries: true, unfilteredTakesAll: true };
    const edits = Object.entries(settings).map(([name, value]) => edit(id, { settings: { [name]: value } }));
    for (const response of await Promise.all([...edits, edit(id, { name: 'Acme II' })])) expectStatus(response, 200);
    expect(await read(id)).toMatchObject({ name: 'Acme II', settings });
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a setting that the contract does not have', { settings: { colour: 'red' } }, 'settings.colour'],
    ['a setting of another type', { settings: { restampRetries: 'yes' } }, 'settings.restampRetries'],
    ['a setting that is null', { settings: { restampRetries: null } }, 'settings.restampRetries'],
    ['no name', { name: '' }, 'name'],
    ['another provider', { provider: 'standard' }, 'provider'],
    ['another scope', { scope: {} }, 'scope'],
  ])('to %s is refused and changes nothing', async (_what, body, path) => {
    const { apiKey: _, ...account } = await newAccount(api.ask, 'bird');
    const response = await edit(account.id, { name: 'Acme II', ...body });
    expect([response.status, paths(response)]).toEqual([422, [path]]);
    expect(await read(account.id)).toEqual(account);
  });

  test('that was deleted finds none', async () => {
    const { id } = await newAccount(api.ask, 'bird');
    await api.ask('DELETE', `/v1/accounts/${id}`);
    expectStatus(await edit(id, { name: 'Acme II' }), 404);
  });
});

describe('lists of accounts', () => {
  test('pages give every account exactly once, the newest first', async () => {
    const made: string[] = [];
    for (let index = 0; index < 7; index += 1) made.push((await newAccount(api.ask, 'postpress')).id);
    const seen: string[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await api.ask('GET', `/v1/accounts?provider=postpress&limit=3${cursor}`);
      expect(body.data.length).toBeLessThanOrEqual(3);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual([...seen].sort().reverse());
    expect(seen).toEqual(expect.arrayContaining(made));
  });

  test('a page that ends with the last row names no further one', async () => {
    const fresh = await startApiWithDatabase();
    try {
      await newAccount(fresh.ask, 'bird');
      await newAccount(fresh.ask, 'bird');
      expect((await fresh.ask('GET', '/v1/accounts?limit=2')).body).toMatchObject({ nextCursor: null });
      expect((await fresh.ask('GET', '/v1/accounts?limit=1')).body.nextCursor).toEqual(expect.any(String));
      expect((await fresh.ask('GET', '/v1/accounts?provider=standard')).body).toEqual({ data: [], nextCursor: null });
    } finally {
      await fresh.close();
    }
  });

  test('a list can be narrowed to a provider', async () => {
    await newAccount(api.ask, 'postmark');
    const { body } = await api.ask('GET', '/v1/accounts?provider=postmark');
    expect(new Set(body.data.map(({ provider }: { provider: string }) => provider))).toEqual(new Set(['postmark']));
  });
});

test('what is not there gets a 404', async () => {
  const account = await newAccount(api.ask, 'standard');
  for (const [method, path] of [
    ['GET', `/v1/accounts/${unknownIds.account}`],
    ['DELETE', `/v1/accounts/${unknownIds.account}`],
    ['POST', `/v1/accounts/${unknownIds.account}/keys`],
    ['DELETE', `/v1/accounts/${unknownIds.account}/keys/${unknownIds.key}`],
    ['DELETE', `/v1/accounts/${account.id}/keys/${unknownIds.key}`],
    ['GET', '/v1/accounts/none'],
    ['GET', '/v1/accounts/%00'],
    ['DELETE', '/v1/accounts/a%00b'],
    ['DELETE', `/v1/accounts/${account.id}/keys/%00`],
    ['GET', `/v1/accounts/${'x'.repeat(5_000)}`],
  ] as const) {
    const response = await api.ask(method, path);
    expect([method, path, response.status, response.body.code]).toEqual([method, path, 404, 'not_found']);
  }
});

test('a key of another account is not revoked', async () => {
  const [mine, other] = [await newAccount(api.ask, 'standard'), await newAccount(api.ask, 'standard')];
  const [key] = (await api.ask('GET', `/v1/accounts/${other.id}`)).body.keys;
  expectStatus(await api.ask('DELETE', `/v1/accounts/${mine.id}/keys/${key.id}`), 404);
  expect(await accountIdOf(other.apiKey)).toBe(other.id);
});
