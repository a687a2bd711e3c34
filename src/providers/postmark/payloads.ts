/**
 * The shapes of event data: bodies as the page of each webhook documents them, less what the contract fills in.
 * Required is what a body always has; more fields than these pass.
 */
import { z } from 'zod';

/** Ids of bounces are 64-bit integers. Beyond 2^53 this number is inexact; the body has the digits as they came. */
const integer = z.number().refine(Number.isInteger, 'must be an integer');

const date = z.iso.datetime({ offset: true }).describe('ISO 8601, to the second or with up to seven digits after it');

const messageId = z.guid();

const metadata = z.record(z.string(), z.string()).describe('What was attached to the message when it was sent');

/** Filled in by the contract, each unless the data holds it; `RecordType` always. */
const filledIn = {
  RecordType: z.string().optional().describe('Always replaced by the event type'),
  MessageStream: z.string().min(1).optional().describe('Default "outbound"'),
};

const serverId = { ServerID: z.int().positive().optional().describe("Default the account's serverId") };

/** https://postmarkapp.com/developer/webhooks/bounce-webhook */
export const bounce = z.looseObject({
  ...filledIn,
  ...serverId,
  ID: integer,
  Type: z.string().describe('HardBounce, SoftBounce, …'),
  TypeCode: z.int(),
  Name: z.string(),
  Tag: z.string().optional(),
  MessageID: messageId,
  Metadata: metadata,
  Description: z.string(),
  Details: z.string(),
  Email: z.string(),
  From: z.string(),
  BouncedAt: date,
  DumpAvailable: z.boolean(),
  Inactive: z.boolean(),
  CanActivate: z.boolean(),
  Subject: z.string(),
  Content: z.string().optional().describe('The raw message; sent to subscriptions with includeContent'),
});

/** https://postmarkapp.com/developer/webhooks/spam-complaint-webhook: a bounce in all but its name. */
export const spamComplaint = bounce;

/** https://postmarkapp.com/developer/webhooks/delivery-webhook */
export const delivery = z.looseObject({
  ...filledIn,
  ...serverId,
  MessageID: messageId,
  Recipient: z.string(),
  Tag: z.string().optional(),
  DeliveredAt: date,
  Details: z.string().describe('The response of the receiving mail server'),
  Metadata: metadata,
});

const software = z.looseObject({ Name: z.string(), Company: z.string(), Family: z.string() });

/** Found by the address, as far as it can be. */
const geo = z.looseObject({
  CountryISOCode: z.string().optional(),
  Country: z.string().optional(),
  RegionISOCode: z.string().optional(),
  Region: z.string().optional(),
  City: z.string().optional(),
  Zip: z.string().optional(),
  Coords: z.string().optional(),
  IP: z.string().optional(),
});

/** What opens and clicks have in common. */
const tracked = {
  ...filledIn,
  Client: software,
  OS: software,
  Platform: z.enum(['Desktop', 'Mobile', 'WebMail', 'Unknown']),
  UserAgent: z.string(),
  Geo: geo,
  MessageID: messageId,
  Metadata: metadata,
  ReceivedAt: date,
  Tag: z.string(),
  Recipient: z.string(),
};

/** https://postmarkapp.com/developer/webhooks/open-tracking-webhook */
export const open = z.looseObject({ ...tracked, FirstOpen: z.boolean(), ReadSeconds: z.int().nonnegative() });

/** https://postmarkapp.com/developer/webhooks/click-webhook */
export const click = z.looseObject({ ...tracked, ClickLocation: z.enum(['HTML', 'Text']), OriginalLink: z.string() });

/** https://postmarkapp.com/developer/webhooks/subscription-change-webhook */
export const subscriptionChange = z.looseObject({
  ...filledIn,
  ...serverId,
  MessageID: messageId.nullable().describe('null when no message was the cause'),
  ChangedAt: date,
  Recipient: z.string(),
  Origin: z.enum(['Recipient', 'Customer', 'Admin']),
  SuppressSending: z.boolean(),
  SuppressionReason: z
    .enum(['HardBounce', 'SpamComplaint', 'ManualSuppression'])
    .nullable()
    .describe('null when the address was reactivated'),
  Tag: z.string().nullable().optional().describe('null when the address was reactivated'),
  Metadata: metadata,
});

const mailbox = z.looseObject({ Email: z.string(), Name: z.string(), MailboxHash: z.string() });

/** https://postmarkapp.com/developer/webhooks/inbound-webhook */
export const inbound = z.looseObject({
  MessageStream: z.string().min(1).optional().describe('Default "inbound"'),
  From: z.string(),
  FromName: z.string(),
  FromFull: mailbox,
  To: z.string(),
  ToFull: z.array(mailbox),
  Cc: z.string(),
  CcFull: z.array(mailbox),
  Bcc: z.string(),
  BccFull: z.array(mailbox),
  OriginalRecipient: z.string(),
  Subject: z.string(),
  MessageID: messageId,
  ReplyTo: z.string(),
  MailboxHash: z.string(),
  Date: z.string().describe('As the sender wrote it (RFC 2822)'),
  TextBody: z.string(),
  HtmlBody: z.string(),
  StrippedTextReply: z.string(),
  Tag: z.string().optional(),
  Headers: z.array(z.looseObject({ Name: z.string(), Value: z.string() })),
  Attachments: z.array(
    z.looseObject({
      Name: z.string(),
      Content: z.string().describe('base64'),
      ContentType: z.string(),
      ContentLength: z.int().nonnegative().describe('Bytes before base64'),
      ContentID: z.string().nullable().optional(),
    }),
  ),
  RawEmail: z.string().optional().describe('Where the server is set to include it'),
});
