/** The catalogue: six triggers of a webhook, and inbound mail, which Postmark configures on the server instead. */
import { catalogue, defineEvent } from '../../contract/contract.js';
import type { EventDefinition } from '../../contract/types.js';
import { bounce, click, delivery, inbound, open, spamComplaint, subscriptionChange } from './payloads.js';

/** The six triggers of a webhook in Postmark's order. Inbound mail is not a trigger. */
export const triggers = ['Open', 'Click', 'Delivery', 'Bounce', 'SpamComplaint', 'SubscriptionChange'] as const;
export type Trigger = (typeof triggers)[number];

export function isTrigger(eventType: string): boolean {
  return (triggers as readonly string[]).includes(eventType);
}

const MESSAGE_ID = '5b0f6f0e-2d3c-4f0a-9a55-6f1f0c9e7a21';

const report = {
  ID: 4323372036,
  Type: 'HardBounce',
  TypeCode: 1,
  Name: 'Hard bounce',
  Tag: 'welcome',
  MessageID: MESSAGE_ID,
  Metadata: { customer: '4711' },
  Description: 'The server was unable to deliver your message (ex: unknown user, mailbox not found).',
  Details: 'smtp;550 5.1.1 unknown user',
  Email: 'kim@example.com',
  From: 'hello@example.org',
  BouncedAt: '2026-03-02T10:11:12.3456789Z',
  DumpAvailable: true,
  Inactive: true,
  CanActivate: true,
  Subject: 'Welcome',
};

const reader = {
  Client: { Name: 'Firefox 148.0', Company: 'Mozilla', Family: 'Firefox' },
  OS: { Name: 'Linux', Company: 'Linux', Family: 'Linux' },
  Platform: 'Desktop',
  UserAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0',
  Geo: {
    CountryISOCode: 'NL',
    Country: 'Netherlands',
    RegionISOCode: 'NH',
    Region: 'North Holland',
    City: 'Amsterdam',
    Zip: '1012',
    Coords: '52.3740,4.8897',
    IP: '192.0.2.44',
  },
  MessageID: MESSAGE_ID,
  Metadata: { customer: '4711' },
  ReceivedAt: '2026-03-02T10:15:00.1234567Z',
  Tag: 'welcome',
  Recipient: 'kim@example.com',
} as const;

/** In the order of a message's life cycle. */
export const events: readonly EventDefinition[] = [
  defineEvent({
    type: 'Delivery',
    title: 'The receiving mail server accepted a message for a recipient',
    data: delivery,
    example: {
      MessageID: MESSAGE_ID,
      Recipient: 'kim@example.com',
      Tag: 'welcome',
      DeliveredAt: '2026-03-02T10:11:12Z',
      Details: 'smtp;250 2.0.0 OK',
      Metadata: { customer: '4711' },
    },
  }),
  defineEvent({
    type: 'Open',
    title: 'A recipient opened a message',
    data: open,
    example: { FirstOpen: true, ReadSeconds: 5, ...reader },
  }),
  defineEvent({
    type: 'Click',
    title: 'A recipient followed a tracked link',
    data: click,
    example: { ClickLocation: 'HTML', OriginalLink: 'https://example.org/confirm?id=7', ...reader },
  }),
  defineEvent({
    type: 'Bounce',
    title: 'A message bounced',
    data: bounce,
    example: report,
  }),
  defineEvent({
    type: 'SpamComplaint',
    title: 'A recipient marked a message as spam',
    data: spamComplaint,
    example: {
      ...report,
      ID: 4323372037,
      Type: 'SpamComplaint',
      TypeCode: 100001,
      Name: 'Spam complaint',
      Description: 'The subscriber explicitly marked this message as spam.',
      Details: 'Abuse report of the mailbox provider',
      CanActivate: false,
    },
  }),
  defineEvent({
    type: 'SubscriptionChange',
    title: 'An address was suppressed or reactivated',
    data: subscriptionChange,
    example: {
      MessageID: MESSAGE_ID,
      ChangedAt: '2026-03-02T10:11:12.3456789Z',
      Recipient: 'kim@example.com',
      Origin: 'Recipient',
      SuppressSending: true,
      SuppressionReason: 'HardBounce',
      Tag: 'welcome',
      Metadata: { customer: '4711' },
    },
  }),
  defineEvent({
    type: 'Inbound',
    title: 'A message arrived at the inbound address of the server',
    data: inbound,
    example: {
      From: 'kim@example.com',
      FromName: 'Kim',
      FromFull: { Email: 'kim@example.com', Name: 'Kim', MailboxHash: '' },
      To: '"Help" <help+7@inbound.example.org>',
      ToFull: [{ Email: 'help+7@inbound.example.org', Name: 'Help', MailboxHash: '7' }],
      Cc: '',
      CcFull: [],
      Bcc: '',
      BccFull: [],
      OriginalRecipient: 'help+7@inbound.example.org',
      Subject: 'Re: Welcome',
      MessageID: MESSAGE_ID,
      ReplyTo: '',
      MailboxHash: '7',
      Date: 'Mon, 2 Mar 2026 11:11:12 +0100',
      TextBody: 'Thank you!\n\nOn Monday hello@example.org wrote:\n> Welcome',
      HtmlBody: '<p>Thank you!</p>',
      StrippedTextReply: 'Thank you!',
      Tag: '',
      Headers: [{ Name: 'X-Spam-Status', Value: 'No' }],
      Attachments: [
        { Name: 'note.txt', Content: 'SGVsbG8=', ContentType: 'text/plain', ContentLength: 5, ContentID: '' },
      ],
    },
  }),
];

export const findEvent = catalogue(events);
