/**
 * "You can create up to five subscriptions for the same filter combination":
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions
 */
import { Problem } from '../../http/problem.js';
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import type { Admission } from '../registration.js';
import type { Options } from './contract.js';

const MAX_COMBINATIONS = 5;

/** Rejects a subscription to events that five others, inactive ones included, already receive. */
export const maxFive: Admission = (subscription, others) => {
  const combination = combinationOf(subscription);
  if (others.filter((other) => combinationOf(other) === combination).length < MAX_COMBINATIONS) return;
  const message = `there are ${MAX_COMBINATIONS} subscriptions for the same filter combination already`;
  throw new Problem('invalid_request', message, [{ path: 'eventFilters', message }]);
};

/** A key that is equal for subscriptions to the same events, independent of the order of their filters. */
function combinationOf({ eventTypes, options }: StoredSubscription): string {
  const { service, eventFilters } = options as Options;
  const filters = eventFilters.map(({ key, value }) => JSON.stringify([key, value])).sort();
  return JSON.stringify([service, eventTypes, filters]);
}
