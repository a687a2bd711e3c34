/** postpress' closed event catalogue by source. https://api.postpress.io/docs/webhooks-create */
import { catalogue, defineEvent } from '../../contract/contract.js';
import type { EventDefinition } from '../../contract/types.js';
import {
  accountStatusExample,
  calendarExample,
  clickExample,
  emailExample,
  messageExample,
  openExample,
  reactionExample,
  relationExample,
} from './examples.js';
import { accountStatus, calendarEvent, email, message, relation, tracking } from './payloads.js';
import { DEFAULT_EVENT, SOURCES, type Source } from './sources.js';

const aMessage = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: message, example: messageExample });

const aStatus = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: accountStatus, example: accountStatusExample });

const aMail = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: email, example: emailExample });

const aCalendarEvent = (type: string, title: string): EventDefinition =>
  defineEvent({ type, title, data: calendarEvent, example: calendarExample });

const bySource: Readonly<Record<Source, readonly EventDefinition[]>> = {
  messaging: [
    aMessage('message_received', 'A message was received, or sent from the account'),
    aMessage('message_read', 'A message was read'),
    defineEvent({
      type: 'message_reaction',
      title: 'Someone reacted to a message',
      data: message,
      example: reactionExample,
    }),
    aMessage('message_edited', 'A message was edited'),
    aMessage('message_deleted', 'A message was deleted'),
    aMessage('message_delivered', 'A message was delivered'),
  ],
  users: [
    defineEvent({ type: 'new_relation', title: 'A relation was added', data: relation, example: relationExample }),
  ],
  account_status: [
    aStatus('creation_success', 'The account was connected'),
    aStatus('creation_fail', 'The account could not be connected'),
    aStatus('deleted', 'The account was deleted'),
    aStatus('reconnected', 'The account was connected again'),
    aStatus('sync_success', 'The first synchronization of the account has ended'),
    aStatus('stopped', 'Synchronization of the account has stopped'),
    aStatus('ok', 'The account is synchronized'),
    aStatus('connecting', 'The account is being connected'),
    aStatus('error', 'Synchronization of the account failed'),
    aStatus('credentials', 'The credentials of the account are no longer valid'),
    aStatus('permissions', 'The account lacks permissions'),
  ],
  email: [
    aMail('mail_received', 'A mail was received'),
    aMail('mail_sent', 'A mail was sent'),
    aMail('mail_moved', 'A mail was moved to another folder'),
  ],
  email_tracking: [
    defineEvent({ type: 'mail_opened', title: 'A tracked mail was opened', data: tracking, example: openExample }),
    defineEvent({
      type: 'mail_link_clicked',
      title: 'A link in a tracked mail was clicked',
      data: tracking,
      example: clickExample,
    }),
  ],
  calendar_event: [
    aCalendarEvent('calendar_event_created', 'A calendar event was created'),
    aCalendarEvent('calendar_event_updated', 'A calendar event was changed'),
    aCalendarEvent('calendar_event_deleted', 'A calendar event was deleted'),
  ],
};

export const events: readonly EventDefinition[] = SOURCES.flatMap((source) => bySource[source]);

export const findEvent = catalogue(events);

/** The source of an event type, or undefined when there is no such event type. */
export function sourceOf(type: string): Source | undefined {
  return SOURCES.find((source) => bySource[source].some((event) => event.type === type));
}

/** The event types of a webhook that lists none. */
export function defaultEventTypes(source: Source): readonly string[] {
  const documented = DEFAULT_EVENT[source];
  return documented === undefined ? bySource[source].map(({ type }) => type) : [documented];
}
