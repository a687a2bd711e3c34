/** Pauses and resumes subscriptions and accounts. During a pause their deliveries wait. */
import { z } from 'zod';
import { startResume } from '../dispatch/commands/pauses.js';
import { notFound, Problem } from '../http/problem.js';
import { addRoute, type Routing } from '../http/route.js';
import { contractOf } from '../providers/registry.js';
import { pauseAccount, pauseSubscription, resumeAccount, resumeSubscription } from '../store/pauses.js';
import type { PauseScope } from '../workflows/resume-types.js';
import { mustFindAccount } from './accounts/accounts.js';
import { showAccount } from './accounts/create.js';
import type { ApiContext } from './context.js';
import { accountSchema, line, subscriptionSchema } from './schemas.js';
import { mustFindSubscription, showSubscription } from './subscriptions/view.js';

const MAX_RATE = 1_000;
const DEFAULT_RATE = 100;

const params = z.object({ id: z.string() });
const withReason = z.strictObject({ reason: line(500).optional().describe('Shown with it.') });
const withRate = z.strictObject({
  ratePerSecond: z
    .int()
    .min(1)
    .max(MAX_RATE)
    .default(DEFAULT_RATE)
    .describe('Maximum number of waiting deliveries that are sent per second, oldest first.'),
});
const WAITS =
  'Events are accepted, and their deliveries wait until it is resumed; so do deliveries that are due for an attempt. ' +
  'Attempts in flight are finished. Pausing again changes the reason.';
const GOES_OUT =
  'What waits is sent in the background, oldest first, also after a restart. New events are sent at once. ' +
  'Repeat the request to change the rate; pause to stop.';

export function pauseRoutes(routing: Routing, context: ApiContext): void {
  subscriptionRoutes(routing, context);
  accountRoutes(routing, context);
}

function subscriptionRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  const common = {
    method: 'post',
    tag: 'Subscriptions',
    forAccounts: true,
    capability: 'manage_subscriptions',
    params,
    bodyOptional: true,
    responses: { status: 200, description: 'The subscription after it', schema: subscriptionSchema },
  } as const;

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/subscriptions/{id}/pause',
      scope: 'operate',
      summary: 'Pause a subscription: its deliveries wait',
      description: WAITS,
      body: withReason,
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
      if (contractOf(account.provider).polling?.isPolled(subscription.options))
        throw new Problem('conflict', 'this subscription is polled: its messages wait until they are read');
      const paused = await pauseSubscription(store, params.id, body.reason ?? null);
      if (!paused) throw notFound('subscription');
      return showSubscription(paused, account.provider);
    },
  );

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/subscriptions/{id}/resume',
      scope: 'operate',
      summary: 'Resume a paused subscription: what waits is sent at a rate',
      description: GOES_OUT,
      body: withRate,
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
      const resumed = await resumeSubscription(store, subscription.id, body.ratePerSecond);
      if (!resumed) throw notPaused('subscription');
      await resumeSoon(context, { accountId: account.id, subscriptionId: subscription.id });
      return showSubscription(resumed, account.provider);
    },
  );
}

function accountRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  const common = {
    method: 'post',
    tag: 'Accounts',
    params,
    bodyOptional: true,
    responses: { status: 200, description: 'The account after it', schema: accountSchema },
  } as const;

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/accounts/{id}/pause',
      scope: 'operate',
      summary: 'Pause an account: the deliveries of all its subscriptions wait',
      description: WAITS,
      body: withReason,
    },
    async ({ params, body }) => {
      const paused = await pauseAccount(store, params.id, body.reason ?? null);
      if (!paused) throw notFound('account');
      return showAccount(paused);
    },
  );

  addRoute(
    routing,
    {
      ...common,
      path: '/v1/accounts/{id}/resume',
      scope: 'operate',
      summary: 'Resume a paused account: what waits is sent at a rate',
      description: `${GOES_OUT} Deliveries of subscriptions that are paused themselves still wait.`,
      body: withRate,
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const { id } = await mustFindAccount(context, principal, params.id);
      const resumed = await resumeAccount(store, id, body.ratePerSecond);
      if (!resumed) throw notPaused('account');
      await resumeSoon(context, { accountId: id, subscriptionId: null });
      return showAccount(resumed);
    },
  );
}

const notPaused = (what: string): Problem => new Problem('conflict', `the ${what} is not paused`);

/** Starts sending what waits. The change is committed, so without Temporal the request must not fail: the sweep starts it. */
async function resumeSoon({ client, log }: ApiContext, scope: PauseScope): Promise<void> {
  try {
    await startResume(client, scope);
  } catch (error) {
    log.warn({ err: error, ...scope }, 'cannot send what waited during the pause now; the sweep will');
  }
}
