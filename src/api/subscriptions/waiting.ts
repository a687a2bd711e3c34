/** Cancels waiting deliveries of a disabled subscription. */
import { z } from 'zod';
import { cancelWaiting } from '../../dispatch/commands/bulk.js';
import { findSubscription } from '../../store/subscriptions/subscriptions.js';
import type { ApiContext } from '../context.js';
import { canSee } from '../../http/principal.js';
import { notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { line } from '../schemas.js';

export function waitingRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/drop-waiting',
      tag: 'Subscriptions',
      summary: 'Cancel the open deliveries of a disabled subscription',
      forAccounts: true,
      description:
        'Otherwise they would be sent when it is enabled again. At most 1,000 per request. ' +
        'Repeat it while `more` is true, and after an error.',
      params: z.object({ id: z.string() }),
      bodyOptional: true,
      body: z.strictObject({
        reason: line(500).optional().describe('Shown with the deliveries and in Temporal.'),
      }),
      responses: {
        status: 202,
        description: 'Number of cancelled deliveries, and whether there are more',
        schema: z.object({ dropped: z.int(), more: z.boolean() }),
      },
      problems: [409],
    },
    async ({ params, body, principal }) => {
      const subscription = await findSubscription(context.store, params.id);
      if (!subscription || !canSee(principal, subscription.accountId)) throw notFound('subscription');
      if (subscription.enabled)
        throw new Problem('conflict', 'deliveries can be dropped only while the subscription is disabled');
      return cancelWaiting(context, subscription.id, body.reason ?? 'dropped while the subscription was disabled');
    },
  );
}
