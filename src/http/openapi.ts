/** The OpenAPI 3.1 document of the API, generated from the schemas that validate requests. */
import { extendZodWithOpenApi, OpenApiGeneratorV31, type OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { UNKNOWN_FIELD } from './problem.js';

// Must run before any schema is created: import this module first where schemas are named.
extendZodWithOpenApi(z);
z.config({
  customError: ({ code, input }) =>
    code === 'unrecognized_keys' ? UNKNOWN_FIELD : input === undefined ? 'is missing' : undefined,
});

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('At most 50.'),
    moreErrors: z.int().optional().describe('Number of errors that are not listed.'),
  })
  .openapi('Problem');

/** Routes without authentication, which `addRoute` does not create. */
const open: readonly { path: string; summary: string; statuses: Record<number, string> }[] = [
  { path: '/healthz', summary: 'Whether the process is alive', statuses: { 200: 'Alive' } },
  {
    path: '/readyz',
    summary: 'Whether the process is ready',
    statuses: {
      200: 'Ready',
      503: 'PostgreSQL does not respond, rejects writes or lacks migrations, or the process is shutting down',
    },
  },
  { path: '/openapi.json', summary: 'This document', statuses: { 200: 'OpenAPI 3.1' } },
];

export function openApiDocument(registry: OpenAPIRegistry) {
  registry.registerComponent('securitySchemes', 'operatorKey', {
    type: 'http',
    scheme: 'bearer',
    description:
      'PIGEONPOST_ADMIN_KEY, or an operator’s key of /v1/keys. Operations name the scope that the key needs: publish, ' +
      'read, operate (includes read) or admin (includes all).',
  });
  registry.registerComponent('securitySchemes', 'accountKey', {
    type: 'http',
    scheme: 'bearer',
    description:
      'A key of an account, which sees only its own data: requests for data of others get 404 or an empty list.',
  });
  for (const { path, summary, statuses } of open) {
    const content = { 'application/json': { schema: z.looseObject({}) } };
    const responses = Object.fromEntries(
      Object.entries(statuses).map(([status, description]) => [status, { description, content }]),
    );
    registry.registerPath({ method: 'get', path, tags: ['Operation'], summary, security: [], responses });
  }
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Pigeonpost',
      version: '1',
      description: 'Accepts events and delivers each as a signed webhook on the contract of the account’s provider.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
  });
}
