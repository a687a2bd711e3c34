/**
 * Whatever is sent to whichever route: a response, never a fault of ours, and every refusal in the form of its API. The
 * routes are those of the OpenAPI document and of the providers' routers, so a new one is covered at once.
 */
import * as fc from 'fast-check';
import { registrationApis } from '../../../src/providers/registry.js';
import type { Registrar } from '../../../src/providers/registration.js';
import { ADMIN_KEY, startApiWithDatabase } from '../../support/api.js';
import { jsonValues } from '../../support/json-values.js';
import { emitExample, type Emitted } from '../../support/subscriptions.js';

const RUNS = 200;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const PROVIDERS: [provider: string, eventType: string][] = [
  ['standard', 'user.created'],
  ['postack', 'message.received'],
  ['postmark', 'Bounce'],
  ['bird', 'sms.inbound'],
  ['postpress', 'message_received'],
  ['postscript', 'shop.incoming_message'],
];

interface Route {
  readonly method: string;
  /** With parameters in braces. */
  readonly path: string;
  /** Names of fields of the body that the document knows. */
  readonly fields: readonly string[];
}

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let ours: Route[];
let emitted: (Emitted & { readonly provider: string; readonly reference: string })[];

beforeAll(async () => {
  api = await startApiWithDatabase({ maxBodyBytes: 65_536 });
  // Without the routes that do little but ask a Temporal that is not there: its client goes on trying after the test.
  const askingTemporal = ['/v1/health', '/v1/reconciliations'];
  ours = documented((await api.ask('GET', '/openapi.json')).body).filter(({ path }) => !askingTemporal.includes(path));
});
afterAll(() => api.close());

// Again for each test, as requests delete what they name.
beforeEach(async () => {
  emitted = [];
  for (const [provider, type] of PROVIDERS) {
    const each = await emitExample(api.ask, provider, type);
    const { reference } = (await api.ask('GET', `/v1/subscriptions/${each.subscriptionId}`)).body;
    emitted.push({ ...each, provider, reference: String(reference) });
  }
});

function documented(document: { paths: Record<string, Record<string, unknown>> }): Route[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({
      method,
      path,
      fields: fieldsOf(item[method]),
    })),
  );
}

function fieldsOf(operation: unknown): string[] {
  const { requestBody } = operation as { requestBody?: { content: Record<string, { schema: object }> } };
  const schema = requestBody?.content['application/json']?.schema as { properties?: object } | undefined;
  return Object.keys(schema?.properties ?? {});
}

/** Every route that the providers' routers register; parameters as `:name` become `{name}`. */
function native(): Route[] {
  interface Layer {
    route?: { path: string | string[]; stack: { method?: string }[] };
    handle?: { stack?: Layer[] };
  }
  const walk = (layers: Layer[]): Route[] =>
    layers.flatMap(({ route, handle }) => {
      if (!route) return walk(handle?.stack ?? []);
      const methods = [...new Set(route.stack.map(({ method }) => method ?? 'post'))];
      return [route.path]
        .flat()
        .flatMap((path) => methods.map((method) => ({ method, path: braces(String(path)), fields: [] })));
    });
  const registrar = new Proxy({} as Registrar, { get: (_, name) => (name === 'readJson' ? [] : () => undefined) });
  return registrationApis.flatMap((routes) => walk((routes(registrar) as unknown as { stack: Layer[] }).stack));
}

function braces(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace(/\{\/\*?\w+\}/g, '');
}

/** Text for a part of a URL, as hostile as a URL allows. */
const segments = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map(encode),
  fc.constantFrom('%00', '%0d%0aX:1', '%ff', '%', '..', '__proto__', 'constructor', '-1', '1e300', '%ED%A0%80', 'null'),
  fc.constant('9'.repeat(400)),
);

function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

const queries = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom('limit', 'cursor', 'state', 'from', 'to', 'count', 'offset', 'page', '__proto__', 'a[b]', ''),
          segments,
        ),
        { maxLength: 3 },
      )
      .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
  },
);

/** Texts of bodies: any JSON, objects with known fields, numbers and keys that parsers stumble over, and no JSON at all. */
function bodies(fields: readonly string[]): fc.Arbitrary<string> {
  const names = fc.constantFrom(...fields, 'url', 'eventTypes', 'headers', 'enabled', 'name', 'type', 'data');
  return fc.oneof(
    { weight: 6, arbitrary: fc.dictionary(names, jsonValues).map((value) => JSON.stringify(value)) },
    { weight: 2, arbitrary: jsonValues.map((value) => JSON.stringify(value)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          names,
          fc.constantFrom('1e999', '-0', '9'.repeat(400), '"\\u0000"', '"\\ud800"', '{"__proto__":{}}', '"\\r\\nX: 1"'),
        )
        .map(([name, text]) => `{${JSON.stringify(name)}:${text}}`),
    },
    { weight: 1, arbitrary: fc.constantFrom('', '{', '[[', '{"a":1,"a":2}', '\u0000', '['.repeat(5_000), '"') },
  );
}

interface Sent {
  readonly route: Route;
  readonly path: string;
  readonly body: string;
}

/** Requests to routes; ids are sometimes those of things that are there. */
function requests(routes: readonly Route[]): fc.Arbitrary<Sent> {
  const known = emitted.flatMap((each) => [
    each.accountId,
    each.subscriptionId,
    each.deliveryId,
    each.eventId,
    each.reference,
  ]);
  const ids = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: segments });
  return fc.constantFrom(...routes).chain((route) =>
    fc.record({
      route: fc.constant(route),
      path: fc.tuple(fc.array(ids, { minLength: 6, maxLength: 6 }), queries).map(([given, query]) => {
        let index = 0;
        return route.path.replace(/\{\w+\}/g, () => given[index++ % given.length]!) + query;
      }),
      body: route.method === 'get' ? fc.constant('') : bodies(route.fields),
    }),
  );
}

async function send({ route, path, body }: Sent, headers: Record<string, string>) {
  const response = await fetch(`${api.url}${path}`, {
    method: route.method.toUpperCase(),
    headers: { 'content-type': 'application/json', ...headers },
    ...(route.method === 'get' ? {} : { body }),
    redirect: 'manual',
    signal: AbortSignal.timeout(5_000),
  });
  const type = response.headers.get('content-type') ?? '';
  // A stream has no end to wait for.
  const isStream = type.startsWith('text/event-stream');
  if (isStream) await response.body?.cancel();
  return { status: response.status, type, text: isStream ? '' : await response.text() };
}

const parameters = { numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: 15_000 };

/** Commands need Temporal, which is not running: 503 is right for them and for readiness. */
const needsTemporal = /\/(bulk|cancel|pause|resume|retry|retry-now|recover|recoveries)$|^\/v1\/recoveries\//;

test('our own routes', async () => {
  expect(ours.length).toBeGreaterThan(20);
  const keys = [ADMIN_KEY, ...emitted.map(({ apiKey }) => apiKey)];
  await fc.assert(
    fc.asyncProperty(requests(ours), fc.constantFrom(...keys), async (sent, key) => {
      const { status, type, text } = await send(sent, { authorization: `Bearer ${key}` });
      if (status === 503 && needsTemporal.test(sent.path.replace(/\?.*/, ''))) return;
      expect(status).toBeLessThan(500);
      if (status < 400) return;
      expect(type).toMatch(/^application\/problem\+json/);
      expect(JSON.parse(text)).toMatchObject({
        type: expect.stringMatching(/^urn:pigeonpost:problem:/),
        status,
        code: expect.any(String),
        detail: expect.any(String),
      });
    }),
    parameters,
  );
});

test('the providers’ routes', async () => {
  const routes = native();
  expect(routes.length).toBeGreaterThan(20);
  const sent = fc.tuple(requests(routes), fc.constantFrom(...emitted));
  const responded = new Set<number>();
  await fc.assert(
    fc.asyncProperty(sent, async ([request, { provider, apiKey }]) => {
      const { status, type, text } = await send(request, credentials(provider, apiKey));
      responded.add(status);
      expect(status).toBeLessThan(500);
      if (status < 400) return;
      expect(type).toMatch(/json/);
      expect(JSON.parse(text)).toEqual(expect.any(Object));
    }),
    { ...parameters, numRuns: PROVIDERS.length * RUNS },
  );
  // It has come further than the door.
  expect(responded.has(200) || responded.has(201)).toBe(true);
});

/** A key as its provider takes it. */
function credentials(provider: string, key: string): Record<string, string> {
  if (provider === 'postmark') return { 'x-postmark-server-token': key };
  if (provider === 'postpress') return { 'x-api-key': key };
  return { authorization: `${provider === 'bird' ? 'AccessKey' : 'Bearer'} ${key}` };
}
