/** Commands for many deliveries at once. */
import { z } from 'zod';
import { lowestIdAt } from '../../contract/ids.js';
import {
  cancelMatching,
  cancelWaiting,
  redeliverMatching,
  retryMatching,
  type BulkResult,
} from '../../dispatch/commands/bulk.js';
import { countMatching, type BulkFilter } from '../../store/deliveries/bulk.js';
import { deliveryStates, openStates, type DeliveryState } from '../../store/deliveries/deliveries.js';
import { findSubscription } from '../../store/subscriptions/subscriptions.js';
import { finishedStates } from '../../workflows/recovery-types.js';
import type { ApiContext } from '../context.js';
import { cursorOf, readCursor } from '../../http/paging.js';
import { canSee, visibleAccountId, type Principal } from '../../http/principal.js';
import { invalidField, notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { line, time } from '../schemas.js';

/** Maximum number of deliveries per request. */
const MAX_IDS = 1_000;
/** Maximum count of a dry run. */
const MAX_COUNTED = 100_000;

const request = z.strictObject({
  action: z
    .enum(['redeliver', 'retry', 'cancel'])
    .describe('retry makes an attempt now for retrying deliveries, in addition to the attempts of the schedule.'),
  filter: z
    .strictObject({
      accountId: z.string().optional(),
      subscriptionId: z.string().optional(),
      provider: z.string().optional(),
      eventType: z.string().optional(),
      states: z
        .array(z.enum(deliveryStates))
        .min(1)
        .max(deliveryStates.length)
        .optional()
        .describe(
          'redeliver accepts finished states, by default failed; retry accepts retrying; cancel accepts open states, by default all.',
        ),
      from: time.optional().describe('Only deliveries created at this time or later.'),
      to: time.optional().describe('Only deliveries created before this time.'),
    })
    .describe('Which deliveries; all that the action applies to when empty.'),
  dryRun: z.boolean().default(false).describe('Only count; change nothing.'),
  limit: z.int().min(1).max(MAX_IDS).default(MAX_IDS).describe('Maximum number of deliveries.'),
  cursor: z
    .string()
    .max(200)
    .optional()
    .describe('nextCursor of the previous request, so that no delivery is processed twice.'),
  reason: line(500).default('cancelled in bulk').describe('For cancel: shown with the deliveries and in Temporal.'),
});
type Request = z.output<typeof request>;

/** The states that each action accepts, its default states, and the error message for other states. */
const ACTION_STATES: Readonly<
  Record<
    Request['action'],
    { readonly states: readonly DeliveryState[]; readonly usual: readonly DeliveryState[]; readonly why: string }
  >
> = {
  redeliver: { states: finishedStates, usual: ['failed'], why: 'only a finished delivery can be redelivered' },
  retry: { states: ['retrying'], usual: ['retrying'], why: 'only a retrying delivery can be retried' },
  cancel: { states: openStates, usual: openStates, why: 'only an open delivery can be cancelled' },
};

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
        'For large numbers use a recovery of the subscription, which runs in the background.',
      forAccounts: true,
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
      const filter = readFilter(body, principal);
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

function readFilter({ action, filter, cursor }: Request, principal: Principal): BulkFilter {
  const { accountId, states, from, to, ...rest } = filter;
  return {
    ...rest,
    accountId: visibleAccountId(principal, accountId),
    states: statesOf(action, states),
    fromId: from && lowestIdAt('dlv', new Date(from)),
    beforeId: to && lowestIdAt('dlv', new Date(to)),
    afterId: readCursor('dlv', cursor),
  };
}

/** The states to select; throws a problem for a state that the action does not accept. */
function statesOf(action: Request['action'], asked: readonly DeliveryState[] | undefined): readonly DeliveryState[] {
  const { states, usual, why } = ACTION_STATES[action];
  const wrong = asked?.findIndex((state) => !states.includes(state)) ?? -1;
  if (wrong >= 0) throw invalidField(`filter.states[${wrong}]`, why);
  return asked ?? usual;
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
