/** Which deliveries a request for many of them selects. */
import { z } from 'zod';
import { lowestIdAt } from '../../contract/ids.js';
import { visibleAccountId, type Principal } from '../../http/principal.js';
import { invalidField } from '../../http/problem.js';
import { deliveryStates, type DeliveryState } from '../../store/deliveries/deliveries.js';
import type { JobFilter } from '../../store/jobs.js';
import { actionStates, type JobAction } from '../../workflows/job-types.js';
import { WAITING_REASONS } from '../../workflows/types.js';
import { line, time } from '../schemas.js';

/** Maximum number of deliveries that a request names. */
const MAX_IDS = 1_000;

/** Which deliveries, in requests for many of them. */
export const deliveryFilter = z.strictObject({
  accountId: z.string().optional(),
  subscriptionId: z.string().optional(),
  provider: z.string().optional(),
  eventType: z.string().optional(),
  eventId: z.string().optional(),
  orderingKey: line(128).optional(),
  deliveryIds: z.array(z.string()).min(1).max(MAX_IDS).optional().describe('Only these deliveries.'),
  states: z
    .array(z.enum(deliveryStates))
    .min(1)
    .max(deliveryStates.length)
    .optional()
    .describe(
      'retry accepts retrying; pause pending and retrying, resume paused, and cancel open states, by default all of them; ' +
        'redeliver accepts finished states, by default failed.',
    ),
  from: time.optional().describe('Only deliveries created at this time or later.'),
  to: time.optional().describe('Only deliveries created before this time.'),
});

/** Required where a delivery that the receiver has accepted would be sent again. */
export const allowDelivered = z
  .boolean()
  .default(false)
  .describe('Must be true to redeliver delivered deliveries, as their receivers get the same event twice.');

/** A request for the deliveries of a filter that accept an action. */
interface AskedDeliveries {
  readonly action: JobAction;
  readonly filter: z.output<typeof deliveryFilter>;
  readonly allowDelivered: boolean;
}

/** The filter of a request as the caller may see it. Throws a problem for states that the action does not accept. */
export function readFilter(
  { action, filter, allowDelivered: deliveredAllowed }: AskedDeliveries,
  principal: Principal,
): JobFilter {
  const { accountId, deliveryIds, states, from, to, ...rest } = filter;
  const now = new Date();
  return {
    ...rest,
    accountId: visibleAccountId(principal, accountId),
    ids: deliveryIds,
    states: readStates(action, states, deliveredAllowed),
    exceptReasons: action === 'resume' ? WAITING_REASONS : undefined,
    fromId: from && lowestIdAt('dlv', new Date(from)),
    beforeId: lowestIdAt('dlv', to === undefined || Date.parse(to) > now.getTime() ? now : new Date(to)),
  };
}

/** The states to select. Throws a problem for one that the action does not accept, and for delivered without permission. */
function readStates(
  action: JobAction,
  asked: readonly DeliveryState[] | undefined,
  deliveredAllowed: boolean,
): readonly DeliveryState[] {
  const { usual, why, ...accepted } = actionStates[action];
  const states: readonly DeliveryState[] = accepted.states;
  const wrong = asked?.findIndex((state) => !states.includes(state)) ?? -1;
  if (wrong >= 0) throw invalidField(`filter.states[${wrong}]`, why);
  if (asked?.includes('delivered') && !deliveredAllowed)
    throw invalidField('allowDelivered', 'must be true to redeliver delivered deliveries');
  return asked ?? usual;
}
