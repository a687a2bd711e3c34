/** Message streams: every message of a Postmark server, and so every event, belongs to exactly one. */

import { z } from 'zod';

/** The event type of inbound mail, which is not a trigger at Postmark. */
export const INBOUND = 'Inbound';

/** The default stream of an event. */
export function defaultStream(eventType: string): string {
  return eventType === INBOUND ? 'inbound' : 'outbound';
}

/** The stream of an event: from its data, or the default of its type. */
export function streamOf(event: { readonly type: string; readonly data: unknown }): string {
  const { MessageStream: stream } = event.data as { MessageStream?: unknown };
  return typeof stream === 'string' ? stream : defaultStream(event.type);
}

/** The default streams of every server: transactional, broadcast and inbound. */
export const DEFAULT_STREAMS: readonly string[] = ['outbound', 'broadcast', 'inbound'];

/** Postmark's rule for ids of new streams (errors 1227 and 1233); its other allowed characters are not documented. */
export const streamId = z
  .string()
  .regex(/^(?!pm-)[a-z][\w.-]{0,29}$/i, 'must begin with a letter, but not with pm-, and have at most 30 characters');
