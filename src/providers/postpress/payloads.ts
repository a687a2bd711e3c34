/**
 * Schemas of the platform's data: the documented bodies without `event` and `webhook_name`.
 *
 * Fields that postpress documents for every payload of a source, or that matching needs, are required; other documented
 * fields are optional but validated. postpress' samples write numbers and booleans as strings where its SDK has the
 * real types, and one attachment where the SDK has a list, so both are accepted.
 */
import { z } from 'zod';

const flag = z.union([z.boolean(), z.literal([0, 1]), z.enum(['true', 'false'])]).nullish();
const count = z.union([z.number(), z.string().regex(/^\d+(\.\d+)?$/)]).nullish();
const text = z.string().nullish();

const attendee = z.looseObject({
  attendee_id: text,
  attendee_name: text,
  attendee_provider_id: z.string(),
  attendee_profile_url: text,
});

const attachment = z.looseObject({
  id: text,
  type: text,
  mimetype: text,
  url: text,
  size: z.looseObject({ height: count, width: count }).nullish(),
  sticker: flag,
  unavailable: flag,
});

/** https://www.postpress.ai/docs/new-messages-webhook; further fields from the reference's `data.key` list. */
export const message = z.looseObject({
  account_id: z.string(),
  account_type: z.string(),
  chat_id: z.string(),
  timestamp: z.string(),
  message_id: z.string(),
  account_info: z.looseObject({ type: text, feature: text, user_id: text }).nullish(),
  message: text,
  sender: attendee.nullish(),
  is_sender: flag,
  attendees: z.array(attendee).nullish(),
  attachments: z.union([z.array(attachment), attachment]).nullish(),
  reaction: text,
  reaction_sender: attendee.nullish(),
  subject: text,
  provider_chat_id: text,
  provider_message_id: text,
  is_event: flag,
  chat_pinned: flag,
  quoted: z.looseObject({}).nullish(),
  is_forwarded: flag,
  chat_content_type: text,
  message_type: text,
  is_group: flag,
  folder: z.union([z.string(), z.array(z.string())]).nullish(),
});

/** The flat fields of the reference's `data.key` list for users. */
export const relation = z.looseObject({
  account_id: z.string(),
  account_type: z.string(),
  user_provider_id: z.string(),
  timestamp: text,
  user_full_name: text,
  user_public_identifier: text,
  user_profile_url: text,
  user_picture_url: text,
});

const status = z.looseObject({ account_id: z.string(), account_type: z.string() });

/** https://www.postpress.ai/docs/account-status-updates, flat or in the documented wrapper. */
export const accountStatus = z.union([z.looseObject({ AccountStatus: status }), status]);

const mailbox = z.looseObject({ display_name: text, identifier: z.string(), identifier_type: text });

/** https://developer.unipile.com/docs/new-emails-webhook; older versions name the mail `id`, newer ones `email_id`. */
export const email = z.looseObject({
  account_id: z.string(),
  date: z.string(),
  email_id: text,
  id: text,
  object: z.literal('Mail').optional(),
  from_attendee: mailbox.nullish(),
  to_attendees: z.array(mailbox).nullish(),
  cc_attendees: z.array(mailbox).nullish(),
  bcc_attendees: z.array(mailbox).nullish(),
  reply_to_attendees: z.array(mailbox).nullish(),
  provider_id: text,
  message_id: text,
  has_attachments: flag,
  subject: text,
  body: text,
  body_plain: text,
  attachments: z.array(z.looseObject({})).nullish(),
  folders: z.array(z.string()).nullish(),
  role: text,
  read_date: text,
  is_complete: flag,
  in_reply_to: z.looseObject({ message_id: text, id: text }).nullish(),
  tracking_id: text,
  origin: text,
});

/** The fields of `data.key` for email_tracking in unipile-node-sdk 1.9.3; no sample is published. */
export const tracking = z.looseObject({
  account_id: z.string(),
  event_id: text,
  tracking_id: text,
  type: text,
  date: text,
  email_id: text,
  ip: text,
  user_agent: text,
  url: text,
  label: text,
  custom_domain: text,
});

const moment = z.looseObject({ date_time: text, time_zone: text });

/** https://www.postpress.ai/docs/calendar-webhook ("all calendar webhook payloads include at least"). */
export const calendarEvent = z.looseObject({
  account_id: z.string(),
  calendar_id: z.string(),
  id: z.string(),
  master_event_id: text,
  created_at: text,
  updated_at: text,
  title: text,
  is_cancelled: flag,
  is_all_day: flag,
  is_attendees_list_hidden: flag,
  attendees: z.array(z.looseObject({})).nullish(),
  start: moment.nullish(),
  end: moment.nullish(),
  organizer: z.looseObject({ email: text, display_name: text }).nullish(),
  visibility: text,
  transparency: text,
  event_type: text,
  color: text,
});
