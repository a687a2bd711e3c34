/** Events without a delivery to a subscription, and inserting the missing deliveries. */
import type { Event } from '../../contract/entities.js';
import type { NewEvent } from '../events/events.js';
import { bodyRowId, fromRest, toRest } from '../payloads.js';
import { deliveriesFrom } from '../ranges.js';
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';

/** Which events a recovery reads. */
export interface MissingFilter {
  readonly accountId: string;
  readonly subscriptionId: string;
  /** Only ids from this one on and before `beforeId`. */
  readonly fromId: string;
  readonly beforeId: string;
  /** Event types; empty means all. */
  readonly types: readonly string[];
}

interface EventRow {
  id: string;
  type: string;
  occurred_at: Date;
  channels: string[];
  data: string;
  verbatim: boolean | null;
  sealed: Buffer | null;
}

const toEvent = (store: Store, { id, type, occurred_at, channels, data, verbatim, sealed }: EventRow): Event => {
  const text = fromRest(store, { text: data, sealed }, id);
  const event = { id, type, occurredAt: occurred_at, channels, text, data: JSON.parse(text) as unknown };
  return verbatim ? { ...event, verbatim } : event;
};

/** The next events after an id without a delivery to the subscription, whether it receives them or not; the oldest first. */
export async function nextUndelivered(
  store: Store,
  { accountId, subscriptionId, fromId, beforeId, types }: MissingFilter,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<Event[]> {
  const { rows } = await store.pool.query<EventRow>(
    `SELECT e.id, e.type, e.occurred_at, e.channels, e.data, e.verbatim, e.sealed FROM events e
     WHERE e.account_id = $1 AND e.id >= $3 AND e.id < $4 AND e.id > $6 AND NOT e.addressed
       AND e.erased_at IS NULL
       AND (cardinality($5::text[]) = 0 OR e.type = ANY($5))
       -- OFFSET 0 prevents a plan that reads all deliveries of the subscription, which may be very many.
       AND NOT EXISTS (SELECT FROM (SELECT subscription_id FROM deliveries WHERE event_id = e.id AND id >= $8 OFFSET 0) d
                       WHERE d.subscription_id = $2)
     ORDER BY e.id LIMIT $7`,
    [accountId, subscriptionId, fromId, beforeId, types, afterId, limit, deliveriesFrom(fromId)],
  );
  return rows.map((row) => toEvent(store, row));
}

/** Events by id, without those that are erased. */
export async function findEvents(store: Store, ids: readonly string[]): Promise<Event[]> {
  const { rows } = await store.pool.query<EventRow>(
    'SELECT id, type, occurred_at, channels, data, verbatim, sealed FROM events WHERE id = ANY($1) AND erased_at IS NULL ORDER BY id',
    [ids],
  );
  return rows.map((row) => toEvent(store, row));
}

/**
 * Inserts the deliveries of events to one subscription where they are missing; existing bodies stay. Returns the ids of all
 * its deliveries of these events. Idempotent: repeating it after a crash returns the same ids.
 */
export async function insertMissing(
  store: Store,
  subscriptionId: string,
  planned: readonly NewEvent[],
): Promise<string[]> {
  return inTransaction(store, async (client) => {
    // Concurrent calls for the subscription wait here, so that no delivery is inserted twice.
    // A subscription that was deleted in the meantime gets nothing.
    const lock = await client.query(
      'SELECT id FROM subscriptions WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE',
      [subscriptionId],
    );
    if (!onlyRow(lock)) return [];
    const existing = await lockEvents(
      client,
      planned.map(({ event }) => event.id),
    );
    const rows = planned
      .filter(({ event }) => existing.has(event.id))
      .flatMap((item) =>
        item.deliveries.map((delivery) => ({
          ...item,
          delivery,
          body: toRest(store, item.bodies.get(delivery.bodyVariant)!, bodyRowId(item.event.id, delivery.bodyVariant)),
          error: item.bodyErrors?.get(delivery.bodyVariant) ?? null,
        })),
      );
    const eventIds = rows.map(({ event }) => event.id);
    const oldest = deliveriesFrom([...eventIds].sort()[0] ?? '');
    const variants = rows.map(({ delivery }) => delivery.bodyVariant);
    await client.query(
      `INSERT INTO event_bodies (event_id, variant, body, error, sealed)
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[]) ON CONFLICT DO NOTHING`,
      [
        eventIds,
        variants,
        rows.map(({ body }) => body.text),
        rows.map(({ error }) => error),
        rows.map(({ body }) => body.sealed),
      ],
    );
    await client.query(
      `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant,
                               on_delivered, on_exhausted)
       SELECT new.id, new.event_id, new.account_id, $1, new.provider, new.type, new.variant, new.on_delivered,
              new.on_exhausted
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $9::text[], $10::text[])
         AS new (id, event_id, account_id, provider, type, variant, on_delivered, on_exhausted)
       WHERE NOT EXISTS (SELECT FROM deliveries d
                         WHERE d.event_id = new.event_id AND d.subscription_id = $1 AND d.id >= $8)`,
      [
        subscriptionId,
        rows.map(({ delivery }) => delivery.id),
        eventIds,
        rows.map(({ accountId }) => accountId),
        rows.map(({ provider }) => provider),
        rows.map(({ event }) => event.type),
        variants,
        oldest,
        rows.map(({ delivery }) => delivery.callbacks?.onDelivered),
        rows.map(({ delivery }) => delivery.callbacks?.onExhausted),
      ],
    );
    const { rows: deliveries } = await client.query<{ id: string }>(
      'SELECT id FROM deliveries WHERE subscription_id = $1 AND event_id = ANY($2) AND id >= $3 ORDER BY id',
      [subscriptionId, eventIds, oldest],
    );
    return deliveries.map(({ id }) => id);
  });
}

/** Which of these events exist and are not erased; neither can happen until the transaction ends. */
async function lockEvents(client: Queryable, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT id FROM events WHERE id = ANY($1) AND erased_at IS NULL FOR KEY SHARE',
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}
