/**
 * Schemas of event data: the documented body of each webhook without the members that the contract adds. Members that a
 * body always has are required; unknown members are allowed.
 */
import { z } from 'zod';

/** Bounce ids are 64-bit integers. Beyond 2^53 this number is inexact; the body keeps the original digits. */
const integer = z.number().refine(Number.isInteger, 'must be an integer');

const date = z.iso.datetime({ offset: true }).describe('ISO 8601, with up to seven fraction digits');

const messageId = z.guid();

const metadata = z.record(z.string(), z.string()).describe('Metadata of the message');

/** Members that the contract adds when the data has none; `RecordType` is always replaced. */
const filledIn = {
  RecordType: z.string().optional().describe('Always replaced by the event type'),
  MessageStream: z.string().min(1).optional().describe('Default "outbound"'),
};

const serverId = { ServerID: z.int().positive().optional().describe("Default: the account's serverId") };

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

/** https://postmarkapp.com/developer/webhooks/spam-complaint-webhook: the schema of a bounce under another name. */
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

/** Derived from the IP address where possible. */
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

/** Common members of opens and clicks. */
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
  MessageID: messageId.nullable().describe('null when the cause was not a message'),
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
  Date: z.string().describe("The sender's date header (RFC 2822)"),
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
  RawEmail: z.string().optional().describe('Present if enabled on the server'),
});
