/** Message streams: every message of a Postmark server, and so every event, belongs to exactly one. */

/** The event type of incoming mail, which Postmark keeps apart from its triggers. */
export const INBOUND = 'Inbound';

/** The stream that an event belongs to when nobody names one. */
export function defaultStream(eventType: string): string {
  return eventType === INBOUND ? 'inbound' : 'outbound';
}

/** The stream of an event: the one its data names, or its type's default. */
export function streamOf(event: { readonly type: string; readonly data: unknown }): string {
  const { MessageStream: stream } = event.data as { MessageStream?: unknown };
  return typeof stream === 'string' ? stream : defaultStream(event.type);
}
