/** API keys: whose the caller's is, and the keys of an account. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { findContract } from '../../providers/registry.js';
import {
  insertApiKey,
  listApiKeys,
  revokeApiKey,
  scopes as allScopes,
  type Scope,
} from '../../store/accounts/api-keys.js';
import { portalCapabilities } from '../../store/accounts/sessions.js';
import type { ApiContext } from '../context.js';
import { canSee } from '../../http/principal.js';
import { invalidField, notFound } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { OPERATOR_KEY_PREFIX } from '../../http/sign-in.js';
import { apiKeySchema, line, time, withKey } from '../schemas.js';
import { mustFindAccount } from './accounts.js';

const tag = 'Accounts';
const params = z.object({ id: z.string() });

const meSchema = z
  .object({
    role: z.enum(['operator', 'account']),
    scopes: z.array(z.enum(allScopes)).describe('What the key may be used for.'),
    key: z
      .object({ id: z.string().optional(), name: z.string().nullable() })
      .describe('The key; without an id it is the admin key of the settings.'),
    account: z
      .object({ id: z.string(), provider: z.string(), name: z.string() })
      .optional()
      .describe('The account that the key belongs to; absent for an operator.'),
    portal: z
      .object({ capabilities: z.array(z.enum(portalCapabilities)), expiresAt: time })
      .optional()
      .describe('Of a link of the customer portal: what it may do besides reading, and until when.'),
  })
  .openapi('Me');

/** The caller's role and account. */
export function meRoutes(routing: Routing): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/me',
      tag: 'Access',
      scope: 'any',
      summary: "Get the caller's role and account",
      forAccounts: true,
      capability: 'view',
      responses: { status: 200, description: 'An operator or an account', schema: meSchema },
    },
    async ({ principal }) => {
      const { role, credential } = principal;
      const { scopes, id, name, portal } = credential;
      // The name of the key that a portal link was made with is no matter of the customer.
      const shown = { role, scopes, key: { ...(id !== undefined && { id }), name: portal ? null : name } };
      if (principal.role === 'operator') return shown;
      const { account } = principal;
      const { provider, name: accountName } = account;
      return { ...shown, account: { id: account.id, provider, name: accountName }, ...(portal && { portal }) };
    },
  );
}

/** Makes a key's choices a request body; an account cannot publish. */
const choices = <const Allowed extends readonly Scope[]>(allowed: Allowed) =>
  z.strictObject({
    name: line(100).min(1).optional().describe('What it is for, or who has it.'),
    scopes: z
      .array(z.enum(allowed))
      .min(1)
      .optional()
      .describe('What it may be used for: admin, the default, includes all others, and operate includes read.'),
    expiresAt: time.optional().describe('From when on it is rejected; never when absent.'),
  });

/** The fields of a new key. Throws a problem for an expiry that has passed. */
function chosen({ expiresAt, scopes, ...rest }: z.output<ReturnType<typeof choices<typeof allScopes>>>) {
  const expiry = expiresAt === undefined ? null : new Date(expiresAt);
  if (expiry && expiry <= new Date()) throw invalidField('expiresAt', 'must be in the future');
  return { ...rest, expiresAt: expiry, ...(scopes && { scopes: [...new Set(scopes)] }) };
}

/** Adds and revokes keys of an account. */
export function keyRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts/{id}/keys',
      tag,
      scope: 'admin',
      summary: 'Add an API key',
      forAccounts: true,
      params,
      body: choices(['read', 'operate', 'admin']),
      bodyOptional: true,
      responses: { status: 201, description: 'The new key', schema: apiKeySchema.extend(withKey.shape) },
    },
    async ({ params, body, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const key = findContract(account.provider)!.accounts.newApiKey(randomBytes);
      return { ...(await insertApiKey(store.pool, { accountId: account.id, key, ...chosen(body) })), apiKey: key };
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/accounts/{id}/keys/{keyId}',
      tag,
      scope: 'admin',
      summary: 'Revoke an API key',
      forAccounts: true,
      params: params.extend({ keyId: z.string() }),
      responses: { status: 204, description: 'Revoked', schema: null },
    },
    async ({ params, principal }) => {
      if (!canSee(principal, params.id) || !(await revokeApiKey(store, params.id, params.keyId))) throw notFound('key');
    },
  );
}

/** Adds, lists and revokes keys of operators. */
export function operatorKeyRoutes(routing: Routing, { store, signIn }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/keys',
      tag: 'Access',
      scope: 'admin',
      summary: 'Add a key of an operator',
      description: 'Beside the admin key of the settings, which has all scopes, does not expire and is not listed.',
      body: choices(allScopes).required({ name: true }),
      responses: {
        status: 201,
        description: 'The new key',
        schema: apiKeySchema.extend({ apiKey: z.string().describe('Shown only once.') }),
      },
    },
    async ({ body }) => {
      const apiKey = `${OPERATOR_KEY_PREFIX}${randomBytes(24).toString('base64url')}`;
      return { ...(await insertApiKey(store.pool, { accountId: null, key: apiKey, ...chosen(body) })), apiKey };
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/keys',
      tag: 'Access',
      scope: 'admin',
      summary: "List operators' keys",
      responses: {
        status: 200,
        description: 'The keys, oldest first, expired ones included',
        schema: z.object({ data: z.array(apiKeySchema) }),
      },
    },
    async () => ({ data: await listApiKeys(store, null) }),
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/keys/{id}',
      tag: 'Access',
      scope: 'admin',
      summary: 'Revoke a key of an operator',
      description: 'In other processes of the API it may be accepted for another second.',
      params,
      responses: { status: 204, description: 'Revoked', schema: null },
    },
    async ({ params }) => {
      if (!(await revokeApiKey(store, null, params.id))) throw notFound('key');
      signIn.forget();
    },
  );
}
