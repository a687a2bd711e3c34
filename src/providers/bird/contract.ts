/**
 * Bird, formerly MessageBird: the notifications API of api.bird.com.
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/create-a-webhook-subscription
 *
 * This is neither the older rest.messagebird.com nor the platform of 2026 (bird.com/docs/webhooks); both sign
 * differently.
 */
import { z } from 'zod';
import { ACCEPTED, isSuccess, RETRY, unknownEventType } from '../../contract/contract.js';
import { idToUuid } from '../../contract/ids.js';
import { uuidMessageIds } from '../../contract/message.js';
import { jsonMember, jsonObject } from '../../contract/json.js';
import { base62, uuidV4 } from '../../contract/random.js';
import { advanced } from '../../contract/rules.js';
import { every, minutes, seconds } from '../../contract/schedule.js';
import type { Contract, ContractSummary } from '../../contract/types.js';
import { events, findEvent, serviceOf, SERVICES, type Service } from './events.js';
import { eventFilters, passes, unknownFilter, type EventFilter } from './filters.js';
import { sign } from './signature.js';

export interface Scope {
  readonly organizationId: string;
  readonly workspaceId: string;
}

export interface Settings {
  /** Send unfiltered subscriptions also the events that match a filtered one. */
  readonly unfilteredTakesAll: boolean;
  /** Sign each attempt with its own time instead of the first attempt's. */
  readonly restampRetries: boolean;
  /** Show signing keys in responses of Bird's own API. */
  readonly showSigningKey: boolean;
}

export interface Options {
  readonly service: Service;
  readonly eventFilters: readonly EventFilter[];
  /** Bird's name of a body template. Bird publishes no templates, so it is stored and returned without effect. */
  readonly template: string | null;
}

export interface Secrets {
  readonly signingKey: string | null;
}

const MAX_SIGNING_KEY_LENGTH = 1_024;
/** Length of a key for `Authorization: AccessKey …`; it is generated from as many random bytes, to avoid bias. */
const ACCESS_KEY_LENGTH = 40;

const fields = z.object({
  service: z.enum(SERVICES).describe('The service of the event type.'),
  signingKey: z
    .string()
    .min(1)
    .max(MAX_SIGNING_KEY_LENGTH)
    .nullable()
    .optional()
    .describe('Signs deliveries; used as plain text. Deliveries are unsigned when absent or null.'),
  eventFilters: eventFilters
    .nullable()
    .optional()
    .describe('Receive only events that match all of these filters; all events when absent, null or empty.'),
  template: z
    .string()
    .max(255)
    .nullable()
    .optional()
    .describe('Stored and returned; its effect is undocumented.')
    .meta(advanced()),
});
type Fields = z.infer<typeof fields>;

/** The pattern that Bird documents for `url`: https with a dotted host name, without port or credentials. */
const URL_PATTERN = /^https:\/\/([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(\/[^\s]*)?$/;

/**
 * "At increasing intervals over a period of 8 hours"; the intervals are not documented. Bird's sample log has 36
 * attempts, and these waits give the same number: 1, 2, 4 and 8 minutes, then every 15, together 8 hours.
 */
const SCHEDULE = [minutes(1), minutes(2), minutes(4), minutes(8), ...every(minutes(15), 31)];

/** Bird publishes no limit; this one is our choice. */
const TIME_LIMIT_MS = seconds(10);

/** Details and sources are in docs/contracts/bird.md. */
const about: ContractSummary = {
  summary:
    "Notifications of a workspace's services. A subscription receives one event type and can filter by its fields. " +
    'Bird documents no events of the service payments, so it has no event types.',
  accepted: 'Status 2xx. All other responses are retried.',
  signature: {
    headers: ['messagebird-request-timestamp', 'messagebird-signature'],
    description:
      'The base64 of an HMAC-SHA256 over timestamp, line feed, registered URL, line feed and the SHA-256 of the ' +
      "body as bytes. The key is the text of signingKey. The time is the first attempt's unless the account restamps.",
  },
};

export const contract: Contract<Scope, Settings, Record<string, never>, Fields, Options, Secrets> = {
  provider: 'bird',
  title: 'Bird',
  about,
  events,
  findEvent,
  hasChannels: false,

  accounts: {
    scope: z.strictObject({ organizationId: z.uuid(), workspaceId: z.uuid() }),
    newScope: (randomBytes) => ({ organizationId: uuidV4(randomBytes), workspaceId: uuidV4(randomBytes) }),
    settings: z.strictObject({
      unfilteredTakesAll: z
        .boolean()
        .default(false)
        .describe('Send unfiltered subscriptions also the events that match a filtered subscription.'),
      restampRetries: z
        .boolean()
        .default(false)
        .describe('Give each attempt its own timestamp and signature instead of those of the first attempt.'),
      showSigningKey: z
        .boolean()
        .default(true)
        .describe("Show signing keys in responses of Bird's own API, as documented; integrators observed hidden keys."),
    }),
    newSecrets: () => ({}),
    newApiKey: (randomBytes) => base62(randomBytes(ACCESS_KEY_LENGTH)).slice(-ACCESS_KEY_LENGTH),
  },

  subscriptions: {
    fields,
    allowsUrlCredentials: false,
    allowsUrlFragment: true,
    reservedHeaders: [
      'content-type',
      'user-agent',
      'messagebird-request-id',
      'messagebird-request-timestamp',
      'messagebird-signature',
    ],
    toStored: ({ fields: input, previous }) => ({
      options: {
        // An edit may omit `service`; a new subscription must have it.
        service: input.service ?? previous?.options.service,
        eventFilters: (input.eventFilters === undefined ? previous?.options.eventFilters : input.eventFilters) ?? [],
        template: (input.template === undefined ? previous?.options.template : input.template) ?? null,
      },
      secrets: {
        signingKey: (input.signingKey === undefined ? previous?.secrets.signingKey : input.signingKey) ?? null,
      },
    }),
    toPublic: ({ options: { service, eventFilters: filters, template } }) => ({
      service,
      eventFilters: filters,
      template,
    }),
    checkEventTypes: (eventTypes, options) =>
      otherThanOne(eventTypes) ?? unknownEventType(eventTypes, findEvent) ?? foreignEventType(eventTypes, options),
    checkOptions: foreignFilter,
    checkUrl: (url) => (URL_PATTERN.test(url) ? undefined : `must match ${URL_PATTERN.source}`),
    newReference: (_number, randomBytes) => uuidV4(randomBytes),
    signingSecret: ({ secrets }) => secrets.signingKey ?? undefined,
    // The header has a single signature, so the former key cannot stay valid after a rotation.
    rotateSecret: (_subscription, { randomBytes, secret }) => ({
      signingKey: secret ?? randomBytes(32).toString('base64'),
    }),
    checkSecret: (secret) =>
      secret.length >= 1 && secret.length <= MAX_SIGNING_KEY_LENGTH
        ? undefined
        : `must have 1 to ${MAX_SIGNING_KEY_LENGTH} characters`,
  },

  /**
   * "If you do not add a filter you will get all events (except where you have other webhooks with an explicit
   * filter)": events that match a filtered subscription are not sent to unfiltered ones of the same service and event.
   */
  select: (event, subscriptions, { settings }) => {
    const service = serviceOf(event.type);
    const matching = subscriptions.filter(
      ({ eventTypes, options }) =>
        options.service === service && eventTypes.includes(event.type) && passes(event.data, options.eventFilters),
    );
    const filtered = matching.filter(({ options }) => options.eventFilters.length > 0);
    return filtered.length === 0 || settings.unfilteredTakesAll ? matching : filtered;
  },

  bodyVariant: () => '',
  renderBody: ({ event }) =>
    jsonObject([
      jsonMember('service', serviceOf(event.type)),
      jsonMember('event', event.type),
      { key: 'payload', value: event.text },
    ]),

  request: ({ account, subscription, event, body, now, firstAttemptAt }) => {
    const { secrets } = subscription;
    // Bird's pattern allows a fragment, but no request contains it: a receiver could not verify a signature over it.
    const url = subscription.url.replace(/#.*/s, '');
    const signedAt = account.settings.restampRetries ? now : firstAttemptAt;
    const timestamp = String(Math.floor(signedAt.getTime() / 1_000));
    return {
      url,
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'User-Agent', value: 'Pigeonpost/1' },
        { name: 'messagebird-request-id', value: idToUuid(event.id) },
        { name: 'messagebird-request-timestamp', value: timestamp },
        ...(secrets.signingKey === null
          ? []
          : [{ name: 'messagebird-signature', value: sign(secrets.signingKey, { timestamp, url, body }) }]),
        ...Object.entries(subscription.headers).map(([name, value]) => ({ name, value, secret: true })),
      ],
    };
  },

  timeLimitMs: () => TIME_LIMIT_MS,
  schedule: () => SCHEDULE,
  maxRedirects: () => 0,
  messageIds: uuidMessageIds('messagebird-request-id'),

  classifyResponse: ({ status }) => (isSuccess(status) ? ACCEPTED : RETRY),
};

function otherThanOne(eventTypes: readonly string[]): string | undefined {
  return eventTypes.length === 1 ? undefined : 'a subscription has exactly one event type';
}

function foreignEventType(eventTypes: readonly string[], { service }: Options): string | undefined {
  const foreign = eventTypes.find((type) => serviceOf(type) !== service);
  if (service === 'payments' && foreign !== undefined) return 'Bird documents no event type of service payments';
  return foreign === undefined ? undefined : `service ${service} has no event type ${JSON.stringify(foreign)}`;
}

function foreignFilter({ service, eventFilters: filters }: Options): { path: string; problem: string } | undefined {
  const unknown = unknownFilter(filters, service);
  return (
    unknown && {
      path: `eventFilters[${filters.indexOf(unknown)}].key`,
      problem: `events of service ${service} cannot be filtered by ${unknown.key}`,
    }
  );
}
