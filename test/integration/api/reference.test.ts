/** The API reference at /docs: it has every operation, the providers' own included, and says what to do about errors. */
import { problemCodes } from '../../../src/http/problem';
import { registrationApis, registrationReferences } from '../../../src/providers/registry';
import type { Registrar } from '../../../src/providers/registration';
import { startApiWithDatabase } from '../../support/api';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: string[];
  readonly 'x-codeSamples'?: { readonly source: string }[];
}
interface Reference {
  readonly info: { readonly description: string };
  readonly tags: { readonly name: string; readonly description: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly 'x-tagGroups': { readonly tags: string[] }[];
}

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let reference: Reference;
beforeAll(async () => {
  api = await startApiWithDatabase();
  reference = (await api.ask('GET', '/docs/openapi.json', undefined, { Authorization: '' })).body;
});
afterAll(() => api.close());

const operations = () => Object.values(reference.paths).flatMap((methods) => Object.values(methods));

test('every operation has an id of its own, a summary and a tag with a text', () => {
  const ids = operations().map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const texts = new Map(reference.tags.map(({ name, description }) => [name, description]));
  const grouped = reference['x-tagGroups'].flatMap(({ tags }) => tags);
  for (const { operationId, summary, tags } of operations()) {
    expect({ operationId, summary, text: texts.get(tags[0]!) }).toEqual({
      operationId,
      summary: expect.stringMatching(/./),
      text: expect.stringMatching(/./),
    });
    expect(grouped).toContain(tags[0]);
  }
  // A tag that nothing has would be an empty section.
  expect([...new Set(operations().flatMap(({ tags }) => tags))].sort()).toEqual([...texts.keys()].sort());
});

test('own operations have a command with the required fields', () => {
  expect(reference.paths['/v1/accounts']!.post!['x-codeSamples']![0]!.source).toBe(
    [
      'curl -X POST "$PIGEONPOST_URL/v1/accounts"',
      '-H "Authorization: Bearer $KEY"',
      "-H 'Content-Type: application/json'",
      `-d '{"provider":"string","name":"string"}'`,
    ].join(' \\\n  '),
  );
  expect(reference.paths['/healthz']!.get!['x-codeSamples']![0]!.source).toBe('curl "$PIGEONPOST_URL/healthz"');
});

test('every error code is explained', () => {
  for (const [code, status] of Object.entries(problemCodes)) {
    expect(reference.info.description).toMatch(new RegExp(`\\| \`${code}\` \\| ${status} \\| .{20,} \\|`));
  }
});

interface Layer {
  readonly route?: { readonly path: string | string[]; readonly stack: { readonly method?: string }[] };
  readonly handle: { readonly stack?: Layer[] };
}

/** Every route of a router and of those in it, as `method path`, without the paths that inner routers are mounted at. */
function routesOf(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ route, handle }) => {
    if (!route) return handle.stack ? routesOf(handle.stack) : [];
    const methods = new Set(route.stack.flatMap(({ method }) => (method ? [method] : [])));
    return [route.path].flat().flatMap((path) => [...methods].map((method) => `${method} ${asInOpenApi(path)}`));
  });
}

const asInOpenApi = (path: string): string => path.replace(/:(\w+)/g, '{$1}').replace(/^\/$/, '');

test('the providers’ own operations are all there, and no others', () => {
  // Routers need only what they call while they are made.
  const registrar = { readJson: [] } as unknown as Registrar;
  const routes = registrationApis.flatMap((create) =>
    routesOf((create(registrar)).stack as unknown as Layer[]),
  );
  const documented = registrationReferences.flatMap((each) => Object.keys(each.operations));
  expect(registrationReferences).toHaveLength(registrationApis.length);
  for (const route of routes) {
    const [method, path] = route.split(' ') as [string, string];
    expect(documented.filter((each) => each.startsWith(`${method} `) && each.endsWith(path))).not.toEqual([]);
  }
  for (const each of documented) {
    const [method, path] = each.split(' ') as [string, string];
    expect({
      each,
      is: routes.some((route) => route.startsWith(`${method} `) && path.endsWith(route.split(' ')[1]!)),
    }).toEqual({
      each,
      is: true,
    });
  }
});

test('the page loads nothing from elsewhere, and needs no key', async () => {
  const page = await api.ask('GET', '/docs', undefined, { Authorization: '' });
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  const sources = [...page.text.matchAll(/(?:src|spec-url|href)="([^"]*)"/g)].map(([, source]) => source!);
  expect(sources).toEqual(['/docs/openapi.json', '/redoc.js']);
});
