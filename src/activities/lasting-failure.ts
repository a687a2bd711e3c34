/** Acting on a receiver that refuses one event type again and again, where its contract says what follows. */
import type { AnyContract } from '../contract/types.js';
import type { AttemptMaterial } from '../store/attempts/attempts.js';
import { keepsFailing } from '../store/deliveries/deliveries.js';
import type { Store } from '../store/store.js';
import { replaceOptions } from '../store/subscriptions/changes.js';

/** Looks at the deliveries before one that has just failed. Never throws: the next one that fails looks again. */
export async function afterFailure(
  store: Store,
  { lastingFailure: rule }: AnyContract,
  { account, subscription, event }: Pick<AttemptMaterial, 'account' | 'subscription' | 'event'>,
): Promise<void> {
  const to = rule?.optionsAfter(event.type, subscription, account);
  if (!rule || to === undefined) return;
  try {
    const failing = await keepsFailing(store, {
      subscriptionId: subscription.id,
      eventType: event.type,
      deliveries: rule.deliveries,
      since: new Date(Date.now() - rule.withinMs),
    });
    if (failing) await replaceOptions(store, subscription.id, { from: subscription.options, to });
  } catch {
    // The outcome of the delivery is recorded, and an error here must not make Temporal repeat the attempt.
  }
}
