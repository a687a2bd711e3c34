/** MessageOut as JSON text, so that a payload is exactly as it was sent: svix-server, src/v1/endpoints/message.rs. */
import { renderMessage } from '../../../contract/message.js';
import type { LoggedEvent } from '../../../store/events/event-log.js';
import { messageId } from '../../../contract/message.js';

/** What stands in place of a payload that is no longer stored, and of one that is not asked for. */
const EXPIRED = '{"expired":true}';
const NOT_ASKED = '{}';

/** The JSON text of a message, with further members before it. */
export function messageText(event: LoggedEvent, withContent: boolean, more: object = {}): string {
  const { uid, type, channels, id, occurredAt, tags, deliverAt } = event;
  const head = JSON.stringify({
    ...more,
    eventId: uid,
    eventType: type,
    channels: channels.length === 0 ? null : channels,
    id: messageId(id),
    timestamp: occurredAt,
    tags,
    ...(deliverAt ? { deliverAt } : {}),
  });
  return `${head.slice(0, -1)},"payload":${withContent ? payloadText(event) : NOT_ASKED}}`;
}

/** What receivers get as the body. */
function payloadText(event: LoggedEvent): string {
  if (event.erasedAt) return EXPIRED;
  return event.verbatim ? event.text : renderMessage({ ...event, data: undefined });
}

/** The JSON text of a list. */
export function listText(entries: readonly string[], ends: object): string {
  return `{"data":[${entries.join(',')}],${JSON.stringify(ends).slice(1)}`;
}
