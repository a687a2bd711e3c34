/** Writes events, their bodies and their deliveries together. */
import type { Event } from '../../contract/entities.js';
import { needsWorkflow, PRIORITY_NUMBERS, type EventTiming } from '../../contract/timing.js';
import type { Queryable } from '../store.js';
import { insertMessages, messageValues, type NewMessage } from '../messages/messages.js';
import type { IdempotentResponse } from './idempotency.js';

/** A delivery to be written with its event. */
export interface NewDelivery {
  readonly id: string;
  readonly subscriptionId: string;
  readonly bodyVariant: string;
  /** Present when it waits from the start: why its subscription or account is paused. It has no workflow until resumed. */
  readonly pausedFor?: string;
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
  /** Why bodies could not be made, by variant; absent when all were. */
  readonly bodyErrors?: ReadonlyMap<string, string>;
  readonly deliveries: readonly NewDelivery[];
  /** For subscriptions that are polled; absent without any. */
  readonly messages?: readonly NewMessage[];
  /** The trace in which it was accepted, as the value of a `traceparent` header; absent when nothing was traced. */
  readonly traceparent?: string;
  /** Absent when nothing was said of its times and priority. */
  readonly timing?: EventTiming | undefined;
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

/** How the first attempts of the deliveries of an event are made. */
export function modeOf(
  { accountId, timing }: Pick<NewEvent, 'accountId' | 'timing'>,
  modes: DispatchModes,
): DispatchMode {
  return timing && needsWorkflow(timing) ? BY_WORKFLOW : (modes.get(accountId) ?? BY_WORKFLOW);
}

/** Versions of accounts (src/store/subscriptions/subscription-cache.ts) by account id. */
export type AccountVersions = ReadonlyMap<string, string>;

/** Writes events, bodies and deliveries in one statement: all of them or none. */
export async function insertEvents(
  client: Queryable,
  events: readonly NewEvent[],
  modes: DispatchModes = new Map(),
): Promise<void> {
  await insertCurrentEvents(client, events, new Map(), modes);
}

/** A request with an idempotency key; at most one with the same key in a statement. */
export interface KeyedRequest {
  readonly accountId: string;
  readonly key: string;
  readonly response: IdempotentResponse;
  readonly events: readonly NewEvent[];
}

/** What a statement has not written. */
export interface NotWritten {
  /** Accounts whose version has changed. */
  readonly outdated: ReadonlySet<string>;
  /** Requests whose key was used before; `keyId` names them. */
  readonly repeated: ReadonlySet<string>;
}

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
): Promise<NotWritten> {
  const keys = new Map(keyed.flatMap((request) => request.events.map(({ event }) => [event.id, request.key])));
  const bodies = events.flatMap(({ event, bodies, bodyErrors }) =>
    Array.from(bodies, ([variant, body]) => [event.id, variant, body, bodyErrors?.get(variant)]),
  );
  let isTimed = false;
  const deliveries = events.flatMap(({ event, accountId, provider, deliveries, timing }) => {
    isTimed ||= timing !== undefined || deliveries.some(({ pausedFor }) => pausedFor !== undefined);
    const mode = modeOf({ accountId, timing }, modes);
    return deliveries.map((delivery) => {
      const direct = mode.direct && delivery.pausedFor === undefined;
      const senderId = mode.direct && direct ? (mode.senderId ?? null) : null;
      return { event, accountId, provider, delivery, direct, senderId, timing };
    });
  });
  const messages = messageValues(events);
  const { rows } = await client.query<{ account_id: string; key: string | null }>({
    ...insertStatement(isTimed, messages !== undefined),
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
      bodies.map(([, , , error]) => error),
      ...(isTimed
        ? [
            deliveries.map(({ delivery }) => delivery.pausedFor),
            deliveries.map(({ timing }) => timing?.deliverAt),
            deliveries.map(({ timing }) => timing?.expiresAt),
            deliveries.map(({ timing }) => timing?.supersedes),
            deliveries.map(({ timing }) => PRIORITY_NUMBERS[timing?.priority ?? 'normal']),
          ]
        : []),
      ...(messages ?? []),
    ],
  });
  const outdated = new Set(rows.filter(({ key }) => key === null).map(({ account_id }) => account_id));
  const repeated = rows.flatMap(({ account_id: accountId, key }) => (key === null ? [] : [keyId({ accountId, key })]));
  return { outdated, repeated: new Set(repeated) };
}

/** The columns of deliveries, and the parameters with their values. */
interface DeliveryColumns {
  readonly names: string;
  readonly parameters: string;
  /** The values that are inserted, beside those of all deliveries. */
  readonly computed: { readonly names: string; readonly values: string };
}

const NO_TIMING: DeliveryColumns = { names: '', parameters: '', computed: { names: '', values: '' } };

/** A delivery that waits from the start counts as owned: no process is to start it. */
const TIMING: DeliveryColumns = {
  names: ', paused_for, deliver_at, expires_at, supersede_key, priority',
  parameters: ', $29::text[], $30::timestamptz[], $31::timestamptz[], $32::text[], $33::smallint[]',
  computed: {
    names: ', state, state_reason, owned, next_attempt_at, deliver_at, expires_at, supersede_key, priority',
    values: `, CASE WHEN paused_for IS NULL THEN 'pending' ELSE 'paused' END, paused_for, paused_for IS NOT NULL,
           CASE WHEN paused_for IS NULL THEN deliver_at END, deliver_at, expires_at, supersede_key, priority`,
  },
};

/** Parameters are arrays, in the order of `values` above. */
const insertEventsText = ({ names, parameters, computed }: DeliveryColumns, more: string): string => `
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
    INSERT INTO event_bodies (event_id, variant, body, error)
    SELECT event_id, variant, body, error
    FROM unnest($7::text[], $8::text[], $9::text[], $28::text[]) AS body (event_id, variant, body, error)
    WHERE event_id NOT IN (SELECT id FROM not_written)
  ), new_deliveries AS (
    INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct,
                            sender_id${computed.names})
    SELECT id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct, sender_id${computed.values}
    FROM unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
                $18::boolean[], $22::text[]${parameters})
      AS delivery (id, event_id, account_id, subscription_id, provider, event_type, body_variant, direct,
                   sender_id${names})
    WHERE event_id NOT IN (SELECT id FROM not_written)
  )${more}
  SELECT account_id, NULL AS key FROM outdated
  UNION ALL
  SELECT account_id, key FROM unnest($23::text[], $24::text[]) AS request (account_id, key)
  WHERE (account_id, key) NOT IN (SELECT account_id, key FROM claimed)`;

const INSERT_EVENTS = insertEventsText(NO_TIMING, '');
/** For events with times or a priority, and during pauses; the others do not pay for these columns. */
const INSERT_TIMED_EVENTS = insertEventsText(TIMING, '');
const FIRST_PARAMETER = 29;
const INSERT_EVENTS_AND_MESSAGES = insertEventsText(NO_TIMING, insertMessages(FIRST_PARAMETER));
const INSERT_TIMED_EVENTS_AND_MESSAGES = insertEventsText(TIMING, insertMessages(FIRST_PARAMETER + 5));

/** The smallest statement that writes what the events have. */
function insertStatement(isTimed: boolean, hasMessages: boolean): { readonly name: string; readonly text: string } {
  if (!hasMessages) {
    return isTimed
      ? { name: 'insert-timed-events', text: INSERT_TIMED_EVENTS }
      : { name: 'insert-events', text: INSERT_EVENTS };
  }
  return isTimed
    ? { name: 'insert-timed-events-and-messages', text: INSERT_TIMED_EVENTS_AND_MESSAGES }
    : { name: 'insert-events-and-messages', text: INSERT_EVENTS_AND_MESSAGES };
}
