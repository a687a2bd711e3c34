/**
 * Lists of events, the newest first.
 *
 * A filter must not cost an index on a table that every event is written to. So the events are read in the sequence of
 * their ids, and a page ends after a number of them even when few match.
 */
import { BATCH_TYPE } from '../../contract/batches.js';
import { deliveriesFrom } from '../ranges.js';
import type { Store } from '../store.js';
import type { DeliveryState } from '../deliveries/deliveries.js';

/** Events that are read at most for a page of one event type. */
const MAX_READ = 10_000;
/** Events and bytes of payloads that are read at most for a page of a text. */
const MAX_SEARCHED = 20_000;
const MAX_SEARCHED_BYTES = 33_554_432;
/** Events whose deliveries are counted at once, and at most for a page of undelivered events. */
const COUNTED_AT_ONCE = 500;
const MAX_COUNTED = 2_000;

/** How many deliveries of an event are in which state. */
export interface DeliveryCounts {
  readonly delivered: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Pending, retrying or paused. */
  readonly open: number;
}

/** An event without its payload. */
export interface ListedEvent {
  readonly id: string;
  readonly accountId: string;
  readonly type: string;
  readonly occurredAt: Date;
  readonly channels: readonly string[];
  readonly createdAt: Date;
  readonly deliveries: DeliveryCounts;
  /** In how many subscriptions that are polled it can be read. */
  readonly messages: number;
}

export interface EventFilter {
  /** Only of this account; of all when absent. */
  readonly accountId?: string | undefined;
  readonly type?: string | undefined;
  /** Only events with this text in their payload or, in any case, in their type. */
  readonly text?: string | undefined;
  /** Only these. */
  readonly ids?: readonly string[] | undefined;
  /** Only events of which `isUndelivered` is true. */
  readonly undelivered?: boolean | undefined;
  /** Only ids from this one on. */
  readonly fromId?: string | undefined;
  /** Only ids before this one. */
  readonly beforeId?: string | undefined;
  readonly limit: number;
}

export interface EventPage {
  readonly events: readonly ListedEvent[];
  /** The id before which the next page continues; null when there are no more events. */
  readonly nextBeforeId: string | null;
  /** How many events were read. */
  readonly read: number;
}

/**
 * Whether an event has reached nobody, or not everybody: it was not delivered and cannot be read, or a delivery failed or is
 * open.
 */
export function isUndelivered({
  deliveries: { delivered, failed, open },
  messages,
}: Pick<ListedEvent, 'deliveries' | 'messages'>): boolean {
  return delivered + messages === 0 || failed > 0 || open > 0;
}

/** A page of events. With a filter it may have fewer than `limit` events, also none, although there are more. */
export async function listEvents(store: Store, filter: EventFilter): Promise<EventPage> {
  const { limit, undelivered = false } = filter;
  const events: ListedEvent[] = [];
  let beforeId = filter.beforeId ?? null;
  let read = 0;
  for (let counted = 0; counted < MAX_COUNTED;) {
    const page = await readEvents(store, { ...filter, beforeId, limit: undelivered ? COUNTED_AT_ONCE : limit + 1 });
    read += page.read;
    for (const event of await withCounts(store, page.rows)) {
      if (undelivered && !isUndelivered(event)) continue;
      // One more than fits shows that there is another page.
      if (events.length === limit) return { events, nextBeforeId: events.at(-1)!.id, read };
      events.push(event);
    }
    beforeId = page.nextBeforeId;
    if (beforeId === null || !undelivered) break;
    counted += page.rows.length;
    // Of a rare type or text, one read has cost as much as counting.
    if (page.rows.length < COUNTED_AT_ONCE) break;
  }
  return { events, nextBeforeId: beforeId, read };
}

const NONE: DeliveryCounts = { delivered: 0, failed: 0, cancelled: 0, open: 0 };

type EventRow = Omit<ListedEvent, 'deliveries' | 'messages'>;

/** Events that were read, and where the reading has ended. */
export interface EventRead {
  readonly rows: readonly EventRow[];
  /** The id before which the next read continues; null when there are no more events. */
  readonly nextBeforeId: string | null;
  /** How many events were read. */
  readonly read: number;
}

/**
 * Reads events in the sequence of their ids until `limit` match: without a filter exactly that many, of a type at most
 * {@link MAX_READ}, and of a text at most {@link MAX_SEARCHED} and some {@link MAX_SEARCHED_BYTES} of payloads.
 */
export async function readEvents(
  store: Store,
  filter: Omit<EventFilter, 'beforeId' | 'undelivered'> & { readonly beforeId: string | null },
): Promise<EventRead> {
  const { accountId, type, text, ids, fromId, beforeId, limit } = filter;
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${values.push(given)}`;
  const range = [
    ...(accountId === undefined ? [] : [`account_id = ${value(accountId)}`]),
    ...(ids === undefined ? [] : [`id = ANY(${value(ids)})`]),
    ...(fromId === undefined ? [] : [`id >= ${value(fromId)}`]),
    ...(beforeId === null ? [] : [`id < ${value(beforeId)}`]),
    `NOT (addressed AND type = '${BATCH_TYPE}')`,
  ];
  const conditions = [
    // A batch is shown by its deliveries, not as an event of its own.
    `NOT (addressed AND type = '${BATCH_TYPE}')`,
    ...(type === undefined ? [] : [`type = ${value(type)}`]),
    ...(text === undefined ? [] : [containsText(value(inJson(text)), value(text.toLowerCase()))]),
  ];
  const toRead = text !== undefined ? MAX_SEARCHED : type !== undefined ? MAX_READ : limit;
  // The windows are computed row by row, so that nothing is read behind the last event of the page. The size of a payload
  // is known without decompressing it.
  const { rows } = await store.pool.query<EventRow & { id: string | null; last: string | null; read: number }>(
    `WITH read AS NOT MATERIALIZED (
       SELECT *, ${text === undefined ? 'false' : `sum(octet_length(data)) OVER newest_first - octet_length(data) >= ${MAX_SEARCHED_BYTES}`} AS beyond,
              row_number() OVER newest_first AS number
       FROM (
         SELECT * FROM events WHERE ${range.join(' AND ')}
         ORDER BY id DESC LIMIT ${value(toRead)}
       ) newest
       WINDOW newest_first AS (ORDER BY id DESC ROWS UNBOUNDED PRECEDING)
     ), found AS MATERIALIZED (
       SELECT id, account_id, type, occurred_at, channels, created_at, number FROM read
       WHERE NOT beyond ${conditions.map((condition) => `AND ${condition}`).join(' ')}
       ORDER BY id DESC LIMIT ${value(limit)}
     )
     SELECT event.id, event.account_id AS "accountId", event.type, event.occurred_at AS "occurredAt", event.channels,
            event.created_at AS "createdAt", ends.last, coalesce(ends.read, counted.read, 0)::integer AS read
     FROM (SELECT count(*) AS count, max(number) AS read FROM found) counted
     LEFT JOIN LATERAL (
       SELECT count(*) FILTER (WHERE NOT beyond) AS read,
              CASE WHEN count(*) = $${values.length - 1} OR bool_or(beyond) THEN min(id) FILTER (WHERE NOT beyond) END AS last
       FROM read HAVING counted.count < $${values.length}
     ) ends ON true
     LEFT JOIN found event ON true
     ORDER BY event.id DESC`,
    values,
  );
  const events = rows.flatMap(({ last: _, read: __, ...event }) => (event.id === null ? [] : [event]));
  const { last, read } = rows[0]!;
  return { rows: events, nextBeforeId: events.length === limit ? events.at(-1)!.id : last, read };
}

/** Whether a text is in the payload's JSON or in the type. `beyond` first: payloads behind the limit are not loaded. */
function containsText(inPayload: string, inType: string): string {
  return `CASE WHEN beyond THEN false
               ELSE strpos(data, ${inPayload}) > 0 OR strpos(lower(type), ${inType}) > 0 END`;
}

/** A text as it is written inside of a JSON string. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The events with the numbers of their deliveries and messages. */
export async function withCounts(store: Store, rows: readonly EventRow[]): Promise<ListedEvent[]> {
  const counts = await countDeliveries(store, rows);
  const messages = await countMessages(store, rows);
  return rows.map((row) => ({ ...row, deliveries: counts.get(row.id) ?? NONE, messages: messages.get(row.id) ?? 0 }));
}

async function countDeliveries(store: Store, events: readonly EventRow[]): Promise<Map<string, DeliveryCounts>> {
  const oldest = events.at(-1);
  if (!oldest) return new Map();
  const { rows } = await store.pool.query<{ event_id: string; state: DeliveryState; count: number }>(
    `SELECT event_id, state, count(*)::integer AS count FROM deliveries
     WHERE event_id = ANY($1) AND id >= $2 GROUP BY event_id, state`,
    [events.map(({ id }) => id), deliveriesFrom(oldest.id)],
  );
  const counts = new Map<string, DeliveryCounts>();
  for (const { event_id: id, state, count } of rows) {
    const sum = counts.get(id) ?? NONE;
    const counted = state === 'delivered' || state === 'failed' || state === 'cancelled' ? state : 'open';
    counts.set(id, { ...sum, [counted]: sum[counted] + count });
  }
  return counts;
}

async function countMessages(store: Store, events: readonly EventRow[]): Promise<Map<string, number>> {
  const { rows } = await store.pool.query<{ event_id: string; count: number }>(
    'SELECT event_id, count(*)::integer AS count FROM messages WHERE event_id = ANY($1) GROUP BY event_id',
    [events.map(({ id }) => id)],
  );
  return new Map(rows.map(({ event_id: id, count }) => [id, count]));
}
