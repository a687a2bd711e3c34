/** Svix's EndpointOut: svix-server, src/v1/endpoints/endpoint/mod.rs. */
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import type { Options } from './fields.js';

/** An endpoint for a response, with both the older and the newer names of its fields. */
export function showEndpoint(subscription: StoredSubscription) {
  const { uid = null, version = 1, channels, metadata = {} } = subscription.options as Options;
  const { ratePerSecond } = subscription.limits;
  // Svix supports whole numbers only; `/v1` may have set a fraction.
  const rateLimit = ratePerSecond === undefined ? null : Math.max(Math.floor(ratePerSecond), 1);
  const eventTypes = orNull(subscription.eventTypes);
  return {
    description: subscription.description ?? '',
    rateLimit,
    throttleRate: rateLimit,
    uid,
    url: subscription.url,
    version,
    disabled: !subscription.enabled,
    eventTypes,
    filterTypes: eventTypes,
    channels: orNull(channels),
    createdAt: subscription.createdAt,
    updatedAt: subscription.updatedAt,
    id: subscription.reference,
    metadata,
  };
}

function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}
