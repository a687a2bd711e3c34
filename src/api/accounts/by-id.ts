/** Accounts by the platform's own ids: a PUT creates or edits, and can be repeated. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { check } from '../../http/check.js';
import { invalidField, notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { contractOf } from '../../providers/registry.js';
import { deleteAccount, editAccount, type StoredAccount } from '../../store/accounts/accounts.js';
import { findAccountByExternalId } from '../../store/accounts/external-ids.js';
import { listApiKeys } from '../../store/accounts/api-keys.js';
import type { ApiContext } from '../context.js';
import { accountSchema, apiKeySchema, withKey } from '../schemas.js';
import { mustFindAccount } from './accounts.js';
import { createAccount, editOf, namedAccount, showAccount } from './create.js';
import { EXTERNAL_ID_RULE, isExternalId } from './external-ids.js';

const tag = 'Accounts';
const path = '/v1/accounts/by-id/{externalId}';
const params = z.object({ externalId: z.string().describe(`Your own id of the account; it ${EXTERNAL_ID_RULE}.`) });

/** How often a PUT is tried while other requests create or delete the account. */
const MAX_TRIES = 3;

const created = z.boolean().describe('Whether this request created the account.');

/** Creates, edits, shows and deletes the account with an external id. */
export function accountsByIdRoutes(routing: Routing, context: ApiContext): void {
  const { store, accountIds } = context;

  addRoute(
    routing,
    {
      method: 'put',
      path,
      tag,
      scope: 'admin',
      summary: 'Create an account by your own id, or edit it',
      description:
        'Can be repeated: the account is created once, and the response says whether this request did it. Only then ' +
        'it has an API key. Of an existing account absent fields stay unchanged; provider, scope and environment ' +
        'cannot be changed.',
      params,
      body: namedAccount,
      responses: { status: 200, description: 'The account after the edit', schema: accountSchema.extend({ created }) },
      otherwise: {
        status: 201,
        description: 'The new account and its first API key',
        schema: accountSchema.extend({ created, ...withKey.shape }),
      },
      problems: [409],
    },
    async ({ params: { externalId }, body, response }) => {
      if (!isExternalId(externalId)) throw invalidField('externalId', `must be an id that ${EXTERNAL_ID_RULE}`);
      for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
        const existing = await findAccountByExternalId(store, externalId);
        if (!existing) {
          const account = await tryToCreate(context, { ...body, externalId });
          if (account) return void response.status(201).json({ ...account, created: true });
          continue;
        }
        checkUnchanged(existing, body);
        const edited = await editAccount(store, existing.id, (former) => editOf(former, body));
        if (edited) return { ...showAccount(edited), created: false };
      }
      throw new Problem('conflict', 'other requests create and delete this account; repeat the request');
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path,
      tag,
      scope: 'read',
      summary: 'Get an account by your own id',
      forAccounts: true,
      params,
      responses: {
        status: 200,
        description: 'The account and its API keys',
        schema: accountSchema.extend({ keys: z.array(apiKeySchema) }),
      },
    },
    async ({ params: { externalId }, principal }) => {
      const account = await mustFindAccount(context, principal, await accountIds.find(principal, externalId));
      return { ...showAccount(account), keys: await listApiKeys(store, account.id) };
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path,
      tag,
      scope: 'admin',
      summary: 'Delete an account by your own id',
      description: 'As DELETE /v1/accounts/{id}. The id can be used for another account afterwards.',
      params,
      responses: { status: 204, description: 'Deleted', schema: null },
    },
    async ({ params: { externalId }, principal }) => {
      if (!(await deleteAccount(store, await accountIds.find(principal, externalId)))) throw notFound('account');
    },
  );
}

/** A new account with its key as it is shown; undefined when another request has just created it. */
async function tryToCreate({ store }: ApiContext, body: Parameters<typeof createAccount>[1]) {
  try {
    const { account, apiKey } = await createAccount(store, body);
    return { ...showAccount(account), apiKey };
  } catch (error) {
    if (error instanceof Problem && error.code === 'conflict') return undefined;
    throw error;
  }
}

/** Throws a problem when a request would change what is fixed at the creation of an account. */
function checkUnchanged(existing: StoredAccount, body: z.infer<typeof namedAccount>): void {
  const { scope, environment } = body;
  if (body.provider !== existing.provider)
    throw new Problem('conflict', `provider: this account exists and its provider is ${existing.provider}`);
  const given = scope && check(contractOf(existing.provider).accounts.scope, scope, 'scope');
  if (given !== undefined && !isDeepStrictEqual(given, existing.scope))
    throw invalidField('scope', 'cannot be changed; send the scope of the account or none');
  if (environment !== undefined && environment !== existing.environment)
    throw invalidField('environment', `cannot be changed; the account is a ${existing.environment} account`);
}
