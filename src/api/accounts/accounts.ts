/** Accounts of providers. */
import { z } from 'zod';
import {
  deleteAccount,
  editAccount,
  environments,
  findAccount,
  type StoredAccount,
} from '../../store/accounts/accounts.js';
import { listAccounts } from '../../store/accounts/list-accounts.js';
import { listApiKeys } from '../../store/accounts/api-keys.js';
import { accountEdit, createAccount, editOf, newAccount, showAccount } from './create.js';
import type { ApiContext } from '../context.js';
import { createIdempotently, idempotencyKey, NO_ACCOUNT } from '../idempotency.js';
import { page, readCursor } from '../../http/paging.js';
import { canSee, type Principal } from '../../http/principal.js';
import { notFound } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { searchText } from '../search/query.js';
import { accountSchema, apiKeySchema, pageOf, paging, withKey } from '../schemas.js';

const tag = 'Accounts';
const accountParams = z.object({ id: z.string() });

/** Finds an account. Throws a 404 when it does not exist or the caller may not see it. */
export async function mustFindAccount(
  { store }: Pick<ApiContext, 'store'>,
  principal: Principal,
  id: string,
): Promise<StoredAccount> {
  const account = canSee(principal, id) ? await findAccount(store, id) : undefined;
  if (!account) throw notFound('account');
  return account;
}

export function accountRoutes(routing: Routing, context: ApiContext): void {
  collectionRoutes(routing, context);
  itemRoutes(routing, context);
}

/** Creates and lists accounts. */
function collectionRoutes(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/accounts',
      tag,
      scope: 'admin',
      summary: 'Create an account',
      headers: idempotencyKey,
      body: newAccount,
      responses: {
        status: 201,
        description: 'The account and its first API key',
        schema: accountSchema.extend(withKey.shape),
      },
      problems: [409],
    },
    async ({ body, request }) =>
      createIdempotently(store, request, NO_ACCOUNT, async (record) => {
        const { account, apiKey } = await createAccount(store, body, {
          onCreated: (client, created) => record(client, { ...showAccount(created.account), apiKey: created.apiKey }),
        });
        return { ...showAccount(account), apiKey };
      }),
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/accounts',
      tag,
      scope: 'read',
      summary: 'List accounts',
      query: paging.extend({
        provider: z.string().optional(),
        environment: z.enum(environments).optional(),
        q: searchText.optional().describe('A part of the name or of your own id, in any case; or the id.'),
      }),
      responses: { status: 200, description: 'Accounts, newest first', schema: pageOf(accountSchema) },
    },
    async ({ query: { limit, cursor, q, ...filter } }) => {
      const rows = await listAccounts(store, {
        ...filter,
        text: q || undefined,
        before: readCursor('acc', cursor),
        limit: limit + 1,
      });
      return page(rows, limit, showAccount);
    },
  );
}

/** Shows, edits and deletes one account. */
function itemRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/accounts/{id}',
      tag,
      scope: 'read',
      summary: 'Get an account',
      forAccounts: true,
      params: accountParams,
      responses: {
        status: 200,
        description: 'The account and its API keys',
        schema: accountSchema.extend({ keys: z.array(apiKeySchema) }),
      },
    },
    async ({ params, principal }) => {
      const account = await mustFindAccount(context, principal, params.id);
      return { ...showAccount(account), keys: await listApiKeys(store, account.id) };
    },
  );

  addRoute(
    routing,
    {
      method: 'patch',
      path: '/v1/accounts/{id}',
      tag,
      scope: 'admin',
      summary: 'Edit an account',
      description:
        'Absent fields and settings stay unchanged. Open deliveries keep their schedule, time limit and policy; all ' +
        'other changes apply from their next attempt on.',
      params: accountParams,
      body: accountEdit,
      responses: { status: 200, description: 'The account after the edit', schema: accountSchema },
    },
    async ({ params, body, principal }) => {
      await mustFindAccount(context, principal, params.id);
      const edited = await editAccount(store, params.id, (former) => editOf(former, body));
      if (!edited) throw notFound('account');
      return showAccount(edited);
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/accounts/{id}',
      tag,
      scope: 'admin',
      summary: 'Delete an account',
      description: 'Its keys stop working, its subscriptions are deleted and their open deliveries cancelled.',
      params: accountParams,
      responses: { status: 204, description: 'Deleted', schema: null },
    },
    async ({ params }) => {
      if (!(await deleteAccount(store, params.id))) throw notFound('account');
    },
  );
}
