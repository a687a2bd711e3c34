/**
 * Postmark: webhooks of an e-mail service; one webhook receives several triggers of one message stream.
 * https://postmarkapp.com/developer/webhooks/webhooks-overview
 */
import { uuidV4 } from '../../contract/random.js';
import { minutes, seconds } from '../../contract/schedule.js';
import type { Contract } from '../../contract/types.js';
import { about } from './about.js';
import { scope, settings, type Scope, type Settings } from './account.js';
import { bodyVariant, renderBody } from './body.js';
import { rulesOf } from './eras.js';
import { events, findEvent } from './events.js';
import { lastingFailure } from './pausing.js';
import { request, reservedHeaders } from './request.js';
import { INBOUND, streamOf } from './streams.js';
import {
  checkEventTypes,
  fields,
  toPublic,
  toStored,
  type Fields,
  type Options,
  type Secrets,
} from './subscription.js';

/** Generated server ids stay within 32 bits, because the vendor's .NET client reads 32-bit integers. */
const SERVER_IDS = 2 ** 31 - 1;

/** No limit is documented for outbound webhooks, and integrators assume 10 s; this limit is longer. */
const TIME_LIMIT_MS = seconds(30);

/** "What are inbound error messages": two minutes. */
const INBOUND_TIME_LIMIT_MS = minutes(2);

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

  lastingFailure,
};
