/** The OpenAPI 3.1 document of the API, made of the same schemas that validate it. */
import { OpenApiGeneratorV31, type OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

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
