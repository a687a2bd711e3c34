/** Which deliveries a bulk action applies to. */
import type { paths } from '../../../../src/client/generated.js';
import type { DeliveryState } from '../../api/shapes.js';
import type { Filters } from './filters.js';

export type BulkAction = 'redeliver' | 'retry' | 'cancel';
type BulkFilter = paths['/v1/deliveries/bulk']['post']['requestBody']['content']['application/json']['filter'];

/** The states that an action applies to when the list shows every state. */
const USUAL: Readonly<Record<BulkAction, readonly DeliveryState[]>> = {
  redeliver: ['failed', 'cancelled'],
  retry: ['retrying'],
  cancel: ['pending', 'retrying', 'paused'],
};

/** The states in the list that an action applies to; none when it applies to none of them. */
export function bulkStates(action: BulkAction, state: string | undefined): DeliveryState[] {
  if (state === undefined) return [...USUAL[action]];
  // Only who looks at what was accepted means to send it once more.
  const possible: readonly DeliveryState[] = action === 'redeliver' ? [...USUAL.redeliver, 'delivered'] : USUAL[action];
  return possible.filter((one) => one === state);
}

/** The filters of the list as the bulk action expects them, for deliveries created before `now`. */
export function bulkFilter(action: BulkAction, filters: Filters, now: Date): BulkFilter {
  const { state, type, accountId, subscriptionId, provider, from, to } = filters;
  return {
    accountId,
    subscriptionId,
    provider,
    eventType: type,
    states: bulkStates(action, state),
    from,
    to: to !== undefined && Date.parse(to) < now.getTime() ? to : now.toISOString(),
  };
}
