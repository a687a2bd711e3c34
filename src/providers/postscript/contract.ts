/**
 * Postscript: SMS marketing events of a shop.
 *
 * Sources: https://developers.postscript.io/docs/configuring-webhooks ("guide" below) and the webhook operations of
 * https://developers.postscript.io/reference ("reference").
 */
import { z } from 'zod';
import { ACCEPTED, RETRY, unknownEventType } from '../../contract/contract.js';
import type { Subscription } from '../../contract/entities.js';
import { uuidV4 } from '../../contract/random.js';
import { every, minutes, seconds } from '../../contract/schedule.js';
import type { Contract, ContractSummary } from '../../contract/types.js';
import { tokenOf, type AccountSecrets, type Scope, type Settings } from './account.js';
import { envelope } from './envelope.js';
import { canonicalType, events, findEvent } from './events.js';

type Nothing = Record<string, never>;

/** Guide, "Retry strategy": every 5 minutes until a 200, for up to 1 hour. */
const SCHEDULE = every(minutes(5), 12);

/** Guide: a response that "takes a long time" is a failure; the limit is not documented. */
const TIME_LIMIT_MS = seconds(10);

/** Details and sources are in docs/contracts/postscript.md. */
const about: ContractSummary = {
  summary:
    'SMS marketing events of a shop. A subscription receives one event type, and every attempt sends the same bytes.',
  accepted: 'Status 200. All other responses are retried.',
  signature: {
    headers: ['Postscript-Signature'],
    description:
      'The secret token of the shop, or with tokenPer that of the subscription, identical in every request. It is ' +
      'not a signature: compare it with your stored token.',
  },
};

export const contract: Contract<Scope, Settings, AccountSecrets, Nothing, Nothing, Nothing> = {
  provider: 'postscript',
  title: 'Postscript',
  about,
  events,
  findEvent,
  hasChannels: false,

  accounts: {
    scope: z.strictObject({ shopId: z.string().regex(/^shop_[a-zA-Z0-9]{1,64}$/) }),
    newScope: (randomBytes) => ({ shopId: `shop_${randomBytes(8).toString('hex')}` }),
    settings: z.strictObject({
      enforceRateLimit: z
        .boolean()
        .default(false)
        .describe("Respond with 429 to more than 15 requests a second to Postscript's own API."),
      tokenPer: z
        .enum(['shop', 'subscription'])
        .default('shop')
        .describe("Whose token is in Postscript-Signature; a subscription's token is in the response to its creation."),
    }),
    newSecrets: (randomBytes) => ({ token: randomBytes(32).toString('base64url') }),
    newApiKey: (randomBytes) => `sk_${randomBytes(24).toString('base64url')}`,
  },

  subscriptions: {
    fields: z.object({}),
    allowsUrlCredentials: false,
    reservedHeaders: ['postscript-signature', 'content-type', 'user-agent'],
    toStored: () => ({ options: {}, secrets: {} }),
    toPublic: () => ({}),
    checkEventTypes: (eventTypes, _options, previous) =>
      otherThanOne(eventTypes) ?? unknownEventType(eventTypes, findEvent) ?? changedEvent(eventTypes, previous),
    // Reference, callback_url: "HTTPS only".
    checkUrl: (url) =>
      new URL(url).protocol === 'https:' ? undefined : 'Postscript calls only addresses that begin with https://',
    newReference: (_number, randomBytes) => uuidV4(randomBytes),
    signingSecret: (subscription, account) => tokenOf(account, subscription),
  },

  select: (event, subscriptions) => subscriptions.filter(({ eventTypes }) => includesEvent(eventTypes, event.type)),

  // The body contains the subscription's id, so subscriptions cannot share a body.
  bodyVariant: ({ reference }) => reference,
  renderBody: ({ event, account, subscription }) =>
    envelope({ webhookId: subscription.reference, shopId: account.scope.shopId, event }),

  request: ({ account, subscription }) => ({
    url: subscription.url,
    headers: [
      { name: 'Content-Type', value: 'application/json' },
      { name: 'User-Agent', value: 'Pigeonpost/1' },
      // Not a digest despite its name: the token itself, identical in every request.
      { name: 'Postscript-Signature', value: tokenOf(account, subscription), secret: true },
      ...Object.entries(subscription.headers).map(([name, value]) => ({ name, value, secret: true })),
    ],
  }),

  timeLimitMs: () => TIME_LIMIT_MS,
  schedule: () => SCHEDULE,
  maxRedirects: () => 0,

  classifyResponse: ({ status }) => (status === 200 ? ACCEPTED : RETRY),
};

function includesEvent(eventTypes: readonly string[], type: string): boolean {
  return eventTypes.some((own) => canonicalType(own) === canonicalType(type));
}

function otherThanOne(eventTypes: readonly string[]): string | undefined {
  return eventTypes.length === 1 ? undefined : 'a Postscript subscription has exactly one event type';
}

/** Reference, update-webhook-subscription: it accepts a URL and headers but no event. */
function changedEvent(
  eventTypes: readonly string[],
  previous: Pick<Subscription, 'eventTypes'> | undefined,
): string | undefined {
  return previous && !eventTypes.every((type) => includesEvent(previous.eventTypes, type))
    ? 'the event of a subscription cannot be changed; create another one'
    : undefined;
}
