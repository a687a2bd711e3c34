/** API keys: whose the caller's is, and the keys of an account. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { findContract } from '../../providers/registry.js';
import { insertApiKey, revokeApiKey } from '../../store/accounts/api-keys.js';
import type { ApiContext } from '../context.js';
import { canSee } from '../../http/principal.js';
import { notFound } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { apiKeySchema, withKey } from '../schemas.js';
import { mustFindAccount } from './accounts.js';

const tag = 'Accounts';
const params = z.object({ id: z.string() });

const meSchema = z
  .object({
    role: z.enum(['operator', 'account']),
    account: z
      .object({ id: z.string(), provider: z.string(), name: z.string() })
      .optional()
      .describe('The account that the key belongs to; absent for an operator.'),
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
      summary: "Get the caller's role and account",
      forAccounts: true,
      responses: { status: 200, description: 'An operator or an account', schema: meSchema },
    },
    async ({ principal }) => {
      if (principal.role === 'operator') return { role: principal.role };
      const { id, provider, name } = principal.account;
      return { role: principal.role, account: { id, provider, name } };
    },
  );
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
      summary: 'Add an API key',
      forAccounts: true,
      params,
      responses: { status: 201, description: 'The new key', schema: apiKeySchema.extend(withKey.shape) },
    },
    async ({ params, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      const apiKey = findContract(account.provider)!.accounts.newApiKey(randomBytes);
      return { ...(await insertApiKey(store.pool, account.id, apiKey)), apiKey };
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/accounts/{id}/keys/{keyId}',
      tag,
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
