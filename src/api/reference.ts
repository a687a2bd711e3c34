/** Serves the API reference at `/docs`: Redoc with the OpenAPI document, and the providers' own operations beside it. */
import { Router } from 'express';
import type { openApiDocument } from '../http/openapi.js';
import { pageHeaders } from '../http/page-headers.js';
import { problemAdvice, problemCodes, type ProblemCode } from '../http/problem.js';
import type { RegistrationReference } from '../providers/registration.js';

type Document = ReturnType<typeof openApiDocument>;

/** Redoc writes its styles into the page, and builds its search index in a worker that it makes of its own script. */
const HEADERS = pageHeaders([
  ...["script-src 'self'", "style-src 'unsafe-inline'", "img-src 'self' data:", "connect-src 'self'"],
  'worker-src blob:',
]);

const THEME = JSON.stringify({
  typography: { fontFamily: 'system-ui, sans-serif', headings: { fontFamily: 'system-ui, sans-serif' } },
});

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pigeonpost API</title>
<style>body { margin: 0; }</style>
</head>
<body>
<redoc spec-url="/docs/openapi.json" hide-download-button theme='${THEME}'></redoc>
<script src="/redoc.js"></script>
</body>
</html>
`;

/**
 * Serves `/docs` without a key, like the document itself. Redoc's script is a file of the dashboard's build.
 *
 * @param document the API's OpenAPI document
 * @param references the providers' own APIs
 */
export function referenceRoutes(document: Document, references: readonly RegistrationReference[]): Router {
  const router = Router();
  // Made for the first reader, as most processes have none.
  let whole: string | undefined;
  router.get('/docs', (_request, response) => void response.set(HEADERS).type('html').send(PAGE));
  router.get('/docs/openapi.json', (_request, response) => {
    whole ??= JSON.stringify(referenceDocument(document, references));
    response.set(HEADERS).type('json').send(whole);
  });
  return router;
}

/** The document with the error codes, a curl command for each operation, and the operations of the providers. */
export function referenceDocument(document: Document, references: readonly RegistrationReference[]) {
  const own = Object.entries(document.paths ?? {}).map(([path, operations]): [string, object] => [
    path,
    Object.fromEntries(
      Object.entries(operations as Record<string, Operation>).map(([method, operation]) => [
        method,
        {
          ...operation,
          'x-codeSamples': [{ lang: 'Shell', label: 'curl', source: curl(method, path, operation, document) }],
        },
      ]),
    ),
  ]);
  const paths: Record<string, object> = Object.fromEntries(own);
  for (const { title, operations } of references) {
    for (const [named, summary] of Object.entries(operations)) {
      const [method = '', path = ''] = named.split(' ');
      paths[path] = { ...paths[path], [method]: providerOperation(title, method, path, summary) };
    }
  }
  const names = references.map(({ title }) => ofProvider(title));
  return {
    ...document,
    info: { ...document.info, description: `${document.info.description ?? ''}\n\n${errorCodes()}` },
    paths,
    tags: [
      ...(document.tags ?? []),
      ...references.map(({ title, about }) => ({ name: ofProvider(title), description: about })),
    ],
    'x-tagGroups': [
      { name: 'Pigeonpost', tags: (document.tags ?? []).map(({ name }) => name) },
      { name: 'Own APIs of the providers', tags: names },
    ],
  };
}

const ofProvider = (title: string): string => `${title}’s own API`;

interface Operation {
  readonly security?: readonly object[];
  readonly requestBody?: { readonly content?: Record<string, { readonly schema?: Schema }> };
}

function providerOperation(title: string, method: string, path: string, summary: string) {
  return {
    tags: [ofProvider(title)],
    summary,
    operationId: `${method}${path.replace(/[^a-z0-9]+/gi, '-')}`,
    parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    responses: { default: { description: 'As that provider responds' } },
  };
}

function errorCodes(): string {
  const rows = (Object.keys(problemCodes) as ProblemCode[]).map(
    (code) => `| \`${code}\` | ${problemCodes[code]} | ${problemAdvice[code]} |`,
  );
  return [
    '# Errors',
    'Every error is a problem (RFC 9457) with a `code` for programs:',
    ['| Code | Status | What to do |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}

/** As much of JSON Schema as an example of the required fields needs. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Record<string, Schema>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

function curl(method: string, path: string, { security, requestBody }: Operation, document: Document): string {
  const lines = [`curl${method === 'get' ? '' : ` -X ${method.toUpperCase()}`} "$PIGEONPOST_URL${path}"`];
  if (security?.length !== 0) lines.push('-H "Authorization: Bearer $KEY"');
  const schema = requestBody?.content?.['application/json']?.schema;
  if (schema) {
    const body = JSON.stringify(exampleOf(schema, document)).replaceAll("'", "'\\''");
    lines.push("-H 'Content-Type: application/json'", `-d '${body}'`);
  }
  return lines.join(' \\\n  ');
}

/** The smallest value that a schema describes: its example, or only what is required. */
function exampleOf(schema: Schema, document: Document): unknown {
  if (schema.$ref !== undefined) {
    const named = document.components?.schemas?.[schema.$ref.split('/').at(-1)!] as Schema | undefined;
    return named ? exampleOf(named, document) : {};
  }
  const given = schema.example ?? schema.const ?? schema.default ?? schema.enum?.[0];
  if (given !== undefined) return given;
  const alternative = (schema.anyOf ?? schema.oneOf)?.[0];
  if (alternative) return exampleOf(alternative, document);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((each) => exampleOf(each, document))) as object;
  return exampleOfType(schema, document);
}

function exampleOfType(schema: Schema, document: Document): unknown {
  const type = [schema.type].flat()[0];
  if (type === 'array') return [exampleOf(schema.items ?? {}, document)];
  if (type === 'string') return schema.format === 'date-time' ? '2026-01-31T12:00:00Z' : 'string';
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return true;
  return Object.fromEntries(
    (schema.required ?? []).map((name) => [name, exampleOf(schema.properties?.[name] ?? {}, document)]),
  );
}
