import { mailFrom, url, type SettingDefinition } from './formats.js';

/** Settings of the mails that alert rules send. */
export const mailSettings = {
  PIGEONPOST_SMTP_URL: {
    description:
      'SMTP server for the mails of alert rules, smtp://user:password@host:587 or smtps://user:password@host:465; ?requireTLS=true refuses a server without STARTTLS.',
    default: 'no mails are sent',
    secret: true,
    schema: url(['smtp', 'smtps'], 'smtps://user:password@mail.example.com:465'),
  },
  PIGEONPOST_MAIL_FROM: {
    description: 'Sender of these mails, an address or a name with an address: Acme <webhooks@example.com>.',
    schema: mailFrom,
  },
} as const satisfies Record<string, SettingDefinition>;
