/** Sends an event to one subscription again, whatever became of it before. */
import { Problem } from '../../http/problem.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import { deliveriesOf } from '../../store/attempts/attempt-log.js';
import { loadDeliveryStarts } from '../../store/deliveries/delivery-starts.js';
import { openStates } from '../../store/deliveries/deliveries.js';
import { findEvents, insertMissing } from '../../store/recovery/missing.js';
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import type { Dispatcher } from '../dispatcher.js';
import { fanOutTo } from '../fan-out.js';
import { transformBodies } from '../payload/transform-bodies.js';
import { redeliver, sendCommand, type CommandContext } from './commands.js';

export interface ResendContext extends CommandContext {
  readonly dispatcher: Dispatcher;
}

/**
 * Redelivers a finished delivery of the event, makes an attempt of an open one now, or creates the delivery where there is
 * none. Throws the problem `erased` when the event has no payload any more, and `conflict` when its delivery has expired.
 */
export async function resend(
  context: ResendContext,
  { account, subscription }: { readonly account: StoredAccount; readonly subscription: StoredSubscription },
  eventId: string,
): Promise<void> {
  const { store, dispatcher } = context;
  const [event] = await findEvents(store, [eventId]);
  if (!event) throw new Problem('erased', 'the payload of the event is no longer stored, so it cannot be sent again');
  const deliveries = await deliveriesOf(store, account.id, eventId);
  const last = deliveries.findLast(({ subscriptionId }) => subscriptionId === subscription.id);
  if (!last) {
    const planned = await transformBodies(store, [fanOutTo(account, [subscription], event)]);
    const ids = await insertMissing(
      store,
      subscription.id,
      planned.map(({ row }) => row),
    );
    dispatcher.dispatch(await loadDeliveryStarts(store, ids));
    return;
  }
  if (openStates.includes(last.state)) {
    await sendCommand(context, last.deliveryId, { signal: 'retryNow', args: [] });
    return;
  }
  if (!(await redeliver(context, last.deliveryId)))
    throw new Problem('conflict', 'its delivery is already being sent again, or has expired');
}
