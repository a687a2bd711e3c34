/**
 * A webhook as Postmark's API shows it. All triggers are present with all fields, which the vendor's Python client
 * requires; `HttpAuth` is omitted when unset, because an incomplete one breaks that client.
 * https://postmarkapp.com/developer/api/webhooks-api
 */
import type { Account, Subscription } from '../../../contract/entities.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Scope, Settings } from '../contract.js';
import type { Era } from '../eras.js';
import { triggers, type Trigger } from '../events.js';
import { INBOUND } from '../streams.js';
import type { Options, Secrets } from '../subscription.js';

/** An account of this provider with typed fields. */
export type PostmarkAccount = StoredAccount & Account<Scope, Settings>;

/** A subscription of this provider with typed fields. */
export type Webhook = StoredSubscription & Subscription<Options, Secrets>;

/** At Postmark inbound mail is not a webhook but a URL set on the server. */
export function isWebhook({ eventTypes }: StoredSubscription): boolean {
  return !eventTypes.includes(INBOUND);
}

/** The enabled triggers of a webhook. */
export function enabledTriggers({ eventTypes }: Webhook): readonly Trigger[] {
  return triggers.filter((trigger) => eventTypes.includes(trigger));
}

export function toWebhook(webhook: Webhook, era: Era) {
  const { reference, headers, eventTypes, options } = webhook;
  const { postFirstOpenOnly, includeContent, unverifiedTriggers } = options;
  const at = (trigger: Trigger) => ({ Enabled: eventTypes.includes(trigger) });
  return {
    ID: Number(reference),
    Url: urlOf(webhook),
    MessageStream: options.messageStream,
    ...httpAuthOf(webhook),
    HttpHeaders: Object.entries(headers).map(([name, value]) => ({ Name: name, Value: value })),
    Triggers: {
      Open: { ...at('Open'), PostFirstOpenOnly: postFirstOpenOnly },
      Click: at('Click'),
      Delivery: at('Delivery'),
      Bounce: { ...at('Bounce'), IncludeContent: includeContent.bounce },
      SpamComplaint: { ...at('SpamComplaint'), IncludeContent: includeContent.spamComplaint },
      SubscriptionChange: at('SubscriptionChange'),
    },
    ...(era === '2026' ? { Status: statusOf(unverifiedTriggers.length === 0) } : {}),
  };
}

export function statusOf(verified: boolean): 'verified' | 'unverified' {
  return verified ? 'verified' : 'unverified';
}

/** The original URL, credentials included: client programs find their webhook by comparing it. */
export function urlOf({ url, secrets: { userinfo } }: Webhook): string {
  return userinfo === undefined ? url : url.replace('://', () => `://${userinfo}@`);
}

/** Credentials that were set as a field, not in the URL. */
function httpAuthOf({ secrets: { httpAuth, userinfo } }: Webhook) {
  if (!httpAuth || userinfo !== undefined) return {};
  return { HttpAuth: { Username: httpAuth.username, Password: httpAuth.password } };
}
