/** Writes events, their bodies and their deliveries together. */
import type { CallbackReceivers } from '../../contract/callbacks.js';
import type { Event } from '../../contract/entities.js';
import { needsWorkflow, PRIORITY_NUMBERS, type EventTiming } from '../../contract/timing.js';
import type { Queryable } from '../store.js';
import { messageValues, type NewMessage } from '../messages/messages.js';
import type { SealedEvent } from '../payloads.js';
import type { IdempotentResponse } from './idempotency.js';
import { insertStatement } from './insert-statement.js';

/** A delivery to be written with its event. */
export interface NewDelivery {
  readonly id: string;
  readonly subscriptionId: string;
  readonly bodyVariant: string;
  /** Present when it waits from the start: why its subscription or account is paused. It has no workflow until resumed. */
  readonly pausedFor?: string;
  /** The subscriptions that get its callbacks; absent without any. */
  readonly callbacks?: CallbackReceivers;
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
  /** Written instead of the payload and the bodies; absent where payloads are not sealed (`sealEvents`). */
  readonly sealed?: SealedEvent;
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

/**
 * Writes events, bodies and deliveries in one statement: all of them or none. They come from `sealEvents`. Returns the ids of
 * blocked deliveries.
 */
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
 * is compared too. The events come from `sealEvents`.
 */
export async function insertCurrentEvents(
  client: Queryable,
  events: readonly NewEvent[],
  versions: AccountVersions,
  modes: DispatchModes = new Map(),
  keyed: readonly KeyedRequest[] = [],
): Promise<Written> {
  const keys = new Map(keyed.flatMap((request) => request.events.map(({ event }) => [event.id, request.key])));
  const isSealed = events.some(({ sealed }) => sealed !== undefined);
  const bodies = events.flatMap(({ event, bodies, bodyErrors, sealed }) =>
    Array.from(bodies, ([variant, body]) => [event.id, variant, sealed ? '' : body, bodyErrors?.get(variant)]),
  );
  let isTimed = false;
  const deliveries = events.flatMap(({ event, accountId, provider, deliveries, timing, orderingKey }) => {
    isTimed ||= timing !== undefined || deliveries.some((delivery) => delivery.pausedFor ?? delivery.callbacks);
    const mode = modeOf({ accountId, timing }, modes);
    return deliveries.map((delivery) => {
      const direct = mode.direct && delivery.pausedFor === undefined;
      const senderId = mode.direct && direct ? (mode.senderId ?? null) : null;
      return { event, accountId, provider, delivery, direct, senderId, timing, orderingKey };
    });
  });
  const messages = messageValues(events);
  const isOrdered = deliveries.some(({ orderingKey }) => orderingKey !== undefined);
  const { rows } = await client.query<{ account_id: string; key: string | null; blocked?: string | null }>({
    ...insertStatement({ isTimed, hasMessages: messages !== undefined, isOrdered, isSealed }),
    values: [
      events.map(({ event }) => event.id),
      events.map(({ accountId }) => accountId),
      events.map(({ event }) => event.type),
      events.map(({ event }) => event.occurredAt),
      events.map(({ event }) => JSON.stringify(event.channels)),
      events.map(({ event, sealed }) => (sealed ? '' : event.text)),
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
      ...(isSealed ? sealedValues(events) : []),
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

/** What is sealed of events, and of their bodies in the sequence of the bodies. */
function sealedValues(events: readonly NewEvent[]): (Buffer | null)[][] {
  return [
    events.map(({ sealed }) => sealed?.data ?? null),
    events.flatMap(({ bodies, sealed }) => Array.from(bodies.keys(), (variant) => sealed?.bodies.get(variant) ?? null)),
  ];
}
