/** Lists the subscriptions of all accounts. */
import { z } from 'zod';
import { findAccounts } from '../../store/accounts/list-accounts.js';
import { findSubscriptions, subscriptionConditions, type SubscriptionFilter } from '../../store/subscriptions/find.js';
import type { ApiContext } from '../context.js';
import { page, readCursor } from '../../http/paging.js';
import { visibleAccountId } from '../../http/principal.js';
import { addRoute, type Routing } from '../../http/route.js';
import { line, pageOf, paging, subscriptionSchema } from '../schemas.js';
import { readHost, searchText } from '../search/query.js';
import { showWithHealth } from './view.js';

const withAccountName = subscriptionSchema.extend({ accountName: z.string() });

export function subscriptionListRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/subscriptions',
      tag: 'Subscriptions',
      scope: 'read',
      summary: 'List the subscriptions of all accounts, with their health',
      description: 'An account gets its own.',
      forAccounts: true,
      capability: 'view',
      query: paging.extend({
        accountId: z.string().optional(),
        provider: z.string().optional(),
        host: line(2_048).min(1).optional().describe('Host of the URL, such as `hooks.example.com`; or a URL.'),
        condition: z
          .enum(subscriptionConditions)
          .optional()
          .describe('failing: enabled, and every attempt since a time has failed.'),
        q: searchText
          .optional()
          .describe(
            'A part of the URL, the description or the name of the account, in any case; or the id or reference.',
          ),
      }),
      responses: { status: 200, description: 'Subscriptions, newest first', schema: pageOf(withAccountName) },
    },
    async ({ query: { limit, cursor, accountId, host, q, ...filter }, principal }) => {
      const rows = await listWithHealth(context, {
        ...filter,
        accountId: visibleAccountId(principal, accountId),
        host: host === undefined ? undefined : readHost(host),
        text: q || undefined,
        before: readCursor('sub', cursor),
        limit: limit + 1,
      });
      return page(rows, limit, (row) => row);
    },
  );
}

/** Subscriptions with their health and the name of their account. */
export async function listWithHealth({ store }: Pick<ApiContext, 'store'>, filter: SubscriptionFilter) {
  const rows = await findSubscriptions(store, filter);
  const accounts = await findAccounts(store, [...new Set(rows.map(({ accountId }) => accountId))]);
  return rows.map(({ accountName, ...row }) => ({ ...showWithHealth(row, accounts.get(row.accountId)!), accountName }));
}
