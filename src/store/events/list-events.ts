/**
 * Lists of an account's events, the newest first.
 *
 * A filter must not cost an index on a table that every event is written to. So the events are read in the sequence of
 * their ids, and a page ends after a number of them even when few match.
 */
import { BATCH_TYPE } from '../../contract/batches.js';
import { deliveriesFrom } from '../ranges.js';
import type { Store } from '../store.js';
import type { DeliveryState } from '../deliveries/deliveries.js';

/** Events of an account that are read at most for a page of one event type. */
const MAX_READ = 10_000;
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
  readonly type: string;
  readonly occurredAt: Date;
  readonly channels: readonly string[];
  readonly createdAt: Date;
  readonly deliveries: DeliveryCounts;
  /** In how many subscriptions that are polled it can be read. */
  readonly messages: number;
}

export interface EventFilter {
  readonly accountId: string;
  readonly type?: string | undefined;
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
  for (let counted = 0; counted < MAX_COUNTED;) {
    const page = await readEvents(store, { ...filter, beforeId, limit: undelivered ? COUNTED_AT_ONCE : limit + 1 });
    const counts = await countDeliveries(store, page.rows);
    const messages = await countMessages(store, page.rows);
    for (const row of page.rows) {
      const event = { ...row, deliveries: counts.get(row.id) ?? NONE, messages: messages.get(row.id) ?? 0 };
      if (undelivered && !isUndelivered(event)) continue;
      // One more than fits shows that there is another page.
      if (events.length === limit) return { events, nextBeforeId: events.at(-1)!.id };
      events.push(event);
    }
    beforeId = page.nextBeforeId;
    if (beforeId === null || !undelivered) break;
    counted += page.rows.length;
    // Of a rare type, one read has cost as much as counting.
    if (page.rows.length < COUNTED_AT_ONCE) break;
  }
  return { events, nextBeforeId: beforeId };
}

const NONE: DeliveryCounts = { delivered: 0, failed: 0, cancelled: 0, open: 0 };

type EventRow = Omit<ListedEvent, 'deliveries' | 'messages'>;

/** Reads events in the sequence of their ids: without a type exactly `limit`, and otherwise at most that many. */
async function readEvents(
  store: Store,
  { accountId, type, fromId, beforeId, limit }: Omit<EventFilter, 'beforeId'> & { readonly beforeId: string | null },
): Promise<{ readonly rows: readonly EventRow[]; readonly nextBeforeId: string | null }> {
  const toRead = type === undefined ? limit : MAX_READ;
  const { rows } = await store.pool.query<EventRow & { id: string | null; last: string | null; read: number }>(
    `WITH read AS MATERIALIZED (
       SELECT id, type, occurred_at, channels, created_at FROM events
       WHERE account_id = $1 AND ($2::text IS NULL OR id >= $2) AND ($3::text IS NULL OR id < $3)
         AND NOT (addressed AND type = '${BATCH_TYPE}')
       ORDER BY id DESC LIMIT $4
     )
     SELECT event.*, ends.* FROM (SELECT min(id) AS last, count(*)::integer AS read FROM read) ends
     LEFT JOIN LATERAL (
       SELECT id, type, occurred_at AS "occurredAt", channels, created_at AS "createdAt" FROM read
       WHERE $5::text IS NULL OR type = $5 ORDER BY id DESC LIMIT $6
     ) event ON true
     ORDER BY event.id DESC`,
    [accountId, fromId ?? null, beforeId, toRead, type ?? null, limit],
  );
  const events = rows.flatMap(({ last: _, read: __, ...event }) => (event.id === null ? [] : [event]));
  const { last, read } = rows[0]!;
  const isFull = events.length === limit;
  return { rows: events, nextBeforeId: isFull ? events.at(-1)!.id : read === toRead ? last : null };
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
