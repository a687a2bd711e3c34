/** A dispatcher without Temporal. */
import type { Dispatcher } from '../../src/dispatch/dispatcher.js';
import type { DeliveryStart } from '../../src/store/deliveries/delivery-starts.js';

/** A dispatcher that starts nothing, and passes what it is to start to `onStart`. */
export const stubDispatcher = (
  onStart: (deliveryStarts: readonly DeliveryStart[]) => void = () => undefined,
): Dispatcher => ({
  modesFor: () => new Map(),
  dispatch: onStart,
  dispatchNew: (fanOuts) => onStart(fanOuts.flatMap(({ deliveryStarts }) => deliveryStarts)),
  endSuperseded: () => undefined,
  stop: async () => undefined,
});
