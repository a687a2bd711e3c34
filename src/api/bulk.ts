/** One order for many deliveries. */
import { z } from 'zod';
import { lowestIdAt } from '../contract/ids.js';
import { cancelMatching, redeliverMatching, type BulkResult } from '../dispatch/bulk.js';
import { countMatching, type BulkFilter } from '../store/bulk.js';
import { deliveryStates, openStates, type DeliveryState } from '../store/deliveries.js';
import type { ApiContext, Routing } from './context.js';
import { cursorOf, readCursor } from './paging.js';
import { accountSeen, type Principal } from './principal.js';
import { invalidField } from './problem.js';
import { addRoute } from './route.js';
import { line, time } from './schemas.js';

/** The most that one request acts on. */
const MOST = 1_000;
/** The most that a dry run counts. */
const MOST_COUNTED = 100_000;

const request = z.strictObject({
  action: z.enum(['redeliver', 'cancel']),
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
        .describe('redeliver takes finished ones, failed unless told; cancel takes open ones, all unless told.'),
      from: time.optional().describe('Only deliveries created at this time or later.'),
      to: time.optional().describe('Only deliveries created before this time.'),
    })
    .describe('Which deliveries; all that the action can take when empty.'),
  dryRun: z.boolean().default(false).describe('Only count.'),
  limit: z.int().min(1).max(MOST).default(MOST).describe('How many to act on at most.'),
  cursor: z.string().max(200).optional().describe('nextCursor of the call before; nothing is then taken twice.'),
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
      summary: 'Redeliver or cancel many deliveries',
      description:
        'The oldest first, at most 1,000 by one request. While `more` is true, repeat it with nextCursor as cursor. ' +
        'For more than can be watched, a recovery of the subscription goes on by itself.',
      forAccounts: true,
      body: request,
      answers: {
        status: 200,
        description: 'What was done; of a dry run, how many there are',
        schema: z.object({
          matched: z.int().describe('How many were taken; with dryRun how many there are, counted up to 100,000.'),
          done: z.int().describe('How many are on their way again, or were told to end.'),
          refused: z.int().describe('How many had changed meanwhile.'),
          more: z.boolean().describe('Whether there are others.'),
          nextCursor: z.string().nullable(),
        }),
      },
    },
    async ({ body, principal }) => {
      const filter = readFilter(body, principal);
      if (body.dryRun) {
        const matched = await countMatching(context.store, filter, MOST_COUNTED + 1);
        return {
          matched: Math.min(matched, MOST_COUNTED),
          done: 0,
          refused: 0,
          more: matched > MOST_COUNTED,
          nextCursor: null,
        };
      }
      return show(
        body.action === 'cancel'
          ? await cancelMatching(context, filter, body.limit, body.reason)
          : await redeliverMatching(context, filter, body.limit),
      );
    },
  );
}

function readFilter({ action, filter, cursor }: Request, principal: Principal): BulkFilter {
  const { accountId, states, from, to, ...rest } = filter;
  return {
    ...rest,
    accountId: accountSeen(principal, accountId),
    states: statesOf(action, states),
    fromId: from && lowestIdAt('dlv', new Date(from)),
    beforeId: to && lowestIdAt('dlv', new Date(to)),
    afterId: readCursor('dlv', cursor),
  };
}

/** The states to look for; throws a problem for one that the action has nothing to do with. */
function statesOf(action: Request['action'], asked: readonly DeliveryState[] | undefined): readonly DeliveryState[] {
  const wantsOpen = action === 'cancel';
  const states = asked ?? (wantsOpen ? openStates : ['failed']);
  const wrong = states.findIndex((state) => openStates.includes(state) !== wantsOpen);
  if (wrong < 0) return states;
  const which = wantsOpen ? 'an open delivery can be cancelled' : 'a finished delivery can be redelivered';
  throw invalidField(`filter.states[${wrong}]`, `only ${which}`);
}

function show({ lastId, ...counts }: BulkResult) {
  return { ...counts, more: lastId !== null, nextCursor: lastId === null ? null : cursorOf(lastId) };
}
