/**
 * Standard Webhooks, specification 1.0.0: for platforms without a contract of their own.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { z } from 'zod';
import { batchField, joinBatches, renderBatchOfOne, type BatchLimits } from '../../contract/batches.js';
import type { CallbackReceivers } from '../../contract/callbacks.js';
import { ACCEPTED, groupEntries, groupOf, isSuccess, RETRY, takesTypeOrGroup } from '../../contract/contract.js';
import { FIVE_DAYS_OF_FAILURES } from '../../contract/failing.js';
import { messageId, prefixedMessageIds, renderMessage, takesChannels } from '../../contract/message.js';
import { clampToSchedule, retryAfterMs } from '../../contract/retry-after.js';
import { advanced } from '../../contract/rules.js';
import { hours, minutes, seconds } from '../../contract/schedule.js';
import {
  checkSigningSecret,
  newSigningSecret,
  publicKeys,
  rotateSigningKeys,
  signatureHeader,
  verificationKey,
  type SigningKey,
} from '../../contract/signing-keys.js';
import type { Event } from '../../contract/entities.js';
import type { Contract, ContractSummary, EventDefinition } from '../../contract/types.js';

/**
 * The specification leaves the catalogue to the platform: every name of `[a-zA-Z0-9_]` parts separated by full stops is
 * an event type, and its data can be any JSON value.
 */
const EVENT_TYPE = /^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$/;

/** What a name must be, in words. */
const NAME_FORM =
  'must be parts of letters, digits and _ separated by full stops, such as invoice.paid, at most 128 long';

const anything = z.unknown();

/** Examples for the documentation; every other well-formed name is also valid. */
export const events: readonly EventDefinition[] = [
  {
    type: 'user.created',
    title: 'An example: someone signed up',
    data: anything,
    example: { id: 'usr_1', email: 'kim@example.com' },
  },
  {
    type: 'invoice.paid',
    title: 'An example: an invoice was paid',
    data: anything,
    example: { id: 'inv_1', total: 4200 },
  },
];

/** The definition of any well-formed event type, at most 128 characters. */
export function findEvent(type: string): EventDefinition | undefined {
  if (type.length > 128 || !EVENT_TYPE.test(type)) return undefined;
  return events.find((event) => event.type === type) ?? { type, title: type, data: anything, example: { test: true } };
}

/** Why a subscription cannot have these entries: each is the name of an event type, or a group such as `invoice.*`. */
function checkEventTypes(entries: readonly string[]): string | undefined {
  const wrong = entries.find((entry) => !findEvent(groupOf(entry) ?? entry));
  return wrong === undefined ? undefined : `there is no event type ${JSON.stringify(wrong)}`;
}

interface Options extends CallbackReceivers {
  readonly channels: readonly string[];
  /** Absent when each event is sent alone. */
  readonly batch?: BatchLimits;
  /** Absent means `continue`. */
  readonly onOrderedFailure?: 'block';
  /** Absent when requests are sent to its URL. */
  readonly receivesBy?: 'poll';
}

interface Secrets {
  readonly keys: readonly SigningKey[];
}

type Scope = Record<string, never>;
type Settings = Record<string, never>;

const callbackReceiver = z.string().min(1).max(64).nullable().optional();

const fields = z.object({
  secret: z
    .string()
    .optional()
    .describe('Signs deliveries: whsec_ and base64 of 24 to 64 bytes, or whsk_ for ed25519. Generated when absent.')
    .meta(advanced()),
  signature: z
    .enum(['v1', 'v1a'])
    .optional()
    .describe('Kind of secret to generate: v1 is HMAC-SHA256 (default), v1a is ed25519.')
    .meta(advanced()),
  channels: z
    .array(z.string().min(1).max(128))
    .max(10)
    .optional()
    .describe('Receive only events with one of these channels.'),
  receivesBy: z
    .enum(['push', 'poll'])
    .optional()
    .describe(
      'push sends requests to the url (default); poll keeps messages to be read, without a url. Cannot be changed.',
    )
    .meta(advanced()),
  onOrderedFailure: z
    .enum(['continue', 'block'])
    .optional()
    .describe(
      'What follows when a delivery with an ordering key fails: continue with the next one of the key (default), or block ' +
        'the key until the failed one is redelivered or parked.',
    )
    .meta(advanced('After a failed ordered delivery')),
  onDelivered: callbackReceiver
    .describe(
      'Id of another subscription of the account that gets a callback, pigeonpost.delivery.delivered, for each delivery that ' +
        'is accepted; null for none.',
    )
    .meta(advanced('Callback for accepted deliveries')),
  onExhausted: callbackReceiver
    .describe(
      'Id of another subscription of the account that gets a callback, pigeonpost.delivery.exhausted, for each delivery that ' +
        'fails for good; null for none.',
    )
    .meta(advanced('Callback for failed deliveries')),
  batch: batchField.meta(advanced('Several events per request')),
});
type Fields = z.infer<typeof fields>;

/** "Operational considerations": ten attempts over 75 h 35 min 5 s. */
const SCHEDULE = [seconds(5), minutes(5), minutes(30), hours(2), hours(5), hours(10), hours(14), hours(20), hours(24)];

/** The specification recommends 15 to 30 s. */
const TIME_LIMIT_MS = seconds(15);

/** Statuses with which a receiver asks to slow down. */
const SLOW_DOWN = new Set([429, 502, 503, 504]);

/** Details and sources are in docs/contracts/standard.md. */
const about: ContractSummary = {
  summary: 'The specification Standard Webhooks 1.0.0, for a platform without a contract of its own. Any event type.',
  accepted:
    'Status 2xx. 410 ends the delivery and disables the subscription; all other responses are retried, after ' +
    'Retry-After where a receiver asks to slow down.',
  signature: {
    headers: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    description:
      'v1 and the base64 of an HMAC-SHA256, or v1a and that of an ed25519 signature, over id, timestamp and body, joined ' +
      'by full stops. The key is the part after whsec_ or whpk_, decoded. Each attempt has a new timestamp and signature.',
  },
};

export const contract: Contract<Scope, Settings, Scope, Fields, Options, Secrets> = {
  provider: 'standard',
  title: 'Standard Webhooks',
  about,
  events,
  findEvent,
  openCatalogue: { nameForm: NAME_FORM },
  hasDeliveryPolicy: true,
  hasChannels: true,
  hasFilters: true,
  hasEventTiming: true,
  hasOrderingKeys: true,
  hasBroadcasts: true,
  callbacks: {
    receiversOf: (options) =>
      options.onDelivered === undefined && options.onExhausted === undefined ? undefined : options,
  },

  accounts: {
    scope: z.strictObject({}),
    newScope: () => ({}),
    settings: z.strictObject({}),
    newSecrets: () => ({}),
    newApiKey: (randomBytes) => `sk_${randomBytes(24).toString('base64url')}`,
  },

  subscriptions: {
    fields,
    allowsUrlCredentials: false,
    reservedHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'content-type', 'user-agent'],
    toStored: ({ fields: input, previous, randomBytes }) => ({
      options: {
        channels: input.channels ?? previous?.options.channels ?? [],
        ...((input.receivesBy ?? previous?.options.receivesBy) === 'poll' ? { receivesBy: 'poll' as const } : {}),
        ...((input.onOrderedFailure ?? previous?.options.onOrderedFailure) === 'block'
          ? { onOrderedFailure: 'block' }
          : {}),
        ...callbackReceivers(input, previous?.options),
        ...batchOf(input.batch === undefined ? previous?.options.batch : input.batch),
      },
      secrets:
        input.secret === undefined && previous
          ? previous.secrets
          : { keys: [{ secret: input.secret ?? newSigningSecret(randomBytes, input.signature) }] },
    }),
    toPublic: ({ options }) => ({
      channels: options.channels,
      receivesBy: options.receivesBy ?? 'push',
      onOrderedFailure: options.onOrderedFailure ?? 'continue',
      onDelivered: options.onDelivered ?? null,
      onExhausted: options.onExhausted ?? null,
      batch: options.batch ?? null,
    }),
    checkEventTypes,
    checkOptions: ({ batch, receivesBy }) =>
      batch && receivesBy === 'poll'
        ? { path: 'batch', problem: 'cannot be combined with receivesBy: poll, which reads pages of events' }
        : undefined,
    checkUrl: () => undefined,
    newReference: (_number, randomBytes) => `ep_${randomBytes(16).toString('hex')}`,
    checkSecret: checkSigningSecret,
    signingSecret: ({ secrets }) => verificationKey(currentSecret(secrets)),
    publicKeys: ({ secrets }, now) => publicKeys(secrets.keys, now),
    rotateSecret: ({ secrets }, { randomBytes, overlapEndsAt, now, secret }) => ({
      keys: rotateSigningKeys(secrets.keys, {
        secret: secret ?? newSigningSecret(randomBytes, currentSecret(secrets).startsWith('whsk_') ? 'v1a' : 'v1'),
        now,
        overlapEndsAt,
      }),
    }),
  },

  select: (event, subscriptions) => {
    const groups = groupEntries(event.type);
    return subscriptions.filter(
      (subscription) => takesTypeOrGroup(subscription, event.type, groups) && takesChannels(subscription, event),
    );
  },
  bodyVariant: ({ options }) => (options.batch ? 'batch' : ''),
  renderBody: ({ event, subscription }) => render(event, subscription.options.batch !== undefined),
  renderTransformed: render,

  request: ({ subscription, event, body, now }) => {
    const id = messageId(event.id);
    const timestamp = Math.floor(now.getTime() / 1_000);
    return {
      url: subscription.url,
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'User-Agent', value: 'Pigeonpost/1' },
        { name: 'webhook-id', value: id },
        { name: 'webhook-timestamp', value: String(timestamp) },
        { name: 'webhook-signature', value: signatureHeader(subscription.secrets.keys, { id, timestamp, body }, now) },
        ...Object.entries(subscription.headers).map(([name, value]) => ({ name, value, secret: true })),
      ],
    };
  },

  timeLimitMs: () => TIME_LIMIT_MS,
  schedule: () => SCHEDULE,
  maxRedirects: () => 0,
  // The specification names its own headers and lets senders add others.
  sendsTraceContext: true,
  batching: { limitsOf: ({ batch }) => batch, join: joinBatches },
  messageIds: prefixedMessageIds('webhook-id'),
  polling: { isPolled: ({ receivesBy }) => receivesBy === 'poll', messageId },
  disableAfterFailing: FIVE_DAYS_OF_FAILURES,

  classifyResponse: ({ status, headers }, { now, waitMs }) => {
    if (isSuccess(status)) return ACCEPTED;
    if (status === 410) return { kind: 'stop', reason: 'the receiver responded with 410 Gone', disable: true };
    if (!SLOW_DOWN.has(status)) return RETRY;
    return { kind: 'retry', retryAfterMs: clampToSchedule(retryAfterMs(headers['retry-after'], now), waitMs) };
  },
};

/** The receivers of callbacks after an edit; absent fields stay, null removes. */
function callbackReceivers(
  { onDelivered, onExhausted }: Fields,
  previous: CallbackReceivers | undefined,
): CallbackReceivers {
  const delivered = onDelivered === undefined ? previous?.onDelivered : onDelivered;
  const exhausted = onExhausted === undefined ? previous?.onExhausted : onExhausted;
  return {
    ...(delivered == null ? {} : { onDelivered: delivered }),
    ...(exhausted == null ? {} : { onExhausted: exhausted }),
  };
}

const batchOf = (batch: BatchLimits | null | undefined): Pick<Options, 'batch'> => (batch ? { batch } : {});

/** A subscription with batches always gets them, also of one event, so that its receiver parses one form. */
function render(event: Event, isBatch = false): string {
  return isBatch ? renderBatchOfOne(messageId(event.id), event) : renderMessage(event);
}

function currentSecret({ keys }: Secrets): string {
  const [current] = keys;
  if (!current) throw new Error('a subscription without a signing key');
  return current.secret;
}
