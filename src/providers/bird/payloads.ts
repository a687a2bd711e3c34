/**
 * Schemas of `payload`, the data from the platform.
 *
 * Fields that Bird documents for every event of a kind are required. Fields known only from its samples, from a single
 * event or from integrators' captures are optional but validated.
 */
import { z } from 'zod';

const text = z.string().nullish();
const flag = z.union([z.boolean(), z.enum(['true', 'false'])]).nullish();
const count = z.union([z.number(), z.string().regex(/^\d+$/)]).nullish();

const contact = z.looseObject({
  id: text,
  identifierKey: text,
  identifierValue: text,
  annotations: z.looseObject({ name: text }).nullish(),
});
const connector = z.looseObject({ id: text, identifierValue: text });

/** https://docs.bird.com/api/channels-api/message-status-and-interactions; inbound ones also from captures. */
const message = z.looseObject({
  id: z.string(),
  channelId: z.string(),
  status: z.string(),
  sender: z.looseObject({ contact: contact.nullish(), connector: connector.nullish() }).nullish(),
  receiver: z.looseObject({ contacts: z.array(contact).nullish(), connector: connector.nullish() }).nullish(),
  body: z.looseObject({ type: text }).nullish(),
  template: z.looseObject({ projectId: text, version: text, locale: text }).nullish(),
  meta: z.looseObject({}).nullish(),
  reference: text,
  parts: z.array(z.looseObject({ platformReference: text })).nullish(),
  reason: text,
  details: text,
  failure: z.looseObject({ code: z.union([z.number(), z.string()]).nullish() }).nullish(),
  chargeableUnits: count,
  replyTo: z.looseObject({ id: text, type: text }).nullish(),
  lastStatusAt: text,
  createdAt: text,
  updatedAt: text,
  batchId: text,
});

export const inboundMessage = message.extend({ direction: z.literal('incoming') });
export const outboundMessage = message.extend({ direction: z.literal('outgoing') });

/** `ChannelMessageInteraction` on the same page. `type` is open: opened, clicked, reported-as-spam, read, … */
export const interaction = z.looseObject({
  id: z.string(),
  messageId: z.string(),
  channelId: z.string(),
  platformId: z.string(),
  type: z.string(),
  createdAt: z.string(),
  receiver: z.looseObject({ contacts: z.array(contact).nullish() }).nullish(),
  details: text,
  metadata: z.looseObject({ link: text }).nullish(),
});

/** https://docs.bird.com/api/channels-api/events documents the channel's status and id but shows no sample. */
export const channel = z.looseObject({ id: text, status: text, platformId: text });

/** https://docs.bird.com/api/voice-api/voice-webhooks: filterable by `channelId` and `status`. */
export const call = z.looseObject({ id: text, channelId: z.string(), status: z.string() });

const participant = z.looseObject({
  id: z.string(),
  type: z.string(),
  status: text,
  displayName: text,
  avatarUrl: text,
  contact: z.looseObject({ identifierKey: text, identifierValue: text, platformAddress: text }).nullish(),
});

/** https://docs.bird.com/api/conversations-api/api-reference/events */
export const conversation = z.looseObject({
  id: z.string(),
  name: text,
  description: text,
  status: text,
  visibility: text,
  accessibility: text,
  featuredParticipants: z.array(participant).nullish(),
  activeParticipantCount: count,
  pendingParticipantCount: count,
  initiatingParticipant: participant.nullish(),
  channelId: text,
  lastMessage: z
    .looseObject({ id: text, type: text, preview: z.looseObject({ text }).nullish(), status: text, createdAt: text })
    .nullish(),
  createdAt: text,
  updatedAt: text,
  platformStyle: text,
});

/** https://docs.bird.com/api/numbers-api/api-reference/events */
export const endpoint = z.looseObject({
  type: z.string(),
  issues: z.string().nullable(),
  capabilities: z.array(
    z.looseObject({
      name: z.string(),
      status: z.union([z.string(), z.looseObject({})]).nullish(),
      issues: z.union([z.string(), z.array(z.string()), z.looseObject({})]).nullish(),
    }),
  ),
});

/** https://docs.bird.com/api/numbers-api/api-reference/10dlc-compliance/events */
export const brand = z.looseObject({
  id: z.string(),
  organizationId: z.string(),
  workspaceId: z.union([z.array(z.string()), z.string()]),
  status: z.string(),
  entityType: text,
  firstName: text,
  lastName: text,
  displayName: text,
  companyName: text,
  ein: text,
  einIssuingCountry: text,
  phone: text,
  street: text,
  city: text,
  state: text,
  postalCode: text,
  country: text,
  email: text,
  website: text,
  vertical: text,
  altBusinessId: text,
  altBusinessIdType: text,
  stockExchange: text,
  stockSymbol: text,
  createdAt: text,
  updatedAt: text,
});

/** Campaigns and vettings; the same page documents only their names. */
export const registration = z.looseObject({ id: text, status: text });

/** https://docs.bird.com/api/numbers-api/api-reference/toll-free-numbers-verification-api/events */
export const verification = z.looseObject({
  id: z.string(),
  organizationId: z.string(),
  workspaceId: z.string(),
  phoneNumbers: z.array(z.string()),
  verificationRequestId: z.string(),
  status: z.string(),
  statusMessage: z
    .looseObject({ statusCode: text, declineReasonDescription: text, resubmitAllowed: flag, message: text })
    .nullish(),
  testMode: flag,
  createdAt: z.string(),
  updatedAt: z.string(),
});
