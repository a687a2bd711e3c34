/**
 * Postmark: webhooks of an e-mail service; one webhook receives several triggers of one message stream.
 * https://postmarkapp.com/developer/webhooks/webhooks-overview
 */
import { z } from 'zod';
import { uuidMessageIds } from '../../contract/message.js';
import { uuidV4 } from '../../contract/random.js';
import { hours, minutes, seconds } from '../../contract/schedule.js';
import type { Contract, ContractSummary, LastingFailure } from '../../contract/types.js';
import { eras, rulesOf } from './eras.js';
import { events, findEvent, isTrigger } from './events.js';
import { bodyVariant, renderBody, request, reservedHeaders } from './request.js';
import { INBOUND, streamId, streamOf } from './streams.js';
import {
  checkEventTypes,
  fields,
  toPublic,
  toStored,
  type Fields,
  type Options,
  type Secrets,
} from './subscription.js';

const scope = z.strictObject({ serverId: z.int().positive().describe('The server, as `ServerID` in bodies.') });
export type Scope = z.infer<typeof scope>;

const streams = z.array(streamId).default([]);

const settings = z.strictObject({
  contract: z.enum(eras).default('classic').describe("Which of Postmark's two contracts the account has."),
  messageStreams: streams.describe('Streams of the server in addition to outbound, broadcast and inbound.'),
  archivedStreams: streams.describe('Streams in which no new webhooks can be created.'),
});
export type Settings = z.infer<typeof settings>;

/** Generated server ids stay within 32 bits, because the vendor's .NET client reads 32-bit integers. */
const SERVER_IDS = 2 ** 31 - 1;

/** No limit is documented for outbound webhooks, and integrators assume 10 s; this limit is longer. */
const TIME_LIMIT_MS = seconds(30);

/** "What are inbound error messages": two minutes. */
const INBOUND_TIME_LIMIT_MS = minutes(2);

/** High enough that a single unusual event does not pause a trigger. */
const DELIVERIES = 10;

/**
 * Pausing one trigger of a webhook, since 2026: "if an event type keeps failing across many events, Postmark marks that
 * event type unverified and pauses delivery for it until the endpoint is fixed and re-verified". Postmark publishes no
 * numbers; these are ours.
 * https://github.com/ActiveCampaign/postmark-skills, postmark-webhooks 1.1.0
 */
const lastingFailure: LastingFailure<unknown, Settings, Options> = {
  deliveries: DELIVERIES,
  withinMs: hours(24),
  optionsAfter: (eventType, { options }, { settings }) =>
    settings.contract === '2026' && isTrigger(eventType) && !options.unverifiedTriggers.includes(eventType)
      ? { ...options, unverifiedTriggers: [...options.unverifiedTriggers, eventType] }
      : undefined,
};

/** Details and sources are in docs/contracts/postmark.md. */
const about: ContractSummary = {
  summary:
    'Events of messages in one stream of a server. An account has the classic contract or that of 2026, by ' +
    'settings.contract; inbound mail uses the classic contract in both cases.',
  accepted:
    'Classic: status 200; 403 ends the delivery, all other responses are retried. 2026: status 2xx; 4xx other than ' +
    '408 and 429 ends the delivery.',
  signature: {
    headers: ['Authorization'],
    description: 'Not signed. Configure Basic credentials or a secret header in the subscription, and compare.',
  },
};

export const contract: Contract<Scope, Settings, Record<string, never>, Fields, Options, Secrets> = {
  provider: 'postmark',
  title: 'Postmark',
  about,
  events,
  findEvent,
  hasChannels: false,

  accounts: {
    scope,
    newScope: (randomBytes) => ({ serverId: 1 + (randomBytes(4).readUInt32BE() % SERVER_IDS) }),
    settings,
    newSecrets: () => ({}),
    // A server token is a UUID.
    newApiKey: uuidV4,
  },

  subscriptions: {
    fields,
    allowsUrlCredentials: true,
    credentialFields: ['httpAuth'],
    reservedHeaders,
    toStored,
    toPublic,
    checkEventTypes,
    checkUrl: () => undefined,
    newReference: (number) => String(number),
  },

  select: (event, subscriptions) => {
    const stream = streamOf(event);
    const repeated = event.type === 'Open' && !(event.data as { FirstOpen: boolean }).FirstOpen;
    return subscriptions.filter(
      ({ eventTypes, options }) =>
        eventTypes.includes(event.type) &&
        options.messageStream === stream &&
        !options.unverifiedTriggers.includes(event.type) &&
        !(repeated && options.postFirstOpenOnly),
    );
  },

  bodyVariant,
  renderBody,
  request,

  timeLimitMs: (eventType) => (eventType === INBOUND ? INBOUND_TIME_LIMIT_MS : TIME_LIMIT_MS),
  schedule: (eventType, { settings }) => rulesOf(settings.contract, eventType).schedule(eventType),
  maxRedirects: (eventType, { settings }) => rulesOf(settings.contract, eventType).maxRedirects,
  classifyResponse: ({ status }, { account, eventType }) =>
    rulesOf(account.settings.contract, eventType).classifyResponse(status),

  // Not X-PM-Webhook-Event-Id, which has a part of the UUID only.
  messageIds: uuidMessageIds('X-PM-Webhook-Trace-Id'),
  lastingFailure,
};
