/**
 * postpress.ai: the API and payloads of Unipile's first generation under another name.
 * https://www.postpress.ai/docs/webhooks-overview, https://api.postpress.io/docs/webhooks-create
 */
import { z } from 'zod';
import { ACCEPTED, RETRY, unknownEventType } from '../../contract/contract.js';
import type { RandomBytes, Subscription } from '../../contract/entities.js';
import { minutes, seconds } from '../../contract/schedule.js';
import type { Contract, ContractSummary, RequestHeader } from '../../contract/types.js';
import { renderBody, type BodyOptions } from './body.js';
import { defaultEventTypes, events, findEvent, sourceOf } from './events.js';
import { MAPPED_KEYS, SOURCES, type Source } from './sources.js';

export interface Options extends BodyOptions {
  readonly source: Source;
  /** Connected accounts whose events are received; an empty list means all, current and future. */
  readonly accountIds: readonly string[];
  /**
   * Where the webhook was created: only webhooks from the dashboard get a Content-Type by default. All webhooks
   * that were not created by postpress' own API count as created in the dashboard.
   */
  readonly origin: 'api' | 'dashboard';
}

type None = Record<string, never>;

export const MAX_NAME_LENGTH = 255;

const fields = z.object({
  source: z.enum(SOURCES).describe('The event source; eventTypes must belong to it.'),
  accountIds: z
    .array(z.string().min(1).max(255))
    .max(1_000)
    .optional()
    .describe('Receive only events of these connected accounts; all when absent or empty.'),
  format: z.enum(['json', 'form']).optional().describe('Encoding of the body: json (default) or form.'),
  data: z
    .array(z.strictObject({ name: z.string().min(1).max(255), key: z.string().min(1).max(255) }))
    .max(200)
    .refine((mappings) => new Set(mappings.map(({ name }) => name)).size === mappings.length, 'names must differ')
    .optional()
    .describe('Send only these payload fields (`key`), each under the name in `name`; all when empty.'),
  origin: z
    .enum(['api', 'dashboard'])
    .optional()
    .describe('Origin of the webhook: dashboard (default) sends Content-Type: application/json, api none.'),
  name: z
    .string()
    .max(MAX_NAME_LENGTH)
    .optional()
    .describe('Display name, sent in the body as webhook_name; none when empty.'),
});
type Fields = z.infer<typeof fields>;

/** Five retries "with an incremental time delay" that postpress does not document; the waits are our choice. */
const SCHEDULE = [minutes(1), minutes(5), minutes(15), minutes(30), minutes(60)];

/** "Reply with a status code 200 in less than 30 seconds." */
const TIME_LIMIT_MS = seconds(30);

/** Crockford's base32, the alphabet of ULIDs. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Number of characters for 128 bits at 5 bits each. */
const LENGTH = 26;

/** Details and sources are in docs/contracts/postpress.md. */
const about: ContractSummary = {
  summary: 'Events of connected accounts of LinkedIn, WhatsApp, mail and others. A subscription receives one source.',
  accepted: 'Status 200. All other responses are retried.',
  signature: {
    headers: [],
    description: 'Not signed. Configure a secret header in the subscription and compare its value.',
  },
};

export const contract: Contract<None, None, None, Fields, Options, None> = {
  provider: 'postpress',
  title: 'postpress.ai',
  about,
  events,
  findEvent,
  hasChannels: false,

  accounts: {
    scope: z.strictObject({}),
    newScope: () => ({}),
    settings: z.strictObject({}),
    newSecrets: () => ({}),
    newApiKey: (randomBytes) => `pp_live_${randomBytes(24).toString('hex')}`,
  },

  subscriptions: {
    fields,
    allowsUrlCredentials: false,
    // "headers" is the documented way to set a Content-Type, so that header is not reserved.
    reservedHeaders: [],
    toStored: ({ fields: input, previous }) => ({
      options: {
        // An edit may omit `source`; a new subscription must have it.
        source: input.source ?? previous?.options.source,
        accountIds: input.accountIds ?? previous?.options.accountIds ?? [],
        format: input.format ?? previous?.options.format ?? 'json',
        data: input.data ?? previous?.options.data ?? [],
        origin: input.origin ?? previous?.options.origin ?? 'dashboard',
        name: input.name === undefined ? (previous?.options.name ?? null) : input.name || null,
      },
      secrets: {},
    }),
    toPublic: ({ options: { source, accountIds, format, data, origin, name } }) => ({
      source,
      accountIds,
      format,
      data,
      origin,
      name,
    }),
    checkEventTypes: (eventTypes, options) =>
      unknownEventType(eventTypes, findEvent) ?? foreignEventType(eventTypes, options),
    checkOptions: unknownMapping,
    checkUrl: (url, { source }) =>
      source === 'calendar_event' && new URL(url).protocol !== 'https:'
        ? 'must begin with https:// for source calendar_event'
        : undefined,
    newReference: (_number, randomBytes) => newReference(randomBytes),
  },

  select: (event, subscriptions) => {
    const source = sourceOf(event.type);
    const account = connectedAccount(event.data);
    return subscriptions.filter(
      ({ eventTypes, options }) =>
        options.source === source &&
        (eventTypes.length === 0 ? defaultEventTypes(source) : eventTypes).includes(event.type) &&
        (options.accountIds.length === 0 || (account !== undefined && options.accountIds.includes(account))),
    );
  },

  bodyVariant: ({ options: { format, name, data } }) =>
    JSON.stringify([format, name, data.map(({ name: property, key }) => [property, key])]),
  renderBody: ({ event, subscription }) => renderBody(event, subscription.options),

  request: ({ subscription }) => ({ url: subscription.url, headers: headers(subscription) }),

  timeLimitMs: () => TIME_LIMIT_MS,
  schedule: () => SCHEDULE,
  maxRedirects: () => 0,

  classifyResponse: ({ status }) => (status === 200 ? ACCEPTED : RETRY),
};

/** The subscription's own headers and, unless these replace them, the contract's headers. */
function headers({ headers: own, options }: Subscription<Options>): RequestHeader[] {
  const custom = Object.entries(own).map(([name, value]) => ({ name, value, secret: true }));
  const named = new Set(custom.map(({ name }) => name.toLowerCase()));
  const contentType = contentTypeOf(options);
  const ours = [
    ...(contentType === undefined ? [] : [{ name: 'Content-Type', value: contentType }]),
    { name: 'User-Agent', value: 'Pigeonpost/1' },
  ];
  return [...ours.filter(({ name }) => !named.has(name.toLowerCase())), ...custom];
}

function contentTypeOf({ format, origin }: Options): string | undefined {
  if (format === 'form') return 'application/x-www-form-urlencoded';
  return origin === 'dashboard' ? 'application/json' : undefined;
}

function foreignEventType(eventTypes: readonly string[], { source }: Options): string | undefined {
  const foreign = eventTypes.find((type) => sourceOf(type) !== source);
  return foreign === undefined ? undefined : `source ${source} has no event type ${JSON.stringify(foreign)}`;
}

function unknownMapping({ source, data }: Options): { path: string; problem: string } | undefined {
  const index = data.findIndex(({ key }) => MAPPED_KEYS[source]?.includes(key) === false);
  if (index === -1) return undefined;
  return {
    path: `data[${index}].key`,
    problem: `source ${source} has no field ${JSON.stringify(data[index]?.key)} that data could map`,
  };
}

/** The connected account of an event; in an account_status event it may be wrapped. */
function connectedAccount(data: unknown): string | undefined {
  const payload = data as { account_id?: unknown; AccountStatus?: { account_id?: unknown } } | null;
  const id = payload?.AccountStatus?.account_id ?? payload?.account_id;
  return typeof id === 'string' ? id : undefined;
}

/** A webhook id in the format of postpress' samples (`wh_01HX…`): 128 random bits written like a ULID. */
function newReference(randomBytes: RandomBytes): string {
  const bits = BigInt(`0x${randomBytes(16).toString('hex')}`);
  const digits = Array.from({ length: LENGTH }, (_, index) => Number((bits >> BigInt(5 * (LENGTH - 1 - index))) & 31n));
  return `wh_${digits.map((digit) => ALPHABET[digit]).join('')}`;
}
