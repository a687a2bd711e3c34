/** The OpenAPI document: that it is one, and that the API does what it says. */
import { newRecoveryId } from '../../../src/dispatch/recovery/recoveries.js';
import { startApiWithDatabase, type ApiResponse, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { emitted, exampleOf, newAccount, plainSubscription, samples } from '../../support/samples.js';

interface Operation {
  readonly summary?: string;
  readonly tags?: string[];
  readonly security?: object[];
  readonly parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  readonly requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  readonly responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Schema {
  readonly $ref?: string;
  readonly type?: string | string[];
  readonly properties?: Record<string, Schema>;
  readonly required?: string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly enum?: unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly anyOf?: Schema[];
  readonly oneOf?: Schema[];
  readonly allOf?: Schema[];
}
interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Schema>; securitySchemes: Record<string, object> };
}

let api: TestApi & { readonly database: TestDatabase };
let document: Document;
beforeAll(async () => {
  api = await startApiWithDatabase();
  document = (await api.ask('GET', '/openapi.json')).body;
});
afterAll(() => api.close());

const operations = (): [method: string, path: string, operation: Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [method, path, operation]),
  );

/** Every schema in the document, wherever it stands. */
function* schemasIn(value: unknown): Generator<Schema> {
  if (typeof value !== 'object' || value === null) return;
  yield value;
  for (const member of Object.values(value)) yield* schemasIn(member);
}

function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const [root, ...keys] = schema.$ref.split('/');
  expect(root).toBe('#');
  const found = keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
  if (found === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return resolve(found as Schema);
}

/** Where a value is not what a schema says; as much of JSON Schema as the document uses. */
function deviations(reference: Schema, value: unknown, path = '$'): string[] {
  const schema = resolve(reference);
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives && !alternatives.some((each) => deviations(each, value, path).length === 0)) {
    return [`${path} is none of the alternatives`];
  }
  const found = (schema.allOf ?? []).flatMap((each) => deviations(each, value, path));
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isOfType(type, value))) {
    return [...found, `${path} is no ${types.join(' or ')}: ${JSON.stringify(value)}`];
  }
  if (schema.enum && !schema.enum.includes(value)) found.push(`${path} is not in the enumeration`);
  if (schema.format === 'date-time' && typeof value === 'string' && Number.isNaN(Date.parse(value))) {
    found.push(`${path} is no time`);
  }
  if (Array.isArray(value) && schema.items) {
    found.push(...value.flatMap((item, index) => deviations(schema.items!, item, `${path}[${index}]`)));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return found;
  const members = value as Record<string, unknown>;
  for (const name of schema.required ?? []) if (!(name in members)) found.push(`${path}.${name} is missing`);
  for (const [name, member] of Object.entries(members)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known === false) found.push(`${path}.${name} is not documented`);
    if (typeof known === 'object') found.push(...deviations(known, member, `${path}.${name}`));
  }
  return found;
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

test('is OpenAPI 3.1 with a title, a version and the keys', () => {
  expect(document).toMatchObject({
    openapi: expect.stringMatching(/^3\.1\.\d+$/),
    info: { title: expect.stringMatching(/./), version: expect.stringMatching(/./) },
    components: {
      securitySchemes: {
        operatorKey: { type: 'http', scheme: 'bearer' },
        accountKey: { type: 'http', scheme: 'bearer' },
      },
    },
  });
});

test('documents every route, and none that there is not', () => {
  expect(
    operations()
      .map(([method, path]) => `${method} ${path}`)
      .sort(),
  ).toEqual(
    [
      'get /healthz',
      'get /v1/me',
      'get /v1/audit',
      'get /v1/alerts',
      'get /v1/alert-rules',
      'post /v1/alert-rules',
      'get /v1/alert-rules/{id}',
      'patch /v1/alert-rules/{id}',
      'delete /v1/alert-rules/{id}',
      'post /v1/alert-rules/{id}/test',
      'post /v1/sessions',
      'delete /v1/sessions/current',
      'get /v1/portal',
      'post /v1/accounts/{id}/portal-links',
      'get /v1/accounts/{id}/portal-links',
      'delete /v1/accounts/{id}/portal-links',
      'delete /v1/accounts/{id}/portal-links/{linkId}',
      'get /v1/sessions/methods',
      'post /v1/keys',
      'get /v1/keys',
      'delete /v1/keys/{id}',
      'get /openapi.json',
      'get /.well-known/pigeonpost/{id}/jwks.json',
      'get /readyz',
      'post /v1/accounts',
      'get /v1/accounts',
      'get /v1/accounts/{id}',
      'patch /v1/accounts/{id}',
      'delete /v1/accounts/{id}',
      'put /v1/accounts/by-id/{externalId}',
      'get /v1/accounts/by-id/{externalId}',
      'delete /v1/accounts/by-id/{externalId}',
      'post /v1/accounts/{id}/keys',
      'delete /v1/accounts/{id}/keys/{keyId}',
      'post /v1/accounts/{id}/subscriptions',
      'get /v1/accounts/{id}/subscriptions',
      'post /v1/accounts/{id}/filters/test',
      'post /v1/accounts/{id}/transformations/test',
      'get /v1/subscriptions/{id}',
      'patch /v1/subscriptions/{id}',
      'delete /v1/subscriptions/{id}',
      'get /v1/subscriptions/{id}/secret',
      'post /v1/subscriptions/{id}/rotate-secret',
      'get /v1/subscriptions/{id}/poll',
      'get /v1/subscriptions/{id}/consumers',
      'delete /v1/subscriptions/{id}/consumers/{name}',
      'post /v1/subscriptions/{id}/test',
      'post /v1/subscriptions/{id}/drop-waiting',
      'post /v1/subscriptions/{id}/pause',
      'post /v1/subscriptions/{id}/resume',
      'post /v1/subscriptions/{id}/breaker/close',
      'post /v1/accounts/{id}/pause',
      'post /v1/accounts/{id}/resume',
      'post /v1/deliveries/{id}/skip',
      'post /v1/deliveries/{id}/extend',
      'post /v1/deliveries/{id}/attempt',
      'get /v1/subscriptions/{id}/policy',
      'post /v1/subscriptions/{id}/policy/apply',
      'post /v1/subscriptions/{id}/recover',
      'get /v1/subscriptions/{id}/recoveries',
      'get /v1/recoveries/{id}',
      'post /v1/recoveries/{id}/cancel',
      'post /v1/accounts/{id}/events',
      'get /v1/accounts/{id}/events',
      'get /v1/events/{id}',
      'post /v1/events/{id}/erase',
      'post /v1/accounts/{id}/erase',
      'get /v1/erasures',
      'post /v1/broadcasts',
      'get /v1/broadcasts',
      'get /v1/broadcasts/{id}',
      'post /v1/broadcasts/{id}/pause',
      'post /v1/broadcasts/{id}/resume',
      'post /v1/broadcasts/{id}/cancel',
      'get /v1/deliveries',
      'get /v1/events',
      'get /v1/search',
      'get /v1/subscriptions',
      'get /v1/health',
      'post /v1/reconciliations',
      'get /v1/overview',
      'get /v1/attention',
      'get /v1/contracts',
      'get /v1/event-types',
      'post /v1/event-types/import',
      'get /v1/event-types/{name}',
      'put /v1/event-types/{name}',
      'patch /v1/event-types/{name}',
      'delete /v1/event-types/{name}',
      'post /v1/contracts/{provider}/verify',
      'get /v1/deliveries/stream',
      'post /v1/deliveries/bulk',
      'post /v1/jobs',
      'get /v1/jobs',
      'get /v1/jobs/{id}',
      'post /v1/jobs/{id}/pause',
      'post /v1/jobs/{id}/resume',
      'post /v1/jobs/{id}/cancel',
      'get /v1/deliveries/{id}',
      'get /v1/deliveries/{id}/request',
      'post /v1/deliveries/{id}/cancel',
      'post /v1/deliveries/{id}/pause',
      'post /v1/deliveries/{id}/resume',
      'post /v1/deliveries/{id}/retry',
      'post /v1/deliveries/{id}/redeliver',
      'post /v1/deliveries/{id}/park',
      'get /v1/subscriptions/{id}/ordering',
    ].sort(),
  );
});

test('has references that all lead somewhere', () => {
  const references = Array.from(schemasIn(document)).filter(({ $ref }) => typeof $ref === 'string');
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references) resolve(reference);
});

test('has patterns that are expressions without flags', () => {
  for (const { pattern } of schemasIn(document)) {
    if (typeof pattern !== 'string') continue;
    expect(() => new RegExp(pattern, 'u')).not.toThrow();
    expect(pattern).not.toMatch(/\$\/\w*$/);
  }
});

/** Everything below /v1 but how the portal looks, and what one has to know before a sign-in. */
const needsKey = (path: string): boolean =>
  path.startsWith('/v1/') && !['/v1/portal', '/v1/sessions/methods'].includes(path);

test('says of each operation what it is for, what it takes and what it responds', () => {
  for (const [method, path, { summary, tags, security, parameters = [], requestBody, responses }] of operations()) {
    const name = `${method} ${path}`;
    expect([name, summary, tags]).toEqual([name, expect.stringMatching(/\w/), [expect.stringMatching(/\w/)]]);
    const forAccounts = JSON.stringify(security).includes('accountKey');
    // test/integration/http/scopes.test.ts has the scopes.
    const scopes = security?.flatMap(Object.values)[0];
    const keys = [{ operatorKey: scopes }, ...(forAccounts ? [{ accountKey: scopes }] : [])];
    // test/integration/api/portal/routes.test.ts has those of portal links.
    const own = security?.filter((scheme) => !('portalLink' in scheme));
    expect([name, own]).toEqual([name, needsKey(path) ? keys : []]);
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    expect([name, inPath.map((parameter) => parameter.name)]).toEqual([
      name,
      Array.from(path.matchAll(/\{(\w+)\}/g), ([, parameter]) => parameter),
    ]);
    for (const parameter of inPath) expect(parameter.required).toBe(true);
    expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining([expect.stringMatching(/^2/)])]);
    for (const [status, { description, content = {} }] of Object.entries(responses)) {
      expect(description).toMatch(/\w/);
      if (Number(status) < 400 || !path.startsWith('/v1/')) continue;
      expect([name, content]).toEqual([
        name,
        { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      ]);
    }
    const expected = needsKey(path) ? ['401', '503'] : [];
    if (expected.length > 0 && !JSON.stringify(security).includes('accountKey')) expected.push('403');
    if (requestBody) expected.push('400', '413', '415', '422');
    if (inPath.length > 0) expected.push('404');
    expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining(expected)]);
  }
});

describe.each(samples)('with an account of $provider', ({ provider, eventType }) => {
  /** Bodies of operations that want one. */
  const bodies: Record<string, unknown> = {
    'post /v1/accounts': { provider, name: 'Acme' },
    'post /v1/keys': { name: 'CI', scopes: ['publish'] },
    'post /v1/alert-rules': {
      ...{ name: 'Receivers', condition: 'subscription_failing' },
      target: { kind: 'slack', url: 'https://hooks.example.com/services/x' },
    },
    'patch /v1/alert-rules/{id}': { minutes: 30 },
    'put /v1/accounts/by-id/{externalId}': { provider, name: 'Acme' },
    'post /v1/accounts/{id}/subscriptions': plainSubscription(provider),
    'post /v1/accounts/{id}/events': { type: eventType, data: exampleOf(provider) },
    'patch /v1/accounts/{id}': { disableAfterHours: 24 },
    'post /v1/accounts/{id}/erase': { reason: 'request of the customer' },
    'post /v1/events/{id}/erase': { reason: 'request of the customer' },
    'patch /v1/subscriptions/{id}': { description: 'other' },
    'post /v1/deliveries/bulk': { action: 'redeliver', filter: { provider } },
    'post /v1/jobs': { action: 'redeliver', filter: { provider }, dryRun: true },
    'post /v1/contracts/{provider}/verify': { secret: 'x-secret: value-4711', headers: {}, body: '{}' },
    'put /v1/event-types/{name}': { description: 'other' },
    'patch /v1/event-types/{name}': { description: 'other' },
    'post /v1/event-types/import': { document: { openapi: '3.1.0', webhooks: {} }, dryRun: true },
    'post /v1/broadcasts': { provider, type: eventType, data: exampleOf(provider), dryRun: true },
    'post /v1/accounts/{id}/filters/test': { filter: { type: eventType } },
    'post /v1/accounts/{id}/transformations/test': { expression: 'data', event: { type: eventType, data: {} } },
    'post /v1/deliveries/{id}/extend': { seconds: 60 },
    'post /v1/subscriptions/{id}/recover': { from: '2026-01-01T00:00:00Z', dryRun: true },
  };

  const ruleId = async () =>
    (await api.ask('POST', '/v1/alert-rules', bodies['post /v1/alert-rules'])).body.id as string;
  const startJob = (accountId: string) => api.ask('POST', '/v1/jobs', { action: 'redeliver', filter: { accountId } });

  test('each documented operation responds as documented', async () => {
    // The one that the accounts with such types use; the others are not affected.
    const eventTypeName = 'user.created';
    for (const [method, path, { requestBody, responses }] of operations()) {
      const name = `${method} ${path}`;
      // Only Temporal knows recoveries, and there is none here; test/e2e/recovery.test.ts has them.
      if (path.startsWith('/v1/recoveries/')) continue;
      // Broadcasts need Temporal too: test/e2e/broadcasts.test.ts
      if (path.startsWith('/v1/broadcasts/')) continue;
      // Only subscriptions with ed25519 have public keys: test/integration/api/subscriptions/public-keys.test.ts
      if (path.startsWith('/.well-known/')) continue;
      expect((await api.ask('PUT', `/v1/event-types/${eventTypeName}`, {})).status).toBe(200);
      const { account, subscription, event, deliveryId } = await emitted(api.ask, provider);
      const [key] = (await api.ask('GET', `/v1/accounts/${account.id}`)).body.keys;
      const { body: link } = await api.ask('POST', `/v1/accounts/${account.id}/portal-links`);
      const ids: Record<string, string> = {
        accounts: account.id,
        subscriptions: subscription.id,
        events: event.id,
        deliveries: deliveryId,
        recoveries: newRecoveryId(subscription.id),
        jobs: path.startsWith('/v1/jobs/') ? (await startJob(account.id)).body.id : '',
        keys: (await api.ask('POST', '/v1/keys', { name: 'CI' })).body.id,
        'alert-rules': path.startsWith('/v1/alert-rules/') ? await ruleId() : '',
      };
      const asked = path
        .replace('{keyId}', key.id)
        .replace('{linkId}', link.id)
        .replace('{provider}', provider)
        .replace('{externalId}', account.externalId)
        .replace('{name}', eventTypeName)
        .replace('{id}', ids[path.split('/')[2] ?? ''] ?? '');
      const body = bodies[name];
      if (body !== undefined) {
        expect([name, deviations(requestBody!.content['application/json']!.schema, body)]).toEqual([name, []]);
      } else expect([name, requestBody?.required ?? false]).toEqual([name, false]);
      const response: ApiResponse = await api.ask(method.toUpperCase(), asked, body);
      expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining([String(response.status)])]);
      // Only subscriptions whose contract has no secret response so.
      if (!path.endsWith('/secret')) expect([name, response.status]).not.toEqual([name, 404]);
      const { content } = responses[response.status]!;
      if (content === undefined) expect([name, response.text]).toEqual([name, '']);
      else {
        const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(content);
        expect(response.headers.get('content-type')).toContain(type);
        if (type !== 'text/event-stream') expect([name, deviations(schema, response.body)]).toEqual([name, []]);
      }
    }
  });
});

test('an event must have data, whatever it is', () => {
  const schema = document.paths['/v1/accounts/{id}/events']!['post']!.requestBody!.content['application/json']!.schema;
  for (const data of [null, 1, 'x', [], {}]) expect(deviations(schema, { type: 'x', data })).toEqual([]);
  expect(deviations(schema, { type: 'x' })).not.toEqual([]);
});

test('a batch gets the documented response', async () => {
  const account = await newAccount(api.ask, 'standard');
  const body = { events: [{ type: 'user.created', data: 1 }, {}] };
  const { requestBody, responses } = document.paths['/v1/accounts/{id}/events']!['post']!;
  expect(deviations(requestBody!.content['application/json']!.schema, body)).toEqual([]);
  const response = await api.ask('POST', `/v1/accounts/${account.id}/events`, body);
  expect(deviations(responses['202']!.content!['application/json']!.schema, response.body)).toEqual([]);
});
