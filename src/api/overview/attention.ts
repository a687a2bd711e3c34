/** GET /v1/attention: what an operator, or an account, should look at now. */
import { z } from 'zod';
import { countMissed, loadReceiver } from '../../dispatch/recovery/find-recoverable.js';
import { visibleAccountId } from '../../http/principal.js';
import { addRoute, type Routing } from '../../http/route.js';
import { countUnreconciled } from '../../store/deliveries/reconciliation.js';
import {
  brokenSubscriptions,
  countOwnerless,
  disabledSubscriptions,
  failingSubscriptions,
  type DisabledSubscription,
} from '../../store/reports/attention.js';
import type { Store } from '../../store/store.js';
import type { ApiContext } from '../context.js';
import { time } from '../schemas.js';

/** Maximum number of listed subscriptions of each kind. */
const MAX_LISTED = 10;

const listed = {
  subscriptionId: z.string(),
  accountId: z.string(),
  accountName: z.string(),
  provider: z.string(),
  url: z.string(),
};

const attentionSchema = z
  .object({
    failing: z
      .object({
        total: z.int(),
        items: z.array(
          z.object({
            ...listed,
            failingSince: time.describe('Time of the first failed attempt since the last accepted one.'),
            failures: z.int().describe('Failed attempts since then.'),
            waiting: z.int().describe('Retrying deliveries, counted up to 1,000.'),
          }),
        ),
      })
      .describe(
        'Enabled subscriptions whose attempts fail; at most ten are listed, those that fail for longest first.',
      ),
    disabled: z
      .object({
        total: z.int(),
        items: z.array(
          z.object({
            ...listed,
            disabledAt: time.nullable(),
            disabledReason: z.string(),
            waiting: z.int().describe('Paused deliveries, counted up to 1,000.'),
            missed: z
              .int()
              .describe('Events since then that it would have received, among the first 1,000 events of its account.'),
            moreMissed: z.boolean().describe('Whether its account has more events than these 1,000.'),
          }),
        ),
      })
      .describe('Subscriptions that were disabled because of their receiver; at most ten are listed, latest first.'),
    breakers: z
      .object({
        total: z.int(),
        items: z.array(
          z.object({
            ...listed,
            openedAt: time.describe('When its circuit breaker opened.'),
            attempts: z.int().describe('Attempts in the window when it opened.'),
            failures: z.int().describe('How many of these had failed.'),
            waiting: z.int().describe('Paused deliveries, counted up to 1,000.'),
          }),
        ),
      })
      .describe(
        'Enabled subscriptions whose circuit breaker is open; at most ten are listed, those open for longest first. ' +
          'They may be in `failing` too.',
      ),
    ownerless: z
      .int()
      .nullable()
      .describe(
        'Deliveries that nothing has begun to send for a minute, counted up to 1,000; 0 in a working system. Null for accounts.',
      ),
    unreconciled: z
      .int()
      .nullable()
      .describe(
        'Open deliveries that the last sweep found without a running workflow that should have one; 0 in a working system. Null for accounts.',
      ),
  })
  .openapi('Attention');

export function attentionRoutes(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/attention',
      tag: 'Overview',
      scope: 'read',
      summary: 'Get what needs attention now',
      forAccounts: true,
      capability: 'view',
      query: z.strictObject({ accountId: z.string().optional() }),
      responses: { status: 200, description: 'What needs attention', schema: attentionSchema },
    },
    async ({ query, principal }) => {
      const accountId = visibleAccountId(principal, query.accountId);
      // One after the other, so that a request uses only one database connection.
      const failing = await failingSubscriptions(store, accountId, MAX_LISTED);
      const disabled = await disabledSubscriptions(store, accountId, MAX_LISTED);
      const breakers = await brokenSubscriptions(store, accountId, MAX_LISTED);
      const items = [];
      for (const item of disabled.items) items.push({ ...item, ...(await missedBy(store, item)) });
      const isOperator = principal.role === 'operator';
      const ownerless = isOperator ? await countOwnerless(store) : null;
      const unreconciled = isOperator ? await countUnreconciled(store) : null;
      return { failing, disabled: { ...disabled, items }, breakers, ownerless, unreconciled };
    },
  );
}

/** The events that a disabled subscription has missed. */
async function missedBy(
  store: Store,
  { subscriptionId, disabledAt }: DisabledSubscription,
): Promise<{ missed: number; moreMissed: boolean }> {
  const receiver = disabledAt && (await loadReceiver(store, subscriptionId));
  if (!receiver) return { missed: 0, moreMissed: false };
  const { missed, more } = await countMissed(store, receiver, disabledAt);
  return { missed, moreMissed: more };
}
