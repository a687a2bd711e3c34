/** Event types that the platform defines: the routes, and what they mean for events and subscriptions. */
import { contracts } from '../../../src/providers/registry.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { startApi, type Ask, type TestApi } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';
import { expectStatus, messages, newAccount, paths } from '../../support/samples.js';

const SCHEMA = { type: 'object', required: ['total'], properties: { total: { type: 'integer' } } };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

let database: TestDatabase;
let api: TestApi;
let account: { id: string; apiKey: string };
beforeEach(async () => {
  database = await openTestDatabase();
  api = await startApi({ store: database.store });
  account = await newAccount(api.ask, 'standard');
});
afterEach(async () => {
  await api.close();
  await database.close();
});

const put = async (name: string, body: object = {}, ask: Ask = api.ask) =>
  expectStatus(await ask('PUT', `/v1/event-types/${name}`, body), 200).body;
const emit = (type: string, data: unknown = {}, ask: Ask = api.ask) =>
  ask('POST', `/v1/accounts/${account.id}/events`, { type, data });
const subscribe = (eventTypes: string[], of: { id: string } = account) =>
  api.ask('POST', `/v1/accounts/${of.id}/subscriptions`, { url: 'http://127.0.0.1/in', eventTypes });
const own = (method: string, path: string, key = account.apiKey) => api.ask(method, path, undefined, bearer(key));
const names = ({ body }: { body: { data: { name: string }[] } }) => body.data.map(({ name }) => name);

test('is defined, replaced, edited, listed and deleted', async () => {
  const fields = {
    ...{ description: 'An invoice\nwas paid', group: 'Invoices', schema: SCHEMA, examples: [{ total: 1 }] },
    ...{ enforce: true, archived: false, featureFlag: null },
  };
  const created = await put('invoice.paid', fields);
  expect(created).toMatchObject({ name: 'invoice.paid', version: 1, ...fields });
  expect(await put('invoice.paid', fields)).toEqual(created);

  const edit = (body: object) => api.ask('PATCH', '/v1/event-types/invoice.paid', body);
  expect((await edit({ group: null, archived: true })).body).toMatchObject({ group: null, archived: true, version: 1 });
  const next = { ...SCHEMA, required: [] };
  expect((await edit({ schema: next })).body).toMatchObject({ schema: next, version: 2, examples: [{ total: 1 }] });
  const shown = (await api.ask('GET', '/v1/event-types/invoice.paid')).body;
  expect(shown.versions.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
  expect((await api.ask('GET', '/v1/event-types/invoice.paid?version=1')).body).toMatchObject({
    version: 1,
    schema: SCHEMA,
  });
  expect((await api.ask('GET', '/v1/event-types/invoice.paid?version=3')).status).toBe(404);

  await put('user.created', { group: 'Users' });
  expect(names(await api.ask('GET', '/v1/event-types'))).toEqual(['invoice.paid', 'user.created']);
  expect(names(await api.ask('GET', '/v1/event-types?archived=false'))).toEqual(['user.created']);
  expect(names(await api.ask('GET', '/v1/event-types?archived=true'))).toEqual(['invoice.paid']);
  expect(names(await api.ask('GET', '/v1/event-types?group=Users'))).toEqual(['user.created']);
  const { body: first } = await api.ask('GET', '/v1/event-types?limit=1');
  const { body: second } = await api.ask('GET', `/v1/event-types?limit=1&cursor=${first.nextCursor}`);
  expect([names({ body: first }), names({ body: second }), second.nextCursor]).toEqual([
    ['invoice.paid'],
    ['user.created'],
    null,
  ]);

  expect((await api.ask('DELETE', '/v1/event-types/invoice.paid')).status).toBe(204);
  for (const method of ['GET', 'DELETE'])
    expect((await api.ask(method, '/v1/event-types/invoice.paid')).status).toBe(404);
  expect((await edit({})).status).toBe(404);
  expect(await put('invoice.paid')).toMatchObject({ version: 1, schema: null });
});

test('concurrent changes lose no version', async () => {
  const schemas = Array.from({ length: 8 }, (_, index) => ({ const: index }));
  await Promise.all(schemas.map((schema) => put('a.b', { schema })));
  const { versions } = (await api.ask('GET', '/v1/event-types/a.b')).body;
  expect(versions.map(({ version }: { version: number }) => version)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
});

test.each([
  ['a%20b', {}, 'name', 'must be parts of letters'],
  ['x'.repeat(129), {}, 'name', 'at most 128'],
  ['pigeonpost.delivery.exhausted', {}, 'name', 'own event types'],
  ['a.b', { colour: 'red' }, 'colour', 'not a known field'],
  ['a.b', { enforce: true }, 'enforce', 'needs a schema'],
  ['a.b', { schema: { type: 'text' } }, 'schema', 'not a JSON Schema'],
  ['a.b', { schema: { items: { $ref: 'https://example.com/x' } } }, 'schema.items.$ref', 'part of this schema'],
  ['a.b', { schema: SCHEMA, examples: [{ total: 1 }, { total: 'x' }] }, 'examples[1].total', 'must be integer'],
  ['a.b', { examples: ['x'.repeat(40_000)] }, 'examples', 'bytes'],
  ['a.b', { examples: Array.from({ length: 11 }, () => 1) }, 'examples', '10'],
])('refuses %s with %j', async (name, body, path, message) => {
  const response = expectStatus(await api.ask('PUT', `/v1/event-types/${name}`, body), 422);
  expect(paths(response)).toEqual([path]);
  expect(messages(response)).toContain(message);
});

test('every well-formed event type is accepted until one is defined', async () => {
  expectStatus(await emit('anything.at_all'), 202);
  await put('invoice.paid');
  const refused = expectStatus(await emit('anything.at_all'), 422);
  expect(paths(refused)).toEqual(['type']);
  expect(refused.body.detail).toContain('"anything.at_all" is not defined; see GET /v1/event-types');
  expectStatus(await emit('invoice.paid'), 202);
  const batch = {
    events: [
      { type: 'invoice.paid', data: 1 },
      { type: 'x', data: 1 },
    ],
  };
  const { results } = expectStatus(await api.ask('POST', `/v1/accounts/${account.id}/events`, batch), 202).body;
  expect(results).toMatchObject([{ type: 'invoice.paid' }, { code: 'invalid_request' }]);
  expect((await api.ask('DELETE', '/v1/event-types/invoice.paid')).status).toBe(204);
  expectStatus(await emit('anything.at_all'), 202);
});

test('an installation may accept unknown event types', async () => {
  const accepting = await startApi({ store: database.store, unknownEventTypes: 'accept' });
  await put('invoice.paid', { schema: SCHEMA, enforce: true }, accepting.ask);
  expectStatus(await emit('anything.at_all', {}, accepting.ask), 202);
  expectStatus(await emit('invoice.paid', {}, accepting.ask), 422);
  await accepting.close();
});

test('an enforced schema refuses an event and names the wrong field', async () => {
  await put('invoice.paid', { schema: SCHEMA });
  expectStatus(await emit('invoice.paid', { total: '12' }), 202);
  await api.ask('PATCH', '/v1/event-types/invoice.paid', { enforce: true });
  const refused = expectStatus(await emit('invoice.paid', { total: '12' }), 422);
  expect(refused.body).toMatchObject({
    code: 'invalid_request',
    detail: 'data.total: must be integer',
    errors: [{ path: 'data.total', message: 'must be integer' }],
  });
  expectStatus(await emit('invoice.paid', { total: 12 }), 202);
  await api.ask('PATCH', '/v1/event-types/invoice.paid', { schema: { ...SCHEMA, required: ['id'] } });
  expect(paths(expectStatus(await emit('invoice.paid', { total: 12 }), 422))).toEqual(['data.id']);
  await api.ask('PATCH', `/v1/accounts/${account.id}`, { validatePayloads: false });
  expectStatus(await emit('invoice.paid', { total: 12 }), 202);
});

test('an archived event type takes no events, and its subscriptions stay', async () => {
  await put('invoice.paid');
  const { id } = expectStatus(await subscribe(['invoice.paid']), 201).body;
  await put('invoice.paid', { archived: true });
  expect(expectStatus(await emit('invoice.paid'), 422).body.detail).toContain('is archived');
  expect((await api.ask('GET', `/v1/subscriptions/${id}`)).body.eventTypes).toEqual(['invoice.paid']);
  const edited = await api.ask('PATCH', `/v1/subscriptions/${id}`, { eventTypes: ['invoice.paid', 'invoice.*'] });
  expectStatus(edited, 200);
  expectStatus(await subscribe(['invoice.paid']), 422);
});

test('another process knows a change within a second', async () => {
  const other = await startApi({ store: database.store });
  expectStatus(await emit('user.created', {}, other.ask), 202);
  await put('invoice.paid');
  await eventually(
    () => emit('user.created', {}, other.ask),
    ({ status }) => status === 422,
  );
  await other.close();
});

test('accepting events reads no event types from the database', async () => {
  await put('invoice.paid', { schema: SCHEMA, enforce: true });
  const quiet = await startApi({ store: database.store, eventTypePollMs: 3_600_000 });
  expectStatus(await emit('invoice.paid', { total: 1 }, quiet.ask), 202);
  await database.store.pool.query('ALTER TABLE event_types RENAME TO hidden');
  for (const _ of [1, 2, 3]) expectStatus(await emit('invoice.paid', { total: 1 }, quiet.ask), 202);
  expectStatus(await emit('invoice.paid', {}, quiet.ask), 422);
  await quiet.close();
});

test('a subscription takes exact names and groups', async () => {
  const { id } = expectStatus(await subscribe(['invoice.*', 'user.created']), 201).body;
  const receives = async (type: string) => (await emit(type)).body.deliveries.length === 1;
  expect(await receives('invoice.paid')).toBe(true);
  expect(await receives('invoice.item.added')).toBe(true);
  expect(await receives('invoice')).toBe(false);
  expect(await receives('user.created')).toBe(true);
  expect(await receives('user.deleted')).toBe(false);
  expect((await api.ask('GET', `/v1/subscriptions/${id}`)).body.eventTypes).toEqual(['invoice.*', 'user.created']);
  for (const wrong of ['*', '.*', 'invoice.', 'invoice*', 'in.*.paid', '*.paid'])
    expect(paths(expectStatus(await subscribe([wrong]), 422))).toEqual(['eventTypes']);
});

test('a subscription names defined event types only, its former ones, and groups', async () => {
  const { id } = expectStatus(await subscribe(['early.bird']), 201).body;
  await put('invoice.paid');
  const refused = expectStatus(await subscribe(['invoice.payed']), 422);
  expect(refused.body.detail).toContain('"invoice.payed" is not defined');
  for (const fine of ['invoice.paid', 'later.*', 'pigeonpost.delivery.exhausted'])
    expectStatus(await subscribe([fine]), 201);
  const edit = (eventTypes: string[]) => api.ask('PATCH', `/v1/subscriptions/${id}`, { eventTypes });
  expectStatus(await edit(['early.bird', 'invoice.paid']), 200);
  expectStatus(await edit(['early.bird', 'early.worm']), 422);
});

test('a test event has the defined example', async () => {
  await put('invoice.paid', { schema: SCHEMA, enforce: true, examples: [{ total: 12 }] });
  await put('invoice.bare', { schema: SCHEMA, enforce: true });
  const { id } = expectStatus(await subscribe(['invoice.*']), 201).body;
  const sent = async (body: object, status = 202) =>
    expectStatus(await api.ask('POST', `/v1/subscriptions/${id}/test`, body), status).body;
  const { id: eventId, type } = await sent({ type: 'invoice.paid' });
  expect(type).toBe('invoice.paid');
  expect((await api.ask('GET', `/v1/events/${eventId}`)).body.data).toEqual({ total: 12 });
  expect((await sent({ type: 'invoice.bare' }, 422)).detail).toContain('has a schema but no example');
  await put('invoice.bare', { archived: true });
  // The first that its group has and that is not archived.
  expect((await sent({})).type).toBe('invoice.paid');
  expect((await sent({ type: 'invoice.none' }, 422)).detail).toContain('is not defined');
  const { id: other } = expectStatus(await subscribe(['nothing.*']), 201).body;
  const nothing = expectStatus(await api.ask('POST', `/v1/subscriptions/${other}/test`, {}), 422);
  expect(nothing.body.detail).toContain('no event type is defined in the groups');
});

describe('an account', () => {
  test('reads what it can subscribe to, and changes nothing', async () => {
    const friend = await newAccount(api.ask, 'standard', { featureFlags: ['beta', 'beta', 'alpha'] });
    expect(friend.featureFlags).toEqual(['beta', 'alpha']);
    await put('a.open', { description: 'Open' });
    await put('b.beta', { featureFlag: 'beta' });
    await put('c.archived', { archived: true });
    expect(names(await own('GET', '/v1/event-types'))).toEqual(['a.open']);
    expect(names(await own('GET', '/v1/event-types', friend.apiKey))).toEqual(['a.open', 'b.beta']);
    expect(names(await own('GET', '/v1/event-types?archived=true', friend.apiKey))).toEqual([]);
    expect((await own('GET', '/v1/event-types/a.open')).body).toMatchObject({ description: 'Open' });
    const hidden = await own('GET', '/v1/event-types/b.beta');
    expect(hidden.status).toBe(404);
    expect((await own('GET', '/v1/event-types/no.such')).text).toBe(hidden.text);
    expect((await own('GET', '/v1/event-types/c.archived')).status).toBe(404);
    expect((await own('GET', '/v1/event-types/b.beta', friend.apiKey)).status).toBe(200);
    expect((await own('DELETE', '/v1/event-types/a.open')).status).toBe(403);
    expect((await subscribe(['b.beta'])).status).toBe(422);
    expectStatus(await subscribe(['b.beta'], friend), 201);
    await api.ask('PATCH', `/v1/accounts/${friend.id}`, { featureFlags: [] });
    expect(names(await own('GET', '/v1/event-types', friend.apiKey))).toEqual(['a.open']);
  });

  test.each(contracts.filter(({ openCatalogue }) => !openCatalogue).map(({ provider }) => provider))(
    'of %s has no use for them',
    async (provider) => {
      await put('invoice.paid');
      const { apiKey } = await newAccount(api.ask, provider);
      for (const path of ['', '/invoice.paid']) {
        const refused = expectStatus(await own('GET', `/v1/event-types${path}`, apiKey), 422);
        expect(refused.body.detail).toContain('has its own event types');
      }
      const flagged = await api.ask('POST', '/v1/accounts', { provider, name: 'Acme', featureFlags: ['beta'] });
      expect(paths(expectStatus(flagged, 422))).toEqual(['featureFlags']);
    },
  );
});

describe('an import', () => {
  const webhook = (schema: object, more: object = {}) => ({
    post: { ...more, requestBody: { content: { 'application/json': { schema } } } },
  });
  const load = (webhooks: object, dryRun?: boolean, status = 200, components: object = {}) =>
    api
      .ask('POST', '/v1/event-types/import', { document: { openapi: '3.1.0', webhooks, components }, dryRun })
      .then((response) => expectStatus(response, status).body);

  test('says what it would change, changes it, and has nothing to change then', async () => {
    await put('invoice.paid', { schema: SCHEMA, description: 'Old', featureFlag: 'beta' });
    await put('user.created', { schema: { type: 'object' } });
    const webhooks = {
      'invoice.paid': webhook(SCHEMA, { description: 'New' }),
      'user.created': webhook({ type: 'object' }),
      'order.placed': webhook({ $ref: '#/components/schemas/Order' }, { tags: ['Orders'] }),
      'not a name': webhook({}),
      'bad.schema': webhook({ type: 'text' }),
    };
    const components = { schemas: { Order: { type: 'object', required: ['id'] } } };
    const expected = {
      created: ['order.placed'],
      updated: [{ name: 'invoice.paid', changes: ['description'] }],
      unchanged: ['user.created'],
      errors: [
        { name: 'not a name', path: 'name', message: expect.stringContaining('must be parts of letters') },
        { name: 'bad.schema', path: 'schema', message: expect.stringContaining('is not a JSON Schema') },
      ],
    };
    expect(await load(webhooks, true, 200, components)).toEqual({ dryRun: true, ...expected });
    expect(names(await api.ask('GET', '/v1/event-types'))).toEqual(['invoice.paid', 'user.created']);
    expect(await load(webhooks, undefined, 200, components)).toEqual({ dryRun: false, ...expected });
    expect((await api.ask('GET', '/v1/event-types/invoice.paid')).body).toMatchObject({
      ...{ description: 'New', featureFlag: 'beta', version: 1 },
    });
    expect((await api.ask('GET', '/v1/event-types/order.placed')).body).toMatchObject({
      ...{ group: 'Orders', schema: { $ref: '#/$defs/Order', $defs: components.schemas } },
    });
    expect(await load(webhooks, false, 200, components)).toMatchObject({
      ...{ created: [], updated: [], unchanged: ['invoice.paid', 'user.created', 'order.placed'] },
    });
  });

  test('refuses what is no OpenAPI 3.1 document with webhooks', async () => {
    const refuse = async (body: unknown) =>
      paths(expectStatus(await api.ask('POST', '/v1/event-types/import', body), 422));
    expect(await refuse({})).toEqual(['document']);
    expect(await refuse({ document: { openapi: '3.0.3' } })).toEqual(['document.openapi', 'document.webhooks']);
    const many = Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`a.${index}`, {}]));
    expect((await load(many, true, 422)).detail).toContain('500');
  });
});

describe('the public catalogue', () => {
  const html = { accept: 'text/html', authorization: '' };

  test('is not there unless it is switched on', async () => {
    for (const path of ['/catalogue', '/catalogue.json'])
      expect((await api.ask('GET', path, undefined, html)).status).toBe(404);
  });

  test('shows current event types to anyone, as a page without scripts', async () => {
    const open = await startApi({ store: database.store, publicCatalogue: true });
    await put(
      'invoice.paid',
      { description: '<b>Paid</b>', group: 'Invoices', schema: SCHEMA, examples: [{ total: 1 }] },
      open.ask,
    );
    await put('secret.beta', { featureFlag: 'beta' }, open.ask);
    await put('old.thing', { archived: true }, open.ask);
    const shown = await open.ask('GET', '/catalogue', undefined, html);
    expect(shown.status).toBe(200);
    expect(shown.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+';/);
    expect(shown.text).toContain('invoice.paid');
    expect(shown.text).toContain('&lt;b&gt;Paid&lt;/b&gt;');
    expect(shown.text).not.toMatch(/secret\.beta|old\.thing|<script|<b>/);
    expect((await open.ask('GET', '/catalogue.json', undefined, { authorization: '' })).body).toEqual({
      eventTypes: [
        {
          ...{ name: 'invoice.paid', description: '<b>Paid</b>', group: 'Invoices' },
          ...{ schema: SCHEMA, examples: [{ total: 1 }], version: 1 },
        },
      ],
    });
    await put('invoice.sent', {}, open.ask);
    expect((await open.ask('GET', '/catalogue', undefined, html)).text).toContain('invoice.sent');
    await open.close();
  });
});

test('a repeated request gets the first response although its event type is archived now', async () => {
  await put('invoice.paid');
  const ask = (type: string) =>
    api.ask('POST', `/v1/accounts/${account.id}/events`, { type, data: {} }, { 'idempotency-key': 'once' });
  const first = expectStatus(await ask('invoice.paid'), 202).body;
  await put('invoice.paid', { archived: true });
  expect(expectStatus(await ask('invoice.paid'), 202).body).toEqual(first);
  expectStatus(await ask('invoice.voided'), 422);
});
