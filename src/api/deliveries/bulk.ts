/** Commands for many deliveries at once. */
import { z } from 'zod';
import {
  cancelMatching,
  cancelWaiting,
  redeliverMatching,
  retryMatching,
  type BulkResult,
} from '../../dispatch/commands/bulk.js';
import { countMatching, type BulkFilter } from '../../store/deliveries/bulk.js';
import { findSubscription } from '../../store/subscriptions/subscriptions.js';
import type { ApiContext } from '../context.js';
import { cursorOf, readCursor } from '../../http/paging.js';
import { canSee } from '../../http/principal.js';
import { notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { line } from '../schemas.js';
import { allowDelivered, deliveryFilter, readFilter } from './many.js';

/** Maximum number of deliveries per request. */
const MAX_IDS = 1_000;
/** Maximum count of a dry run. */
const MAX_COUNTED = 100_000;

const request = z.strictObject({
  action: z
    .enum(['redeliver', 'retry', 'cancel'])
    .describe('retry makes an attempt now for retrying deliveries, in addition to the attempts of the schedule.'),
  filter: deliveryFilter.describe('Which deliveries; all that the action applies to when empty.'),
  dryRun: z.boolean().default(false).describe('Only count; change nothing.'),
  limit: z.int().min(1).max(MAX_IDS).default(MAX_IDS).describe('Maximum number of deliveries.'),
  cursor: z
    .string()
    .max(200)
    .optional()
    .describe('nextCursor of the previous request, so that no delivery is processed twice.'),
  allowDelivered,
  reason: line(500).default('cancelled in bulk').describe('For cancel: shown with the deliveries and in Temporal.'),
});
type Request = z.output<typeof request>;

export function bulkRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/deliveries/bulk',
      tag: 'Deliveries',
      scope: 'operate',
      summary: 'Redeliver, retry or cancel many deliveries',
      description:
        'Oldest first, at most 1,000 per request. While `more` is true, repeat the request with nextCursor as cursor. ' +
        'For large numbers use a job, which runs in the background.',
      forAccounts: true,
      capability: 'send_again',
      body: request,
      responses: {
        status: 200,
        description: 'The result; for a dry run, the number of deliveries',
        schema: z.object({
          matched: z
            .int()
            .describe('Number of deliveries selected; with dryRun the number that match, counted up to 100,000.'),
          done: z.int().describe('How many were redelivered, are attempted now, or were cancelled.'),
          refused: z.int().describe('How many had changed state in the meantime.'),
          more: z.boolean().describe('Whether more deliveries match.'),
          nextCursor: z.string().nullable(),
        }),
      },
    },
    async ({ body, principal }) => {
      const filter = { ...readFilter(body, principal), afterId: readCursor('dlv', body.cursor) };
      if (body.dryRun) {
        const matched = await countMatching(context.store, filter, MAX_COUNTED + 1);
        return {
          matched: Math.min(matched, MAX_COUNTED),
          done: 0,
          refused: 0,
          more: matched > MAX_COUNTED,
          nextCursor: null,
        };
      }
      return show(await act(context, filter, body));
    },
  );
}

function act(context: ApiContext, filter: BulkFilter, { action, limit, reason }: Request): Promise<BulkResult> {
  switch (action) {
    case 'redeliver':
      return redeliverMatching(context, filter, limit);
    case 'retry':
      return retryMatching(context, filter, limit);
    case 'cancel':
      return cancelMatching(context, filter, limit, reason);
  }
}

function show({ lastId, ...counts }: BulkResult) {
  return { ...counts, more: lastId !== null, nextCursor: lastId === null ? null : cursorOf(lastId) };
}

/** Cancels waiting deliveries of a disabled subscription. */
export function waitingRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/subscriptions/{id}/drop-waiting',
      tag: 'Subscriptions',
      scope: 'operate',
      summary: 'Cancel the open deliveries of a disabled subscription',
      forAccounts: true,
      capability: 'send_again',
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
