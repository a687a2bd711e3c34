/**
 * Postack: SMS events, delivered by Svix.
 *
 * Postack's own pages (https://docs.postack.dev/api-reference/webhooks) specify POST, JSON, HTTPS, 2xx, and that
 * receivers verify with the `svix` package; everything else follows Svix. Sources: https://docs.svix.com and the code
 * of svix-server 1.100.0 (https://github.com/svix/svix-webhooks).
 */
import { z } from 'zod';
import { basicAuthorization, urlCredentials, type BasicCredentials } from '../../contract/basic-auth.js';
import { ACCEPTED, isSuccess, RETRY, unknownEventType } from '../../contract/contract.js';
import type { Subscription } from '../../contract/entities.js';
import { FIVE_DAYS_OF_FAILURES } from '../../contract/failing.js';
import { messageId, prefixedMessageIds, renderMessage, takesMessage } from '../../contract/message.js';
import { base62 } from '../../contract/random.js';
import { clampToSchedule, retryAfterMs } from '../../contract/retry-after.js';
import { hours, minutes, seconds } from '../../contract/schedule.js';
import {
  checkSigningSecret,
  newSigningSecret,
  rotateSigningKeys,
  signatureHeader,
  type SigningKey,
} from '../../contract/signing-keys.js';
import type { Contract, ContractSummary, RequestHeader } from '../../contract/types.js';
import { events, findEvent } from './events.js';
import { reportOperation } from './operations.js';
import { fields, metadata, toOptions, uint16, type Fields, type Options } from './fields.js';

export interface Scope {
  readonly appId: string;
}

export interface Secrets {
  readonly keys: readonly SigningKey[];
  /** The credentials of a URL such as `https://user:password@host`. */
  readonly credentials?: BasicCredentials;
}

type Nothing = Record<string, never>;

/**
 * What Svix's API stores of an application and shows, without other effect; of the account itself also its name there, so
 * that only the operator names the account.
 */
const settings = z.strictObject({
  name: z.string().optional(),
  throttleRate: uint16.optional(),
  metadata: metadata.optional(),
});
export type Settings = z.infer<typeof settings>;

/** https://docs.svix.com/retries: eight attempts over 27 h 35 min 5 s. */
const SCHEDULE = [seconds(5), minutes(5), minutes(30), hours(2), hours(5), hours(10), hours(10)];

/** https://docs.svix.com/retries: "15s with Svix". */
const TIME_LIMIT_MS = seconds(15);

/** Statuses with which a receiver asks to slow down. */
const SLOW_DOWN = new Set([429, 503]);

/**
 * Headers that a subscription cannot set: the three signature headers, and those that Svix rejects by name
 * (svix-server/src/core/types/mod.rs, `FORBIDDEN_KEYS`).
 */
const RESERVED_HEADERS: readonly string[] = [
  'svix-id',
  'svix-timestamp',
  'svix-signature',
  'user-agent',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
  'age',
  'cache-control',
  'clear-site-data',
  'expires',
  'pragma',
  'warning',
  'content-length',
  'content-type',
  'content-encoding',
  'content-language',
  'content-location',
];

/** Details and sources are in docs/contracts/postack.md. */
const about: ContractSummary = {
  summary: 'Events of SMS messages, sent as Svix sends them. Subscriptions can filter by channels.',
  accepted:
    'Status 2xx. All other responses are retried, after Retry-After where a receiver asks to slow down; the response ' +
    'header webhook-delivery: abort-message ends the delivery, and disable also disables the subscription.',
  signature: {
    headers: ['svix-id', 'svix-timestamp', 'svix-signature'],
    description:
      'v1, and the base64 of an HMAC-SHA256 over id, timestamp and body, joined by full stops. The key is the part after ' +
      'whsec_, decoded. Each attempt has a new timestamp and signature.',
  },
};

export const contract: Contract<Scope, Settings, Nothing, Fields, Options, Secrets> = {
  provider: 'postack',
  title: 'Postack',
  about,
  events,
  findEvent,
  hasChannels: true,

  accounts: {
    scope: z.strictObject({ appId: z.string().regex(/^app_[a-zA-Z0-9]{1,64}$/) }),
    newScope: (randomBytes) => ({ appId: `app_${base62(randomBytes(20))}` }),
    settings,
    newSecrets: () => ({}),
    newApiKey: (randomBytes) => `sk_${base62(randomBytes(24))}`,
  },

  subscriptions: {
    fields,
    allowsUrlCredentials: true,
    reservedHeaders: RESERVED_HEADERS,
    toStored: ({ fields: input, url, previous, randomBytes }) => ({
      options: toOptions(input, previous?.options),
      secrets: {
        keys:
          input.secret === undefined && previous
            ? previous.secrets.keys
            : [{ secret: input.secret ?? newSigningSecret(randomBytes) }],
        credentials: url ? urlCredentials(url) : previous?.secrets.credentials,
      },
    }),
    toPublic: ({ options }) => ({ ...options, receivesBy: options.receivesBy ?? 'push' }),
    checkEventTypes: (eventTypes) => unknownEventType(eventTypes, findEvent),
    checkUrl: (url, options) =>
      options.receivesBy === 'poll' || new URL(url).protocol === 'https:'
        ? undefined
        : 'Postack calls only addresses that begin with https://',
    newReference: (_number, randomBytes) => `ep_${base62(randomBytes(20))}`,
    // Postack's receivers verify with a package that supports only `v1` signatures, so an ed25519 key cannot work.
    checkSecret: (secret) =>
      secret.startsWith('whsec_') ? checkSigningSecret(secret) : 'must begin with whsec_ (shared secret)',
    signingSecret: ({ secrets }) => secrets.keys[0]?.secret,
    rotateSecret: ({ secrets }, { randomBytes, overlapEndsAt, now, secret }) => ({
      ...secrets,
      keys: rotateSigningKeys(secrets.keys, { secret: secret ?? newSigningSecret(randomBytes), now, overlapEndsAt }),
    }),
  },

  select: (event, subscriptions) => subscriptions.filter((subscription) => takesMessage(subscription, event)),
  bodyVariant: () => '',
  // What a sender creates through Svix's API is the whole body; what `/v1` accepts is in Postack's envelope.
  renderBody: ({ event }) => (event.verbatim ? event.text : renderMessage(event)),

  request: ({ subscription, event, body, now }) => {
    const id = messageId(event.id);
    const timestamp = Math.floor(now.getTime() / 1_000);
    return {
      url: subscription.url,
      headers: withCustomHeaders(subscription, [
        { name: 'Accept', value: '*/*' },
        { name: 'Content-Type', value: 'application/json' },
        { name: 'User-Agent', value: 'Svix-Webhooks/1.0 (Postack)' },
        { name: 'svix-id', value: id },
        { name: 'svix-timestamp', value: String(timestamp) },
        { name: 'svix-signature', value: signatureHeader(subscription.secrets.keys, { id, timestamp, body }, now) },
      ]),
    };
  },

  timeLimitMs: () => TIME_LIMIT_MS,
  schedule: () => SCHEDULE,
  maxRedirects: () => 0,
  reportOperation,
  polling: { isPolled: ({ receivesBy }) => receivesBy === 'poll', messageId },
  // Also the message's id in Svix's API.
  messageIds: prefixedMessageIds('svix-id'),
  disableAfterFailing: FIVE_DAYS_OF_FAILURES,

  classifyResponse: ({ status, headers }, { now, waitMs }) => {
    if (isSuccess(status)) return ACCEPTED;
    // https://docs.svix.com/receiving/delivery-control
    switch (headers['webhook-delivery']?.trim().toLowerCase()) {
      case 'abort-message':
        return { kind: 'stop', reason: 'the receiver responded with webhook-delivery: abort-message' };
      case 'disable':
        return { kind: 'stop', reason: 'the receiver responded with webhook-delivery: disable', disable: true };
    }
    if (!SLOW_DOWN.has(status)) return RETRY;
    return { kind: 'retry', retryAfterMs: clampToSchedule(retryAfterMs(headers['retry-after'], now), waitMs) };
  },
};

/** A subscription's own headers replace `Accept` and the `Authorization` derived from the URL. */
function withCustomHeaders(
  { headers, secrets }: Subscription<Options, Secrets>,
  own: readonly RequestHeader[],
): RequestHeader[] {
  const custom = Object.entries(headers).map(([name, value]) => ({ name, value, secret: true }));
  const customNames = new Set(custom.map(({ name }) => name.toLowerCase()));
  const authorization = secrets.credentials
    ? [{ name: 'Authorization', value: basicAuthorization(secrets.credentials), secret: true }]
    : [];
  return [...[...own, ...authorization].filter(({ name }) => !customNames.has(name.toLowerCase())), ...custom];
}
