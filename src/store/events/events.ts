/** Writes events, their bodies and their deliveries together. */
import type { BatchLimits } from '../../contract/batches.js';
import type { CallbackReceivers } from '../../contract/callbacks.js';
import type { Event } from '../../contract/entities.js';
import { needsWorkflow, PRIORITY_NUMBERS, type EventTiming } from '../../contract/timing.js';
import { BREAKER_OPEN } from '../../workflows/types.js';
import { BREAKER_CLAIM } from '../deliveries/breaker-waiting.js';
import { BATCHING_CLAIM } from '../batches.js';
import type { Queryable } from '../store.js';
import { messageValues, type NewMessage } from '../messages/messages.js';
import { bodyRowId, toRest, type Sealing } from '../payloads.js';
import type { IdempotentResponse } from './idempotency.js';
import { insertStatement } from './insert-statement.js';

/** A delivery to be written with its event. */
export interface NewDelivery {
  readonly id: string;
  readonly subscriptionId: string;
  readonly bodyVariant: string;
  /** Present when it waits from the start: for what, as its state reason. It has no workflow until then. */
  readonly pausedFor?: string;
  /** The subscriptions that get its callbacks; absent without any. */
  readonly callbacks?: CallbackReceivers;
  /** Present when it waits for others, with which it is sent as a batch. */
  readonly batch?: BatchLimits;
}

/** What the sender of an event said of it beside its payload. */
export interface EventDetails {
  /** The sender's name for the event; whether it is unique is decided by the caller. Null for none. */
  readonly uid: string | null;
  /** Labels by which it can be found; null for none. */
  readonly tags: readonly string[] | null;
  /** Whether its payload is the whole body. */
  readonly verbatim: boolean;
  /** No attempt is made before this time; null for none. Shown only: the deliveries have their own. */
  readonly deliverAt: Date | null;
  /** When its content is erased; null for at the end of its retention. */
  readonly contentUntil: Date | null;
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
  /** Its deliveries are made after those of earlier events with the same key; absent for most events. */
  readonly orderingKey?: string;
  /** Absent when nothing was said of its times and priority. */
  readonly timing?: EventTiming | undefined;
  /** Absent for most events. */
  readonly details?: EventDetails;
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

/** Writes events, bodies and deliveries in one statement: all of them or none. Returns the ids of blocked deliveries. */
export async function insertEvents(
  store: Sealing,
  client: Queryable,
  events: readonly NewEvent[],
  modes: DispatchModes = new Map(),
): Promise<ReadonlySet<string>> {
  return (await insertCurrentEvents(store, client, events, new Map(), modes)).blocked;
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
 * is compared too. Payloads and bodies are sealed where the store seals payloads.
 */
export async function insertCurrentEvents(
  store: Sealing,
  client: Queryable,
  events: readonly NewEvent[],
  versions: AccountVersions,
  modes: DispatchModes = new Map(),
  keyed: readonly KeyedRequest[] = [],
): Promise<Written> {
  const keys = new Map(keyed.flatMap((request) => request.events.map(({ event }) => [event.id, request.key])));
  const isSealed = store.sealsPayloads === true;
  const bodies = events.flatMap(({ event, bodies, bodyErrors }) =>
    Array.from(bodies, ([variant, body]) => [event.id, variant, isSealed ? '' : body, bodyErrors?.get(variant)]),
  );
  const { deliveries, isTimed, isBatched } = deliveryRows(events, modes);
  const messages = messageValues(events);
  const isOrdered = isBatched || deliveries.some(({ orderingKey }) => orderingKey !== undefined);
  const hasDetails = events.some(({ details }) => details !== undefined);
  const { rows } = await client.query<{ account_id: string; key: string | null; blocked?: string | null }>({
    ...insertStatement({ isTimed, hasMessages: messages !== undefined, isOrdered, isSealed, hasDetails, isBatched }),
    values: [
      events.map(({ event }) => event.id),
      events.map(({ accountId }) => accountId),
      events.map(({ event }) => event.type),
      events.map(({ event }) => event.occurredAt),
      events.map(({ event }) => JSON.stringify(event.channels)),
      events.map(({ event }) => (isSealed ? '' : event.text)),
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
            deliveries.map(({ delivery }) => delivery.callbacks?.onDelivered),
            deliveries.map(({ delivery }) => delivery.callbacks?.onExhausted),
          ]
        : []),
      ...(messages ?? []),
      ...(isOrdered ? [deliveries.map(({ orderingKey }) => orderingKey)] : []),
      ...(isSealed ? sealedValues(store, events) : []),
      ...(hasDetails ? detailValues(events) : []),
      ...(isBatched ? limitValues(deliveries) : []),
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

/** The parameters of the details of events. */
function detailValues(events: readonly NewEvent[]): unknown[][] {
  return [
    events.map(({ details }) => details?.uid),
    events.map(({ details }) => details?.tags && JSON.stringify(details.tags)),
    events.map(({ details }) => details?.verbatim),
    events.map(({ details }) => details?.deliverAt),
    events.map(({ details }) => details?.contentUntil),
  ];
}

/** What is sealed of events, and of their bodies in the sequence of the bodies. */
function sealedValues(store: Sealing, events: readonly NewEvent[]): (Buffer | null)[][] {
  return [
    events.map(({ event }) => toRest(store, event.text, event.id).sealed),
    events.flatMap(({ event, bodies }) =>
      Array.from(bodies, ([variant, body]) => toRest(store, body, bodyRowId(event.id, variant)).sealed),
    ),
  ];
}

/** The deliveries of events with what is written of each, and which parts of the statement they need. */
function deliveryRows(events: readonly NewEvent[], modes: DispatchModes) {
  let isTimed = false;
  let isBatched = false;
  const deliveries = events.flatMap(({ event, accountId, provider, deliveries, timing, orderingKey }) => {
    isTimed ||= timing !== undefined || deliveries.some((delivery) => delivery.pausedFor ?? delivery.callbacks);
    const mode = modeOf({ accountId, timing }, modes);
    return deliveries.map((delivery) => {
      isBatched ||= delivery.batch !== undefined;
      // Without a workflow, unless it needs one for its times: a sender makes its attempt after the wait.
      const isHeld = delivery.pausedFor === BREAKER_OPEN && !(timing && needsWorkflow(timing));
      const waits = delivery.batch ? BATCHING_CLAIM : isHeld ? BREAKER_CLAIM : undefined;
      const direct = waits !== undefined || (mode.direct && delivery.pausedFor === undefined);
      const senderId = waits ?? (mode.direct && direct ? (mode.senderId ?? null) : null);
      return { event, accountId, provider, delivery, direct, senderId, timing, orderingKey };
    });
  });
  return { deliveries, isTimed, isBatched };
}

/** The limits of deliveries that wait for a batch. */
function limitValues(deliveries: readonly { readonly delivery: NewDelivery }[]): (number | undefined)[][] {
  return [
    deliveries.map(({ delivery }) => delivery.batch?.maxEvents),
    deliveries.map(({ delivery }) => delivery.batch?.maxWaitMs),
  ];
}
