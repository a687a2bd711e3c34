/** Events, their bodies and their deliveries, written together. */
import type { Event } from '../../contract/entities.js';
import { ORDERING_CLAIM } from '../deliveries/ordering.js';
import { onlyRow, type Queryable, type Store } from '../store.js';
import type { IdempotentResponse } from './idempotency.js';

/** A delivery to be written with its event. */
export interface NewDelivery {
  readonly id: string;
  readonly subscriptionId: string;
  readonly bodyVariant: string;
}

/** An event with everything that is committed with it. */
export interface NewEvent {
  readonly event: Pick<Event, 'id' | 'type' | 'occurredAt' | 'channels' | 'text'>;
  readonly accountId: string;
  readonly provider: string;
  /** Whether it was sent to chosen subscriptions, like a test event; then a recovery of another one ignores it. */
  readonly addressed: boolean;
  /** Bodies by variant. */
  readonly bodies: ReadonlyMap<string, string>;
  readonly deliveries: readonly NewDelivery[];
  /** Its deliveries are made after those of earlier events with the same key; absent for most events. */
  readonly orderingKey?: string;
  /** The trace in which it was accepted, as the value of a `traceparent` header; absent when nothing was traced. */
  readonly traceparent?: string;
}

/**
 * How the first attempts of the deliveries of new events are made: each by its own workflow, or directly by a sender,
 * which has claimed them already when `senderId` is set.
 */
export type DispatchMode =
  { readonly direct: false } | { readonly direct: true; readonly senderId: string | undefined };

export const BY_WORKFLOW: DispatchMode = { direct: false };

/** By account id; deliveries of other accounts are made by workflows. */
export type DispatchModes = ReadonlyMap<string, DispatchMode>;

/** Versions of accounts (src/store/subscriptions/subscription-cache.ts) by account id. */
export type AccountVersions = ReadonlyMap<string, string>;

/** Writes events, bodies and deliveries in one statement: all of them or none. Returns the ids of blocked deliveries. */
export async function insertEvents(
  client: Queryable,
  events: readonly NewEvent[],
  modes: DispatchModes = new Map(),
): Promise<ReadonlySet<string>> {
  return (await insertCurrentEvents(client, events, new Map(), modes)).blocked;
}

/** A request with an idempotency key; at most one with the same key in a statement. */
export interface KeyedRequest {
  readonly accountId: string;
  readonly key: string;
  readonly response: IdempotentResponse;
  readonly events: readonly NewEvent[];
}

/** What a statement has not written, and what must not be sent yet. */
export interface Written {
  /** Accounts whose version has changed. */
  readonly outdated: ReadonlySet<string>;
  /** Requests whose key was used before; `keyId` names them. */
  readonly repeated: ReadonlySet<string>;
  /** Deliveries that wait until an earlier one of their ordering key has ended. */
  readonly blocked: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

export const keyId = ({ accountId, key }: Pick<KeyedRequest, 'accountId' | 'key'>): string => `${accountId} ${key}`;

/**
 * Writes events, bodies and deliveries in one statement, and the idempotency keys of their requests. Not written are those
 * of accounts whose version has changed, and requests whose key was used before. The version of an account without events
 * is compared too.
 */
export async function insertCurrentEvents(
  client: Queryable,
  events: readonly NewEvent[],
  versions: AccountVersions,
  modes: DispatchModes = new Map(),
  keyed: readonly KeyedRequest[] = [],
): Promise<Written> {
  const keys = new Map(keyed.flatMap((request) => request.events.map(({ event }) => [event.id, request.key])));
  const bodies = events.flatMap(({ event, bodies }) =>
    Array.from(bodies, ([variant, body]) => [event.id, variant, body]),
  );
  const deliveries = events.flatMap(({ event, accountId, provider, deliveries }) => {
    const mode = modes.get(accountId) ?? BY_WORKFLOW;
    const senderId = mode.direct ? (mode.senderId ?? null) : null;
    return deliveries.map((delivery) => ({ event, accountId, provider, delivery, direct: mode.direct, senderId }));
  });
  // Events without an ordering key have their own statement, so that they do not pay for those with one.
  const isOrdered = events.some(({ orderingKey }) => orderingKey !== undefined);
  const { rows } = await client.query<{ account_id: string; key: string | null; blocked?: string | null }>({
    name: isOrdered ? 'insert-ordered-events' : 'insert-events',
    text: isOrdered ? INSERT_ORDERED_EVENTS : INSERT_EVENTS,
    values: [
      events.map(({ event }) => event.id),
      events.map(({ accountId }) => accountId),
      events.map(({ event }) => event.type),
      events.map(({ event }) => event.occurredAt),
      events.map(({ event }) => JSON.stringify(event.channels)),
      events.map(({ event }) => event.text),
      bodies.map(([id]) => id),
      bodies.map(([, variant]) => variant),
      bodies.map(([, , body]) => body),
      deliveries.map(({ delivery }) => delivery.id),
      deliveries.map(({ event }) => event.id),
      deliveries.map(({ accountId }) => accountId),
      deliveries.map(({ delivery }) => delivery.subscriptionId),
      deliveries.map(({ provider }) => provider),
      deliveries.map(({ event }) => event.type),
      deliveries.map(({ delivery }) => delivery.bodyVariant),
      events.map(({ addressed }) => addressed),
      deliveries.map(({ direct }) => direct),
      events.map(({ traceparent }) => traceparent),
      [...versions.keys()],
      [...versions.values()],
      deliveries.map(({ senderId }) => senderId),
      keyed.map(({ accountId }) => accountId),
      keyed.map(({ key }) => key),
      keyed.map(({ response }) => response.fingerprint),
      keyed.map(({ response }) => JSON.stringify(response.response)),
      events.map(({ event }) => keys.get(event.id)),
      ...(isOrdered ? [events.flatMap(({ orderingKey, deliveries }) => deliveries.map(() => orderingKey))] : []),
    ],
  });
  const blocked = isOrdered ? new Set(rows.flatMap(({ blocked: id }) => id ?? [])) : NONE;
  const notWritten = isOrdered ? rows.filter((row) => row.blocked == null) : rows;
  const outdated = new Set(notWritten.filter(({ key }) => key === null).map(({ account_id }) => account_id));
  const repeated = notWritten.flatMap(({ account_id: accountId, key }) =>
    key === null ? [] : [keyId({ accountId, key })],
  );
  return { outdated, repeated: new Set(repeated), blocked };
}

/** Everything before the deliveries. Parameters are arrays, in the order of `values` above. */
const BEFORE_DELIVERIES = `
  WITH outdated AS MATERIALIZED (
    SELECT expected.account_id
    FROM unnest($20::text[], $21::uuid[]) AS expected (account_id, version)
    LEFT JOIN account_versions v ON v.account_id = expected.account_id
    WHERE v.version IS DISTINCT FROM expected.version
  ), claimed AS (
    -- Sorted, so that two statements with the same keys do not deadlock.
    INSERT INTO idempotency_keys (account_id, key, fingerprint, response)
    SELECT account_id, key, fingerprint, response
    FROM unnest($23::text[], $24::text[], $25::bytea[], $26::json[]) AS request (account_id, key, fingerprint, response)
    WHERE account_id NOT IN (SELECT account_id FROM outdated)
    ORDER BY account_id, key
    ON CONFLICT DO NOTHING
    RETURNING account_id, key
  ), not_written AS MATERIALIZED (
    SELECT id FROM unnest($1::text[], $2::text[], $27::text[]) AS event (id, account_id, key)
    WHERE account_id IN (SELECT account_id FROM outdated)
       OR (key IS NOT NULL AND (account_id, key) NOT IN (SELECT account_id, key FROM claimed))
  ), new_events AS (
    INSERT INTO events (id, account_id, type, occurred_at, channels, data, addressed, traceparent)
    SELECT id, account_id, type, occurred_at,
           ARRAY(SELECT jsonb_array_elements_text(channels)), data, addressed, traceparent
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::text[], $17::boolean[],
                $19::text[])
      AS event (id, account_id, type, occurred_at, channels, data, addressed, traceparent)
    WHERE id NOT IN (SELECT id FROM not_written)
  ), new_bodies AS (
    INSERT INTO event_bodies (event_id, variant, body)
    SELECT event_id, variant, body
    FROM unnest($7::text[], $8::text[], $9::text[]) AS body (event_id, variant, body)
    WHERE event_id NOT IN (SELECT id FROM not_written)
  ),`;

const INSERT_EVENTS = `${BEFORE_DELIVERIES}
  new_deliveries AS (
    INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct, sender_id)
    SELECT *
    FROM unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
                $18::boolean[], $22::text[])
      AS delivery (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct, sender_id)
    WHERE event_id NOT IN (SELECT id FROM not_written)
  )
  SELECT account_id, NULL AS key FROM outdated
  UNION ALL
  SELECT account_id, key FROM unnest($23::text[], $24::text[]) AS request (account_id, key)
  WHERE (account_id, key) NOT IN (SELECT account_id, key FROM claimed)`;

/**
 * The same for events of which some have an ordering key. Locks the keys of its deliveries; a key without a head gets the
 * first delivery as its head, and all others are blocked.
 */
const INSERT_ORDERED_EVENTS = `${BEFORE_DELIVERIES}
  ordered AS MATERIALIZED (
    SELECT id, subscription_id, ordering_key,
           row_number() OVER (PARTITION BY subscription_id, ordering_key ORDER BY number) AS rank,
           count(*) OVER (PARTITION BY subscription_id, ordering_key) AS total
    FROM unnest($10::text[], $11::text[], $13::text[], $28::text[])
      WITH ORDINALITY AS delivery (id, event_id, subscription_id, ordering_key, number)
    WHERE ordering_key IS NOT NULL AND event_id NOT IN (SELECT id FROM not_written)
  ), locked AS (
    -- Sorted, so that two statements with the same keys do not deadlock.
    INSERT INTO ordering_keys AS key (subscription_id, ordering_key, head, last_position)
    SELECT subscription_id, ordering_key, id, total FROM ordered WHERE rank = 1
    ORDER BY subscription_id COLLATE "C", ordering_key COLLATE "C"
    ON CONFLICT (subscription_id, ordering_key) DO UPDATE SET last_position = key.last_position + excluded.last_position
    RETURNING subscription_id, ordering_key, head, last_position
  ), blocked AS MATERIALIZED (
    SELECT id, subscription_id, ordering_key, last_position - total + rank AS position
    FROM ordered JOIN locked USING (subscription_id, ordering_key) WHERE id <> head
  ), waiting AS (
    INSERT INTO ordering_waiting (subscription_id, ordering_key, position, delivery_id)
    SELECT subscription_id, ordering_key, position, id FROM blocked
  ), new_deliveries AS (
    -- A blocked delivery is direct, so that a sender makes its attempt as soon as it is released.
    INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct, sender_id,
                            ordering_key)
    SELECT id, event_id, account_id, delivery.subscription_id, provider, event_type, body_variant,
           direct OR blocked.id IS NOT NULL,
           CASE WHEN blocked.id IS NULL THEN sender_id ELSE '${ORDERING_CLAIM}' END, delivery.ordering_key
    FROM unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
                $18::boolean[], $22::text[], $28::text[])
      AS delivery (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct, sender_id,
                   ordering_key)
    LEFT JOIN blocked USING (id)
    WHERE event_id NOT IN (SELECT id FROM not_written)
  )
  SELECT account_id, NULL AS key, NULL AS blocked FROM outdated
  UNION ALL
  SELECT account_id, key, NULL FROM unnest($23::text[], $24::text[]) AS request (account_id, key)
  WHERE (account_id, key) NOT IN (SELECT account_id, key FROM claimed)
  UNION ALL
  SELECT NULL, NULL, id FROM blocked`;

/** A stored event; its payload is JSON text. */
export interface StoredEvent {
  readonly id: string;
  readonly accountId: string;
  readonly type: string;
  readonly occurredAt: Date;
  readonly channels: string[];
  readonly text: string;
  readonly createdAt: Date;
}

export async function findEvent(store: Store, id: string): Promise<StoredEvent | undefined> {
  const result = await store.pool.query<{
    id: string;
    account_id: string;
    type: string;
    occurred_at: Date;
    channels: string[];
    data: string;
    created_at: Date;
  }>('SELECT * FROM events WHERE id = $1', [id]);
  const row = onlyRow(result);
  return (
    row && {
      id: row.id,
      accountId: row.account_id,
      type: row.type,
      occurredAt: row.occurred_at,
      channels: row.channels,
      text: row.data,
      createdAt: row.created_at,
    }
  );
}

/** SQL condition: the event of the delivery `d` exists. Without it nothing can be sent. */
export const EVENT_EXISTS = 'EXISTS (SELECT FROM events e WHERE e.id = d.event_id)';
