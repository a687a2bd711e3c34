/** Circuit breakers of subscriptions: how the API shows them, and closing one by hand. */
import { z } from 'zod';
import { isOpen } from '../contract/breaker.js';
import { wakeBreaker } from '../dispatch/commands/breakers.js';
import { Problem } from '../http/problem.js';
import { addRoute, type Routing } from '../http/route.js';
import { contractOf } from '../providers/registry.js';
import { closeBreaker } from '../store/subscriptions/breakers.js';
import { countBreaker } from '../telemetry/metrics.js';
import type { ApiContext } from './context.js';
import { mustHavePolicy } from './policies.js';
import { subscriptionSchema } from './schemas.js';
import { mustFindSubscription, showSubscription } from './subscriptions/view.js';

export function breakerRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/breaker/close',
      tag: 'Subscriptions',
      scope: 'operate',
      summary: 'Close the circuit breaker of a subscription: what waits is sent',
      description:
        'Without further probes, oldest first and as fast as the receiver takes it, also after a restart. When the ' +
        'attempts fail again, it opens again.',
      forAccounts: true,
      capability: 'manage_subscriptions',
      params: z.object({ id: z.string() }),
      responses: { status: 200, description: 'The subscription after it', schema: subscriptionSchema },
      problems: [409, 422],
    },
    async ({ params, principal }) => {
      const { subscription, account } = await mustFindSubscription(context, principal, params.id);
      mustHavePolicy(contractOf(account.provider));
      const closed = isOpen(subscription.breaker) ? await closeBreaker(context.store, subscription.id) : undefined;
      if (!closed) throw new Problem('conflict', 'the circuit breaker of the subscription is not open');
      countBreaker('closed');
      await wakeSoon(context, account.id, subscription.id);
      return showSubscription(closed, account.provider);
    },
  );
}

/** Sends what waits. The change is committed, so without Temporal the request must not fail: the sweep sends it. */
async function wakeSoon({ client, log }: ApiContext, accountId: string, subscriptionId: string): Promise<void> {
  try {
    await wakeBreaker(client, { accountId, subscriptionId });
  } catch (error) {
    log.warn({ err: error, subscriptionId }, 'cannot send what waited for the circuit breaker now; the sweep will');
  }
}
