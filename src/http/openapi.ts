/** The OpenAPI 3.1 document of the API, made of the same schemas that validate it. */
import { extendZodWithOpenApi, OpenApiGeneratorV31, type OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { UNKNOWN_FIELD } from './problem.js';

// Before any schema is made: import this module first where schemas get names of their own.
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
    moreErrors: z.int().optional().describe('How many errors were left out.'),
  })
  .openapi('Problem');

/** Routes that ask for no key and are not made by `addRoute`. */
const open: readonly { path: string; summary: string; statuses: Record<number, string> }[] = [
  { path: '/healthz', summary: 'Whether the process lives', statuses: { 200: 'It does' } },
  {
    path: '/readyz',
    summary: 'Whether the process can do its work',
    statuses: {
      200: 'It can',
      503: 'PostgreSQL does not answer, takes no writes or lacks migrations, or the process is ending',
    },
  },
  { path: '/openapi.json', summary: 'This document', statuses: { 200: 'OpenAPI 3.1' } },
];

export function openApiDocument(registry: OpenAPIRegistry) {
  registry.registerComponent('securitySchemes', 'adminKey', {
    type: 'http',
    scheme: 'bearer',
    description: "The operator's key.",
  });
  registry.registerComponent('securitySchemes', 'accountKey', {
    type: 'http',
    scheme: 'bearer',
    description:
      'A key of an account, which sees itself alone: what belongs to others answers as if it were not there.',
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
