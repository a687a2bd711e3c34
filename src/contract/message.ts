/** Messages as the Standard Webhooks specification shapes them, which more than one provider follows. */
import { takesType } from './contract.js';
import { idSuffix, idToUuid, suffixToId, uuidToId } from './ids.js';
import { jsonMember, jsonObject } from './json.js';
import type { Event, Subscription } from './entities.js';
import type { MessageIds } from './types.js';

/** A subscription that may name channels. */
type WithChannels = Subscription<{ readonly channels: readonly string[] }>;

/** Whether a subscription takes an event by its type and, where it names channels, by one of those. */
export function takesMessage(subscription: WithChannels, event: Event): boolean {
  return takesType(subscription, event.type) && takesChannels(subscription, event);
}

/** Whether a subscription names no channels or one of the event's. */
export function takesChannels({ options: { channels } }: WithChannels, event: Event): boolean {
  return channels.length === 0 || channels.some((channel) => event.channels.includes(channel));
}

/** `{"type", "timestamp", "data"}`, the data exactly as it was sent. */
export function renderMessage({ type, occurredAt, text }: Event): string {
  return jsonObject([
    jsonMember('type', type),
    jsonMember('timestamp', occurredAt.toISOString()),
    { key: 'data', value: text },
  ]);
}

/** What message ids start with. */
const PREFIX = 'msg_';

/** The message id of an event: `msg_` and the suffix of the event's id. */
export function messageId(eventId: string): string {
  return `${PREFIX}${idSuffix(eventId)}`;
}

/** Message ids with the prefix `msg_`, in a header. */
export function prefixedMessageIds(header: string): MessageIds {
  return {
    header,
    of: messageId,
    eventOf: (text) => (text.startsWith(PREFIX) ? suffixToId('evt', text.slice(PREFIX.length)) : undefined),
  };
}

/** Message ids that are the UUID inside the event's id, in a header. */
export function uuidMessageIds(header: string): MessageIds {
  return { header, of: idToUuid, eventOf: (text) => uuidToId('evt', text) };
}
