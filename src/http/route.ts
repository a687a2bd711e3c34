/** Routes whose schemas validate requests and document them in OpenAPI. */
import type { OpenAPIRegistry, RouteConfig } from '@asteasolutions/zod-to-openapi';
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import { describePortalAccess, refusalOf, securityOf, type RouteAccess } from './access.js';
import type { Audit } from './audit.js';
import { check, isStorable } from './check.js';
import { jsonBody, plainJsonBody } from './json-body.js';
import { principalOf, type Principal } from './principal.js';
import { notFound, Problem } from './problem.js';
import { problemSchema } from './openapi.js';

/** The router and the registry that routes are added to. */
export interface Routing {
  readonly router: Router;
  readonly registry: OpenAPIRegistry;
  /** Maximum body of a request with events, in bytes. */
  readonly maxBodyBytes: number;
  /**
   * The id of the account that a path names by its id or by the platform's own one; the same text when there is none.
   */
  readonly accountIdOf: (principal: Principal, named: string) => Promise<string>;
  readonly audit: Audit;
}

/** Paths below an account: `{id}` may be the platform's own id of it. */
const OF_ACCOUNT = '/v1/accounts/{id}';

/** The validated parts of a request for its handler. */
export interface Checked<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** The caller; an account only if the route is `forAccounts`. */
  readonly principal: Principal;
  readonly request: Request;
  readonly response: Response;
}

interface RouteDefinition<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
> extends RouteAccess {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters in braces, as in OpenAPI. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /**
   * Whether its calls are in the audit log: by default those that may change something, which is every method but GET of
   * the scopes operate and admin.
   */
  readonly isAudited?: boolean;
  readonly params?: Params;
  /** Whether the handler finds the account of the path itself. */
  readonly findsAccountItself?: boolean;
  readonly query?: Query;
  readonly headers?: z.ZodObject;
  readonly body?: Body;
  /** Whether the handler reads the body itself; the schema is then only documentation. */
  readonly readsBodyItself?: boolean;
  /** Whether the body may be absent. */
  readonly bodyOptional?: boolean;
  /** Status and schema of the success response; null for no body. */
  readonly responses: {
    readonly status: number;
    readonly description: string;
    readonly schema: z.ZodType | null;
    /** The media type; JSON when absent. */
    readonly type?: string;
  };
  /** Alternative success response, sent by the handler itself. */
  readonly otherwise?: { readonly status: number; readonly description: string; readonly schema: z.ZodType };
  /** Additional problem statuses of this route. */
  readonly problems?: readonly number[];
}

const none = z.strictObject({});

/** Adds a route to the router and to the OpenAPI document. The handler's result is sent as JSON. */
export function addRoute<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType>(
  { router, registry, maxBodyBytes, accountIdOf, audit }: Routing,
  definition: RouteDefinition<Params, Query, Body>,
  handle: (checked: Checked<z.output<Params>, z.output<Query>, z.output<Body>>) => Promise<unknown>,
): void {
  registry.registerPath(documentation(definition));
  const { method, path, params, query, body, responses: success, scope } = definition;
  const { isAudited = method !== 'get' && (scope === 'operate' || scope === 'admin') } = definition;
  const isAllowed: RequestHandler = (_request, response, next) => {
    const refusal = refusalOf(principalOf(response), definition);
    if (refusal) throw refusal;
    next();
  };
  const namesAccount = path.startsWith(OF_ACCOUNT) && !definition.findsAccountItself;
  // Only event payloads are large, and only handlers that read the body themselves accept them.
  const readJson = definition.readsBodyItself ? jsonBody(maxBodyBytes) : plainJsonBody(maxBodyBytes);
  router[method](path.replace(/\{(\w+)\}/g, ':$1'), isAllowed, ...readJson, async (request, response) => {
    const principal = principalOf(response);
    const given = readParams(params ?? none, request.params);
    const named = namesAccount ? { ...given, id: await accountIdOf(principal, String(given.id)) } : given;
    const checked = {
      params: named,
      query: check(query ?? none, request.query),
      body: body && readBody(request, definition, body),
      principal,
      request,
      response,
    } as Checked<z.output<Params>, z.output<Query>, z.output<Body>>;
    const result = isAudited
      ? await audit.around(
          {
            principal,
            request,
            response,
            action: `${method.toUpperCase()} ${path}`,
            params: named,
            success: success.status,
          },
          () => handle(checked),
        )
      : await handle(checked);
    if (response.headersSent) return;
    response.status(success.status);
    if (success.schema === null) response.end();
    else response.json(result);
  });
}

function readBody(
  request: Request,
  { bodyOptional, readsBodyItself }: { bodyOptional?: boolean; readsBodyItself?: boolean },
  schema: z.ZodType,
): unknown {
  const body: unknown = request.body ?? (bodyOptional ? {} : undefined);
  if (body === undefined) throw new Problem('malformed_request', 'send a JSON body');
  if (readsBodyItself) return body;
  return check(schema, body);
}

/** The path parameters; 404 for values that cannot be an id. */
function readParams(schema: z.ZodObject, params: Request['params']): Record<string, unknown> {
  if (!Object.values(params).flat().every(isStorable)) throw notFound('resource');
  return check(schema, params);
}

function documentation(definition: RouteDefinition<z.ZodObject, z.ZodObject, z.ZodType>): RouteConfig {
  const {
    method,
    path,
    tag,
    summary,
    description,
    params,
    query,
    headers,
    body,
    responses: success,
    otherwise,
    problems = [],
  } = definition;
  const problem = { content: { 'application/problem+json': { schema: problemSchema } } };
  const text = [description, describePortalAccess(definition)].filter((part) => part !== undefined).join(' ');
  const statuses = [
    ...(body ? [400, 413, 415] : []),
    ...(params ? [404] : []),
    ...(body || query ? [422] : []),
    ...(definition.forAccounts && definition.scope === 'any' ? [] : [403]),
    ...[401, 429, 503, ...problems],
  ];
  return {
    method,
    path,
    tags: [tag],
    summary,
    ...(text === '' ? {} : { description: text }),
    security: securityOf(definition),
    request: {
      ...(params ? { params } : {}),
      ...(query ? { query } : {}),
      ...(headers ? { headers } : {}),
      ...(body
        ? { body: { required: !definition.bodyOptional, content: { 'application/json': { schema: body } } } }
        : {}),
    },
    responses: {
      [success.status]: {
        description: success.description,
        ...(success.schema ? { content: { [success.type ?? 'application/json']: { schema: success.schema } } } : {}),
      },
      ...(otherwise && {
        [otherwise.status]: {
          description: otherwise.description,
          content: { 'application/json': { schema: otherwise.schema } },
        },
      }),
      ...Object.fromEntries(statuses.map((status) => [status, { description: 'A problem', ...problem }])),
    },
  };
}
