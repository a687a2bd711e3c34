/**
 * Bird's event catalogue by service. Message events are open: every platform has `<platform>.inbound`, `.outbound` and
 * `.interaction`, and Bird adds platforms without a complete list of their names.
 * https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions
 */
import { catalogue, defineEvent } from '../../contract/contract.js';
import type { EventDefinition } from '../../contract/types.js';
import {
  brandExample,
  callExample,
  channelExample,
  conversationExample,
  endpointExample,
  inboundExample,
  interactionExample,
  outboundExample,
  registrationExample,
  verificationExample,
} from './examples.js';
import {
  brand,
  call,
  channel,
  conversation,
  endpoint,
  inboundMessage,
  interaction,
  outboundMessage,
  registration,
  verification,
} from './payloads.js';

/** Services, as named in subscriptions. */
export const SERVICES = ['channels', 'numbers', 'payments', 'conversations'] as const;

export type Service = (typeof SERVICES)[number];

/**
 * Platforms on https://docs.bird.com/api/channels-api/message-status-and-interactions by their names in events. The
 * page gives no such name for "Apple business chat", so its events are accepted but not listed.
 */
export const PLATFORMS = [
  'sms',
  'whatsapp',
  'email',
  'line',
  'instagram',
  'facebook',
  'viber',
  'linkedin',
  'tiktok',
  'telegram',
] as const;

const MESSAGE_EVENT = /^([a-z0-9]+(?:[-_][a-z0-9]+)*)\.(inbound|outbound|interaction)$/;
const MAX_TYPE_LENGTH = 128;
/** Prefixes of event names that are not platforms. */
const NO_PLATFORMS: readonly string[] = ['voice', 'channel', 'conversation', 'endpoint', '10dlc', 'tfn'];

function messageEvent(platform: string, kind: string): EventDefinition {
  const type = `${platform}.${kind}`;
  if (kind === 'inbound') {
    return defineEvent({
      type,
      title: `A message was received (${platform})`,
      data: inboundMessage,
      example: inboundExample,
    });
  }
  if (kind === 'outbound') {
    return defineEvent({
      type,
      title: `A sent message changed its status (${platform})`,
      data: outboundMessage,
      example: outboundExample,
    });
  }
  return defineEvent({
    type,
    title: `A recipient interacted with a message (${platform})`,
    data: interaction,
    example: { ...interactionExample, platformId: `${platform}-messagebird` },
  });
}

const aChannel = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: channel, example: channelExample });

const aCall = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: call, example: callExample });

const aRegistration = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: registration, example: registrationExample });

const aConversation = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: conversation, example: conversationExample });

const byService: Readonly<Record<Service, readonly EventDefinition[]>> = {
  channels: [
    ...PLATFORMS.flatMap((platform) =>
      ['inbound', 'outbound', 'interaction'].map((kind) => messageEvent(platform, kind)),
    ),
    aCall('voice.inbound', 'An incoming call changed its status'),
    aCall('voice.outbound', 'An outgoing call changed its status'),
    aChannel('channel.created', 'A channel was created'),
    aChannel('channel.updated', 'A channel was changed'),
  ],
  numbers: [
    defineEvent({
      type: 'endpoint',
      title: 'A number or sender id changed',
      data: endpoint,
      example: endpointExample,
    }),
    defineEvent({
      type: '10dlc.brand',
      title: 'A 10DLC brand changed its status',
      data: brand,
      example: brandExample,
    }),
    aRegistration('10dlc.campaign', 'A 10DLC campaign changed its status'),
    aRegistration('10dlc.vetting', 'A 10DLC vetting changed its status'),
    defineEvent({
      type: 'tfn.verification',
      title: 'The verification of a toll-free number changed its status',
      data: verification,
      example: verificationExample,
    }),
  ],
  // Bird offers the service in subscriptions but documents no events of it.
  payments: [],
  conversations: [
    aConversation('conversation.created', 'A conversation was created'),
    aConversation('conversation.updated', 'A conversation changed'),
    aConversation('conversation.deleted', 'A conversation was deleted'),
  ],
};

export const events: readonly EventDefinition[] = SERVICES.flatMap((service) => byService[service]);

const findListed = catalogue(events);

/** The definition of a listed event or of a message event of any platform (lower case, at most 128 characters). */
export function findEvent(type: string): EventDefinition | undefined {
  return findListed(type) ?? findMessageEvent(type);
}

/** The service of an event type, or undefined when there is no such event type. */
export function serviceOf(type: string): Service | undefined {
  const listed = SERVICES.find((service) => byService[service].some((event) => event.type === type));
  return listed ?? (findMessageEvent(type) ? 'channels' : undefined);
}

function findMessageEvent(type: string): EventDefinition | undefined {
  const [, platform, kind] = (type.length <= MAX_TYPE_LENGTH && MESSAGE_EVENT.exec(type)) || [];
  return platform !== undefined && kind !== undefined && !NO_PLATFORMS.includes(platform)
    ? messageEvent(platform, kind)
    : undefined;
}
