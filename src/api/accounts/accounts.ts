/** Accounts of providers. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { newId } from '../../contract/ids.js';
import { contractOf, contracts, findContract } from '../../providers/registry.js';
import {
  deleteAccount,
  editAccount,
  findAccount,
  insertAccount,
  listAccounts,
  type StoredAccount,
} from '../../store/accounts/accounts.js';
import { insertApiKey, listApiKeys } from '../../store/accounts/api-keys.js';
import { inTransaction } from '../../store/store.js';
import { accountChoices, checkChoices } from './options.js';
import { check } from '../../http/check.js';
import type { ApiContext } from '../context.js';
import { page, readCursor } from '../../http/paging.js';
import { canSee, type Principal } from '../../http/principal.js';
import { invalidField, notFound } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { accountSchema, apiKeySchema, line, pageOf, paging, withKey } from '../schemas.js';

const tag = 'Accounts';
const accountParams = z.object({ id: z.string() });

const editable = {
  name: line(200).min(1),
  settings: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Settings of the provider's contract; see the provider's page in the documentation."),
  validatePayloads: z.boolean().optional().describe('Reject events that lack a documented field of their type.'),
  ...accountChoices,
};
/** Request body that creates an account of any provider. */
export const newAccount = z.strictObject({
  provider: z.string().describe(contracts.map(({ provider }) => provider).join(', ')),
  scope: z.record(z.string(), z.unknown()).optional().describe("The provider's own ids; generated when absent."),
  ...editable,
  validatePayloads: editable.validatePayloads.default(true),
});
const accountEdit = z.strictObject(editable).partial();

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
      summary: 'Create an account',
      body: newAccount,
      responses: {
        status: 201,
        description: 'The account and its first API key',
        schema: accountSchema.extend(withKey.shape),
      },
    },
    async ({ body }) => {
      const contract = findContract(body.provider);
      if (!contract)
        throw invalidField('provider', `must be one of ${contracts.map(({ provider }) => provider).join(', ')}`);
      const rules = contract.accounts;
      const scope = body.scope === undefined ? rules.newScope(randomBytes) : check(rules.scope, body.scope, 'scope');
      const settings = check(rules.settings, body.settings ?? {}, 'settings');
      const account = {
        id: newId('acc'),
        provider: contract.provider,
        name: body.name,
        scope,
        settings,
        validatePayloads: body.validatePayloads,
        ...checkChoices(contract, body),
        secrets: rules.newSecrets(randomBytes),
      };
      const apiKey = rules.newApiKey(randomBytes);
      const createdAt = await inTransaction(store, async (client) => {
        const at = await insertAccount(store, client, account);
        await insertApiKey(client, account.id, apiKey);
        return at;
      });
      return { ...showAccount({ ...account, ...NOT_PAUSED, createdAt }), apiKey };
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/accounts',
      tag,
      summary: 'List accounts',
      query: paging.extend({ provider: z.string().optional() }),
      responses: { status: 200, description: 'Accounts, newest first', schema: pageOf(accountSchema) },
    },
    async ({ query: { limit, cursor, provider } }) => {
      const rows = await listAccounts(store, { limit: limit + 1, before: readCursor('acc', cursor), provider });
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
      summary: 'Edit an account',
      description:
        'Absent fields and settings stay unchanged. Open deliveries keep their schedule and time limit; all other ' +
        'changes apply from their next attempt on.',
      params: accountParams,
      body: accountEdit,
      responses: { status: 200, description: 'The account after the edit', schema: accountSchema },
    },
    async ({ params, body, principal }) => {
      await mustFindAccount(context, principal, params.id);
      const edited = await editAccount(store, params.id, (former) => {
        const contract = contractOf(former.provider);
        const { name = former.name, validatePayloads = former.validatePayloads } = body;
        const settings = check(
          contract.accounts.settings,
          { ...(former.settings as object), ...body.settings },
          'settings',
        );
        return { name, validatePayloads, settings, ...checkChoices(contract, body, former) };
      });
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

const NOT_PAUSED = { pausedAt: null, pausedReason: null, resumeRate: null };

/** An account without its secrets. */
export function showAccount({ id, provider, name, scope, settings, validatePayloads, ...account }: StoredAccount) {
  const { receivesOperationalEvents, disableAfterHours, retentionDays, dispatchWeight, maxSubscriptions } = account;
  const { workflows, featureFlags, createdAt } = account;
  const choices = {
    receivesOperationalEvents,
    disableAfterHours,
    retentionDays,
    dispatchWeight,
    maxSubscriptions,
    workflows,
    featureFlags,
  };
  const { pausedAt, pausedReason, resumeRate: resumeRatePerSecond } = account;
  const pause = { pausedAt, pausedReason, resumeRatePerSecond };
  return { id, provider, name, scope, settings, validatePayloads, ...choices, ...pause, createdAt };
}
