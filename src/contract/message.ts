/** Messages as the Standard Webhooks specification shapes them, which more than one provider follows. */
import { takesType } from './contract.js';
import { jsonMember, jsonObject } from './json.js';
import type { Event, Subscription } from './entities.js';

/** Whether a subscription takes an event by its type and, where it names channels, by one of those. */
export function takesMessage(
  { eventTypes, options: { channels } }: Subscription<{ readonly channels: readonly string[] }>,
  event: Event,
): boolean {
  return (
    takesType({ eventTypes }, event.type) &&
    (channels.length === 0 || channels.some((channel) => event.channels.includes(channel)))
  );
}

/** `{"type", "timestamp", "data"}`, the data exactly as it was sent. */
export function renderMessage({ type, occurredAt, text }: Event): string {
  return jsonObject([
    jsonMember('type', type),
    jsonMember('timestamp', occurredAt.toISOString()),
    { key: 'data', value: text },
  ]);
}
