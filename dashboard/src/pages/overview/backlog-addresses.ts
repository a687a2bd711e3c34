import type { DeliveryState } from '../../api/shapes.js';
import { listAddress, type Filters } from '../deliveries/filters.js';

/** Links to the deliveries that the backlog counts: of two states, whenever they were created. */
export function backlogAddresses(scope: Filters): readonly { state: DeliveryState; address: string }[] {
  return (['pending', 'retrying'] as const).map((state) => ({ state, address: listAddress({ ...scope, state }) }));
}
