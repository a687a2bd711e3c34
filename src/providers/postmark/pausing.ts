/**
 * Pausing one trigger of a webhook, since 2026: "if an event type keeps failing across many events, Postmark marks that
 * event type unverified and pauses delivery for it until the endpoint is fixed and re-verified". Postmark publishes no
 * numbers; these are ours.
 * https://github.com/ActiveCampaign/postmark-skills, postmark-webhooks 1.1.0
 */
import type { LastingFailure } from '../../contract/types.js';
import { hours } from '../../contract/schedule.js';
import type { Settings } from './account.js';
import type { Options } from './subscription.js';
import { isTrigger } from './triggers.js';

/** High enough that a single unusual event does not pause a trigger. */
const DELIVERIES = 10;

export const lastingFailure: LastingFailure<unknown, Settings, Options> = {
  deliveries: DELIVERIES,
  withinMs: hours(24),
  optionsAfter: (eventType, { options }, { settings }) =>
    settings.contract === '2026' && isTrigger(eventType) && !options.unverifiedTriggers.includes(eventType)
      ? { ...options, unverifiedTriggers: [...options.unverifiedTriggers, eventType] }
      : undefined,
};
