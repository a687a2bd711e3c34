/**
 * Messages: the events of subscriptions that are polled. A message has the next position of its subscription. The row with
 * the last position stays locked until the commit, so positions become visible in their sequence, and a reader that
 * continues after a position misses nothing however commits overlap.
 */
import { bodyRowId, fromRest } from '../payloads.js';
import { onlyRow, type Store } from '../store.js';

/** A message to be written with its event. */
export interface NewMessage {
  readonly subscriptionId: string;
  readonly bodyVariant: string;
}

/** An event with its messages. */
interface EventWithMessages {
  readonly event: { readonly id: string };
  readonly messages?: readonly NewMessage[];
}

/**
 * The part of the statement that writes events (src/store/events/events.ts) that writes their messages. Its parameters are
 * those of `messageValues`, from number `first` on. Sorted, so that two statements with the same subscriptions do not deadlock.
 */
export const insertMessages = (first: number): string => `, new_positions AS (
    INSERT INTO message_positions (subscription_id, last_position)
    SELECT subscription_id, count(*) FROM unnest(${parameters(first, 2)}) AS message (event_id, subscription_id)
    WHERE event_id NOT IN (SELECT id FROM not_written)
    GROUP BY subscription_id ORDER BY subscription_id
    ON CONFLICT (subscription_id) DO UPDATE
      SET last_position = message_positions.last_position + excluded.last_position
    RETURNING subscription_id, last_position
  ), new_messages AS (
    INSERT INTO messages (subscription_id, position, event_id, body_variant)
    SELECT subscription_id,
           last_position - count(*) OVER (PARTITION BY subscription_id)
             + row_number() OVER (PARTITION BY subscription_id ORDER BY ordinal),
           event_id, body_variant
    FROM unnest(${parameters(first, 3)}) WITH ORDINALITY
      AS message (event_id, subscription_id, body_variant, ordinal)
    JOIN new_positions USING (subscription_id)
    WHERE event_id NOT IN (SELECT id FROM not_written)
  )`;

function parameters(first: number, count: number): string {
  return Array.from({ length: count }, (_, index) => `$${first + index}::text[]`).join(', ');
}

/** The parameters of `insertMessages`; undefined when no event has messages. */
export function messageValues(events: readonly EventWithMessages[]): string[][] | undefined {
  if (!events.some(({ messages }) => messages)) return undefined;
  const rows = events.flatMap(({ event, messages = [] }) => messages.map((message) => ({ ...message, id: event.id })));
  return [
    rows.map(({ id }) => id),
    rows.map(({ subscriptionId }) => subscriptionId),
    rows.map(({ bodyVariant }) => bodyVariant),
  ];
}

/** A message as it is read. */
export interface StoredMessage {
  readonly eventId: string;
  readonly eventType: string;
  readonly occurredAt: Date;
  /** The body, as an attempt would have sent it. */
  readonly body: string;
  /** Why there is no body: its transformation failed. Null when there is one. */
  readonly bodyError: string | null;
}

export interface MessagePage {
  readonly messages: readonly StoredMessage[];
  /** The position to continue after. */
  readonly position: number;
  /** Whether there was no further message. */
  readonly done: boolean;
}

/**
 * The next messages after a position: at most `limit`, and at most `maxBytes` of bodies unless the first one alone is larger.
 */
export async function readMessages(
  store: Store,
  subscriptionId: string,
  { after, limit, maxBytes }: { readonly after: number; readonly limit: number; readonly maxBytes: number },
): Promise<MessagePage> {
  const { rows } = await store.pool.query<{
    position: string;
    event_id: string;
    type: string | null;
    occurred_at: Date;
    body: string | null;
    sealed: Buffer | null;
    body_variant: string;
    error: string | null;
    found: number;
  }>(
    `WITH page AS MATERIALIZED (
       SELECT position, event_id, body_variant FROM messages
       WHERE subscription_id = $1 AND position > $2 ORDER BY position LIMIT $3
     ), with_body AS (
       SELECT page.position, page.event_id, page.body_variant, e.type, e.occurred_at, b.body, b.sealed, b.error,
              coalesce(b.bytes, 0) AS bytes, sum(coalesce(b.bytes, 0)) OVER (ORDER BY page.position) AS bytes_so_far
       FROM page
       LEFT JOIN LATERAL (SELECT type, occurred_at FROM events WHERE id = page.event_id AND erased_at IS NULL LIMIT 1) e ON true
       LEFT JOIN LATERAL (SELECT body, sealed, error, octet_length(body) + coalesce(octet_length(sealed), 0) AS bytes
                          FROM event_bodies WHERE event_id = page.event_id AND variant = page.body_variant LIMIT 1) b ON true
     )
     SELECT position, event_id, type, occurred_at, body, sealed, body_variant, error, (SELECT count(*)::integer FROM page) AS found
     FROM with_body WHERE bytes_so_far - bytes < $4 ORDER BY position`,
    [subscriptionId, after, limit + 1, maxBytes],
  );
  const shown = rows.slice(0, limit);
  return {
    // An event that was deleted or erased has left its position only.
    messages: shown.flatMap(({ event_id: eventId, type, occurred_at: occurredAt, body: text, error, ...row }) => {
      if (type === null || text === null) return [];
      const body = fromRest(store, { text, sealed: row.sealed }, bodyRowId(eventId, row.body_variant));
      return [{ eventId, eventType: type, occurredAt, body, bodyError: error }];
    }),
    position: Number(shown.at(-1)?.position ?? after),
    done: shown.length === (rows[0]?.found ?? 0),
  };
}

/** The position of the last message of a subscription; 0 before the first. */
export async function lastPosition(store: Store, subscriptionId: string): Promise<number> {
  const result = await store.pool.query<{ last_position: string }>(
    'SELECT last_position FROM message_positions WHERE subscription_id = $1',
    [subscriptionId],
  );
  return Number(onlyRow(result)?.last_position ?? 0);
}

/** The position before the first message of an event with this id or a later one; 0 when there is none before. */
export async function positionAt(store: Store, subscriptionId: string, eventId: string): Promise<number> {
  const result = await store.pool.query<{ position: string | null }>(
    'SELECT max(position) AS position FROM messages WHERE subscription_id = $1 AND event_id < $2',
    [subscriptionId, eventId],
  );
  return Number(onlyRow(result)?.position ?? 0);
}
