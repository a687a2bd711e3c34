/**
 * Sources: a postpress webhook is created for one source of events.
 * https://api.postpress.io/docs/webhooks-create ("discriminated union on `source`")
 */
export const SOURCES = ['messaging', 'users', 'account_status', 'email', 'email_tracking', 'calendar_event'] as const;

export type Source = (typeof SOURCES)[number];

/**
 * The documented default event of a webhook without `events` (messaging and users in postpress' reference, email and
 * email_tracking in unipile-node-sdk 1.9.3). The other sources then send all their events: that SDK cannot select among
 * those of account_status.
 */
export const DEFAULT_EVENT: Readonly<Partial<Record<Source, string>>> = {
  messaging: 'message_received',
  users: 'new_relation',
  email: 'mail_received',
  email_tracking: 'mail_opened',
};

const keys = (names: string): readonly string[] => names.split(' ');

/**
 * The payload fields that field mapping can select (`data.key`). The reference lists those of messaging and users and
 * none for account_status; those of email and email_tracking are in unipile-node-sdk 1.9.3
 * (`dist/esm/webhooks/ressource.types.js`); for calendar_event no list is published, so all fields are allowed.
 */
export const MAPPED_KEYS: Readonly<Record<Source, readonly string[] | undefined>> = {
  messaging: keys(
    'account_id account_type account_info chat_id timestamp webhook_name message_id message reaction reaction_sender ' +
      'read_by sender is_sender attendees attachments subject provider_chat_id provider_message_id is_event ' +
      'chat_pinned quoted is_forwarded chat_content_type message_type is_group folder',
  ),
  users: keys(
    'account_id account_type webhook_name timestamp user_provider_id user_full_name user_public_identifier ' +
      'user_profile_url user_picture_url',
  ),
  account_status: [],
  email: keys(
    'email_id account_id webhook_name date from_attendee to_attendees cc_attendees bcc_attendees reply_to_attendees ' +
      'subject body body_plain message_id provider_id tracking_id read_date is_complete in_reply_to has_attachments ' +
      'attachments folders role origin',
  ),
  email_tracking: keys('event_id tracking_id type date email_id account_id ip user_agent url label custom_domain'),
  calendar_event: undefined,
};

/**
 * Where the contract inserts the members it adds: after the last of these fields that the platform's data has, or at
 * the front. This reproduces the order of the documented samples.
 */
export const FILLED_IN_BEHIND: Readonly<
  Record<Exclude<Source, 'account_status'>, { readonly event: readonly string[]; readonly name: readonly string[] }>
> = {
  messaging: { event: ['account_id', 'account_type', 'account_info'], name: ['event', 'chat_id', 'timestamp'] },
  users: { event: ['account_id', 'account_type'], name: ['event'] },
  email: { event: ['object', 'id', 'email_id', 'account_id'], name: ['event'] },
  email_tracking: { event: ['event_id'], name: ['event'] },
  calendar_event: { event: [], name: ['event'] },
};
