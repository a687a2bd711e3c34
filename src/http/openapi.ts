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

/** What the operations of each tag are for, in the order of the document. */
const tagTexts: Readonly<Record<string, string>> = {
  Events: 'Accept events and find them.',
  Deliveries: 'Find deliveries, look into each attempt, and send commands to them.',
  Search: 'Find anything by an id or a text.',
  Jobs: 'Send one command to all deliveries of a filter, in the background and at a rate.',
  Broadcasts: 'Emit one event to all accounts of a provider.',
  Subscriptions: 'The URLs that receive events: secrets, policies, pauses and test events.',
  Recoveries: 'Send again what a subscription missed, with progress.',
  Polling: 'Read events instead of receiving them.',
  Accounts: 'The customers of the platform, each under one provider, and their keys.',
  'Event types': 'The kinds of events that the platform defines, with schemas and examples.',
  Contracts: 'What each provider sends, accepts and retries, and a check of signatures.',
  Erasures: 'Remove the content of events before the end of their retention.',
  Overview: 'Figures and health of the whole installation.',
  Portal: 'Links to the customer portal, and how it looks.',
  Alerts: 'Messages to people about what needs attention.',
  Access: 'Keys, and what the key of a request may do.',
  Operation: 'Probes of the process, and documents about the API. They need no key.',
};

/** Methods and the verbs that they mean for a collection and for one thing. */
const VERBS: Readonly<Record<string, readonly [collection: string, one: string]>> = {
  get: ['list', 'get'],
  post: ['create', 'create'],
  put: ['replace', 'put'],
  patch: ['update', 'update'],
  delete: ['delete', 'delete'],
};

/**
 * The id of an operation, made of its method and path: `GET /v1/deliveries/{id}` is `getDelivery`,
 * `POST /v1/deliveries/{id}/retry` is `retryDelivery`. It changes only with the path, so clients can depend on it.
 */
export function operationId(method: string, path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== 'v1');
  const words = segments.flatMap((segment, index) => {
    if (segment.startsWith('{')) return [];
    const following = segments[index + 1];
    return following?.startsWith('{') ? [singular(segment)] : [segment];
  });
  const last = words.at(-1) ?? '';
  const isOne = segments.at(-1)?.startsWith('{') === true;
  const isCollection = !isOne && last.endsWith('s');
  const [ofCollection, ofOne] = VERBS[method]!;
  // A POST to a word that is no collection is a command: the word is the verb.
  if (method === 'post' && !isCollection && !isOne && words.length > 1) {
    const [verb, ...object] = last.split('-');
    return camel([verb!, ...words.slice(0, -1), ...object]);
  }
  const named = isCollection && method === 'post' ? [...words.slice(0, -1), singular(last)] : words;
  return camel([isCollection ? ofCollection : ofOne, ...named]);
}

const singular = (word: string): string =>
  word.endsWith('ies') ? `${word.slice(0, -3)}y` : word.replace(/([^s])s$/, '$1');

const camel = (words: readonly string[]): string =>
  words
    .join('-')
    .split(/[^a-z0-9]+/i)
    .filter((word) => word !== '')
    .map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
    .join('');

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
  registry.registerComponent('securitySchemes', 'portalLink', {
    type: 'http',
    scheme: 'bearer',
    description:
      'The token of a link of the customer portal, which sees only the data of its account. Operations name the ' +
      'capability that it needs: manage_subscriptions, show_secrets, view_secrets or send_again.',
  });
  for (const { path, summary, statuses } of open) {
    const content = { 'application/json': { schema: z.looseObject({}) } };
    const responses = Object.fromEntries(
      Object.entries(statuses).map(([status, description]) => [status, { description, content }]),
    );
    registry.registerPath({ method: 'get', path, tags: ['Operation'], summary, security: [], responses });
  }
  const document = new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Pigeonpost',
      version: '1',
      description: 'Accepts events and delivers each as a signed webhook on the contract of the account’s provider.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tagTexts).map(([name, description]) => ({ name, description })),
  });
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations as Record<string, { operationId?: string }>)) {
      operation.operationId = operationId(method, path);
    }
  }
  return document;
}
