/** Which deliveries a job is for. */
import type { paths } from '../../../../src/client/generated.js';
import type { Delivery, DeliveryState } from '../../api/shapes.js';
import type { Filters } from './filters.js';

type JobRequest = paths['/v1/jobs']['post']['requestBody']['content']['application/json'];
export type JobAction = JobRequest['action'];

/** The states that an action applies to when the list shows every state. */
const USUAL: Readonly<Record<JobAction, readonly DeliveryState[]>> = {
  retry: ['retrying'],
  pause: ['pending', 'retrying'],
  resume: ['paused'],
  cancel: ['pending', 'retrying', 'paused'],
  redeliver: ['failed', 'cancelled'],
};

/** What a job is started for: everything that the list can show, or the rows that are ticked. */
export interface Target {
  readonly filters: Filters;
  readonly ticked: readonly Pick<Delivery, 'id' | 'state'>[];
}

/** The states in the list, or of the ticked rows, that an action applies to; none when it applies to none of them. */
export function jobStates(action: JobAction, { filters, ticked }: Target): DeliveryState[] {
  const shown = ticked.length > 0 ? ticked.map(({ state }) => state) : filters.state;
  if (shown === undefined) return [...USUAL[action]];
  // Only who looks at what was accepted means to send it once more.
  const possible: readonly DeliveryState[] = action === 'redeliver' ? [...USUAL.redeliver, 'delivered'] : USUAL[action];
  return possible.filter((state) => shown.includes(state));
}

/** The request of a job without its action, for deliveries created before `now`. */
export function jobTarget(
  action: JobAction,
  target: Target,
  now: Date,
): Pick<JobRequest, 'filter'> & { readonly allowDelivered: boolean } {
  const states = jobStates(action, target);
  const allowDelivered = states.includes('delivered');
  if (target.ticked.length > 0)
    return { filter: { deliveryIds: target.ticked.map(({ id }) => id), states }, allowDelivered };
  const { type, accountId, subscriptionId, provider, eventId, from, to } = target.filters;
  const before = to !== undefined && Date.parse(to) < now.getTime() ? to : now.toISOString();
  return {
    filter: { accountId, subscriptionId, provider, eventId, eventType: type, states, from, to: before },
    allowDelivered,
  };
}
