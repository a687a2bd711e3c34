/** Accounts by the platform's own ids, over the API with two processes. */
import { startApi, type TestApi } from '../../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../../support/database.js';
import { expectStatus, paths } from '../../../support/samples.js';

let database: TestDatabase;
let api: TestApi;
let other: TestApi;
beforeAll(async () => {
  database = await openTestDatabase();
  [api, other] = [await startApi({ store: database.store }), await startApi({ store: database.store })];
});
afterAll(async () => {
  await api.close();
  await other.close();
  await database.close();
});
afterEach(() => jest.restoreAllMocks());

let count = 0;
const newExternalId = (): string => `customer-${(count += 1)}`;
const put = (externalId: string, body: object = {}, by = api) =>
  by.ask('PUT', `/v1/accounts/by-id/${externalId}`, { provider: 'standard', name: 'Acme', ...body });
const emit = (id: string, query = '', by = api) =>
  by.ask('POST', `/v1/accounts/${id}/events${query}`, { type: 'user.created', data: {} });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe('PUT', () => {
  test('creates an account once, with a key, and edits it afterwards', async () => {
    const externalId = newExternalId();
    const { body: first } = expectStatus(
      await put(externalId, { metadata: { plan: 'pro' }, environment: 'test' }),
      201,
    );
    expect(first).toMatchObject({ created: true, externalId, environment: 'test', apiKey: expect.any(String) });
    const { body: second } = expectStatus(await put(externalId, { name: 'Acme GmbH', retentionDays: 7 }), 200);
    expect(second).toMatchObject({ created: false, id: first.id, name: 'Acme GmbH', retentionDays: 7 });
    expect(second).toMatchObject({ environment: 'test', metadata: { plan: 'pro' }, validatePayloads: true });
    expect(second.apiKey).toBeUndefined();
    const { body: shown } = expectStatus(await api.ask('GET', `/v1/accounts/by-id/${externalId}`), 200);
    expect(shown.keys).toHaveLength(1);
    const { created: _, ...account } = second;
    expect(shown).toMatchObject(account);
  });

  test('repeats keep validatePayloads as it was set', async () => {
    const externalId = newExternalId();
    await put(externalId, { validatePayloads: false });
    expect((await put(externalId)).body.validatePayloads).toBe(false);
  });

  test('creates one account for requests at the same time in two processes', async () => {
    const externalId = newExternalId();
    const responses = await Promise.all(Array.from({ length: 12 }, (_, n) => put(externalId, {}, n % 2 ? api : other)));
    expect(responses.map(({ status }) => status).sort()).toEqual([...Array<number>(11).fill(200), 201]);
    expect(new Set(responses.map(({ body }) => body.id)).size).toBe(1);
  });

  test('does not change provider, scope or environment', async () => {
    const externalId = newExternalId();
    await put(externalId);
    const wrongProvider = await put(externalId, { provider: 'bird' });
    expect([wrongProvider.status, wrongProvider.body.code]).toEqual([409, 'conflict']);
    expect(wrongProvider.body.detail).toContain('standard');
    const wrongEnvironment = await put(externalId, { environment: 'test' });
    expect([wrongEnvironment.status, paths(wrongEnvironment)]).toEqual([422, ['environment']]);
    const shop = newExternalId();
    const postscript = { provider: 'postscript', scope: { shopId: 'shop_1' } };
    expectStatus(await put(shop, postscript), 201);
    expectStatus(await put(shop, postscript), 200);
    const wrongScope = await put(shop, { provider: 'postscript', scope: { shopId: 'shop_2' } });
    expect([wrongScope.status, paths(wrongScope)]).toEqual([422, ['scope']]);
  });

  test.each(['acc_01h455vb4pex5vsknk084sn02q', 'by-id', '-a', 'a%2Fb', 'a%20b', 'ä', 'x'.repeat(129)])(
    'rejects the id %s',
    async (externalId) => {
      const response = await put(externalId);
      expect([response.status, paths(response)]).toEqual([422, ['externalId']]);
    },
  );

  test('names a wrong field', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`name${n}`, '']));
    for (const [field, body] of [
      ['metadata', { metadata }],
      ['metadata.a', { metadata: { a: 1 } }],
      ['metadata.a', { metadata: { a: 'x'.repeat(501) } }],
      ['environment', { environment: 'staging' }],
      ['externalId', { externalId: 'other' }],
    ] as const) {
      const response = await put(newExternalId(), body);
      expect([response.status, paths(response)]).toEqual([422, [field]]);
    }
  });
});

test('POST /v1/accounts takes an external id that is free', async () => {
  const externalId = newExternalId();
  const create = () => api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme', externalId });
  expect(expectStatus(await create(), 201).body).toMatchObject({ externalId, environment: 'live', metadata: {} });
  const again = await create();
  expect([again.status, again.body.code]).toEqual([409, 'conflict']);
});

test('lists the accounts of one environment', async () => {
  const externalId = newExternalId();
  const { body } = await put(externalId, { environment: 'test' });
  const idsOf = async (environment: string) =>
    (await api.ask('GET', `/v1/accounts?environment=${environment}&limit=250`)).body.data.map(
      ({ id }: { id: string }) => id,
    );
  expect(await idsOf('test')).toContain(body.id);
  expect(await idsOf('live')).not.toContain(body.id);
});

test('an edit replaces the metadata as a whole', async () => {
  const externalId = newExternalId();
  await put(externalId, { metadata: { a: '1', b: '2' } });
  const edited = await api.ask('PATCH', `/v1/accounts/${externalId}`, { metadata: { c: '3' } });
  expect(expectStatus(edited, 200).body.metadata).toEqual({ c: '3' });
});

test('the id is accepted wherever a path names an account', async () => {
  const externalId = newExternalId();
  const { body: account } = await put(externalId);
  const at = (method: string, path = '', body?: unknown) => api.ask(method, `/v1/accounts/${externalId}${path}`, body);
  expect((await at('GET')).body.id).toBe(account.id);
  const fields = { url: 'https://hooks.example.com/in', eventTypes: ['user.created'] };
  const { body: subscription } = expectStatus(await at('POST', '/subscriptions', fields), 201);
  expect(subscription.accountId).toBe(account.id);
  expect((await at('GET', '/subscriptions')).body.data).toHaveLength(1);
  const { body: event } = expectStatus(await emit(externalId), 202);
  expect(event.deliveries).toMatchObject([{ subscriptionId: subscription.id }]);
  const { body: key } = expectStatus(await at('POST', '/keys'), 201);
  expectStatus(await at('DELETE', `/keys/${key.id}`), 204);
  expectStatus(await at('DELETE'), 204);
  expectStatus(await at('GET'), 404);
});

describe('with the key of an account', () => {
  test('only its own external id has a meaning', async () => {
    const [mine, foreign] = [newExternalId(), newExternalId()];
    const { body: account } = await put(mine);
    await put(foreign);
    const own = (path: string, method = 'GET') =>
      api.ask(method, `/v1/accounts/${path}`, undefined, bearer(account.apiKey as string));
    for (const path of [mine, `by-id/${mine}`, `${mine}/subscriptions`]) expectStatus(await own(path), 200);
    for (const path of ['{id}', 'by-id/{id}', '{id}/subscriptions']) {
      const [theirs, nobodys] = [await own(path.replace('{id}', foreign)), await own(path.replace('{id}', 'nobody'))];
      expect([path, theirs.status, theirs.text]).toEqual([path, 404, nobodys.text]);
    }
    const keys = [foreign, 'nobody'].map((id) => own(`${id}/keys/key_01h455vb4pex5vsknk084sn02q`, 'DELETE'));
    const [theirs, nobodys] = await Promise.all(keys);
    expect([theirs!.status, theirs!.text]).toEqual([404, nobodys!.text]);
    for (const method of ['PUT', 'DELETE']) expectStatus(await own(`by-id/${mine}`, method), 403);
  });
});

describe('emitting', () => {
  test('asks the database for an id once', async () => {
    const externalId = newExternalId();
    await put(externalId);
    const query = jest.spyOn(database.store.pool, 'query');
    /** The statements of a call that ask for the id; others of the process go on beside it. */
    const lookups = async (): Promise<unknown[]> => {
      query.mockClear();
      expectStatus(await emit(externalId), 202);
      return query.mock.calls.filter((call: readonly unknown[]) => JSON.stringify(call).includes(externalId));
    };
    expect(await lookups()).toHaveLength(1);
    expect(await lookups()).toEqual([]);
    query.mockRestore();
  });

  test('follows an id to the account that has it now, also in a process that remembers the deleted one', async () => {
    const externalId = newExternalId();
    const { body: former } = await put(externalId);
    expectStatus(await emit(externalId, '', other), 202);
    expectStatus(await api.ask('DELETE', `/v1/accounts/by-id/${externalId}`), 204);
    expectStatus(await emit(externalId, '', other), 404);
    const { body: account } = expectStatus(await put(externalId), 201);
    expect(account.id).not.toBe(former.id);
    const { body: event } = expectStatus(await emit(externalId, '', other), 202);
    expect((await api.ask('GET', `/v1/events/${event.id}`)).body.accountId).toBe(account.id);
    expectStatus(await api.ask('DELETE', `/v1/accounts/by-id/${externalId}`), 204);
    const { body: latest } = expectStatus(await put(externalId), 201);
    const { body: following } = expectStatus(await emit(externalId, '', other), 202);
    expect((await api.ask('GET', `/v1/events/${following.id}`)).body.accountId).toBe(latest.id);
  });

  test('creates the account if asked, once and without a key', async () => {
    const externalId = newExternalId();
    expectStatus(await emit(externalId), 404);
    const responses = await Promise.all(
      Array.from({ length: 8 }, (_, n) => emit(externalId, '?createAccount=standard', n % 2 ? api : other)),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array<number>(8).fill(202));
    const { body } = expectStatus(await api.ask('GET', `/v1/accounts/by-id/${externalId}`), 200);
    expect(body).toMatchObject({ name: externalId, provider: 'standard', keys: [] });
    expectStatus(await emit(externalId), 202);
  });

  test('creates no account of another provider, nor with a wrong event or id', async () => {
    const externalId = newExternalId();
    await put(externalId);
    const conflict = await emit(externalId, '?createAccount=bird');
    expect([conflict.status, conflict.body.code]).toEqual([409, 'conflict']);
    const unknown = await emit(newExternalId(), '?createAccount=nothing');
    expect([unknown.status, paths(unknown)]).toEqual([422, ['createAccount']]);
    const ours = await emit('acc_01h455vb4pex5vsknk084sn02q', '?createAccount=standard');
    expect([ours.status, paths(ours)]).toEqual([422, ['createAccount']]);
    expectStatus(await api.ask('POST', `/v1/accounts/${newExternalId()}/events?create=standard`, {}), 422);
  });
});

test('an external id may be the name of a list', async () => {
  await api.ask('PUT', '/v1/accounts/by-id/events', { provider: 'standard', name: 'Acme' });
  expect((await api.ask('GET', '/v1/accounts/by-id/events')).body).toMatchObject({
    externalId: 'events',
    name: 'Acme',
  });
});
