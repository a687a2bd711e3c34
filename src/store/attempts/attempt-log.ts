/** The log of attempts and deliveries of an account, by subscription or by event. */
import { lowestIdAt } from '../../contract/ids.js';
import type { DeliveryState } from '../deliveries/deliveries.js';
import {
  addEventConditions,
  LOGGED_EVENT,
  openLogged,
  type EventConditions,
  type LoggedEvent,
  type LoggedEventRow,
} from '../events/event-log.js';
import { conditions } from '../conditions.js';
import { deliveriesFrom } from '../ranges.js';
import { openAttempt } from '../payloads.js';
import type { Store } from '../store.js';
import type { StoredAttempt } from './attempts.js';

/** An attempt with its delivery. */
export interface LoggedAttempt extends Pick<
  StoredAttempt,
  | 'number'
  | 'run'
  | 'startedAt'
  | 'durationMs'
  | 'outcome'
  | 'status'
  | 'message'
  | 'url'
  | 'requestHeaders'
  | 'responseHeaders'
  | 'responseExcerpt'
> {
  readonly deliveryId: string;
  readonly eventId: string;
  /** The subscription's id in the provider's API. */
  readonly reference: string;
  /** Whether it is the first one after a redelivery. */
  readonly isRedelivery: boolean;
}

/** The position of an attempt. */
export interface AttemptPosition {
  readonly deliveryId: string;
  readonly number: number;
}

/** Which attempts to list, in the sequence of their deliveries and numbers. */
export interface AttemptLogFilter extends EventConditions {
  readonly accountId: string;
  readonly subscriptionId?: string;
  readonly eventId?: string;
  /** Whether it was accepted. */
  readonly accepted?: boolean;
  /** Lowest and highest status of the response; null in place of both for attempts without a response. */
  readonly statuses?: readonly [number, number] | null;
  /** Only attempts that started before this time. */
  readonly before?: Date;
  /** Only attempts that started at this time or later. */
  readonly after?: Date;
  readonly from?: AttemptPosition;
  readonly ascending: boolean;
  readonly limit: number;
}

type LoggedAttemptRow = LoggedAttempt & { readonly sealed: Buffer | null };

/** Opens what a receiver has responded with. */
function open(store: Store, { sealed, ...attempt }: LoggedAttemptRow): LoggedAttempt {
  if (sealed === null) return attempt;
  const { responseHeaders, responseExcerpt } = openAttempt(store, attempt.deliveryId, {
    ...attempt,
    timings: null,
    reason: null,
    responseTruncated: null,
    sealed,
  });
  return { ...attempt, responseHeaders, responseExcerpt };
}

const LOGGED_ATTEMPT = `
  a.delivery_id AS "deliveryId", a.number, a.run, a.started_at AS "startedAt", a.duration_ms AS "durationMs", a.outcome,
  a.status, a.message, a.url, a.request_headers AS "requestHeaders", a.response_headers AS "responseHeaders",
  a.response_excerpt AS "responseExcerpt", a.sealed, d.event_id AS "eventId", s.reference,
  a.run > 0 AND NOT EXISTS (
    SELECT FROM attempts p WHERE p.delivery_id = a.delivery_id AND p.run = a.run AND p.number < a.number
  ) AS "isRedelivery"`;

const ATTEMPTS = `
  FROM deliveries d JOIN attempts a ON a.delivery_id = d.id JOIN subscriptions s ON s.id = d.subscription_id`;

/** Attempts of an account. */
export async function listLoggedAttempts(store: Store, filter: AttemptLogFilter): Promise<LoggedAttempt[]> {
  const { where, values, sql } = conditions();
  const { accountId, subscriptionId, eventId, accepted, statuses, before, after, from, ascending, limit } = filter;
  const [beyond, order] = ascending ? ['>', 'ASC'] : ['<', 'DESC'];
  where('d.account_id = ?', accountId);
  where('d.subscription_id = ?', subscriptionId);
  where('d.event_id = ?', eventId);
  where('d.id >= ?', eventId && deliveriesFrom(eventId));
  where("(a.outcome = 'accepted') = ?", accepted);
  where('a.status >= ?', statuses?.[0]);
  where('a.status <= ?', statuses?.[1]);
  if (statuses === null) where('(a.status IS NULL) = ?', true);
  where('a.started_at < ?', before);
  // No attempt of a delivery is older than the delivery.
  where('d.id < ?', before && lowestIdAt('dlv', before));
  where('a.started_at >= ?', after);
  where(`d.id ${beyond}= ?`, from?.deliveryId);
  if (from) where(`(d.id, a.number) ${beyond} (?::text, ${from.number})`, from.deliveryId);
  addEventConditions(where, filter);
  const needsEvent = [filter.types, filter.channel, filter.tag].some((condition) => condition !== undefined);
  const { rows } = await store.pool.query<LoggedAttemptRow>(
    `SELECT ${LOGGED_ATTEMPT} ${ATTEMPTS} ${needsEvent ? 'JOIN events e ON e.id = d.event_id' : ''} WHERE ${sql()}
     ORDER BY d.id ${order}, a.number ${order} LIMIT $${values.push(limit)}`,
    values,
  );
  return rows.map((row) => open(store, row));
}

/** An attempt of an event. */
export async function findLoggedAttempt(
  store: Store,
  eventId: string,
  { deliveryId, number }: AttemptPosition,
): Promise<LoggedAttempt | undefined> {
  const { rows } = await store.pool.query<LoggedAttemptRow>(
    `SELECT ${LOGGED_ATTEMPT} ${ATTEMPTS} WHERE d.id = $1 AND a.number = $2 AND d.event_id = $3`,
    [deliveryId, number, eventId],
  );
  return rows[0] && open(store, rows[0]);
}

/** Removes what a receiver has responded to an attempt. */
export async function eraseResponse(store: Store, { deliveryId, number }: AttemptPosition): Promise<void> {
  await store.pool.query(
    `UPDATE attempts SET response_headers = NULL, sealed = NULL,
       response_excerpt = CASE WHEN response_excerpt IS NOT NULL OR sealed IS NOT NULL THEN $3 END
     WHERE delivery_id = $1 AND number = $2`,
    [deliveryId, number, ERASED_RESPONSE],
  );
}

/** What is stored in place of an erased response. */
export const ERASED_RESPONSE = 'EXPUNGED';

/** A delivery of an event. */
export interface LoggedDelivery {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly subscriptionId: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
}

const LOGGED_DELIVERY = `
  d.id AS "deliveryId", d.event_id AS "eventId", d.subscription_id AS "subscriptionId", d.state, d.attempts,
  d.next_attempt_at AS "nextAttemptAt"`;

/** All deliveries of an event, the oldest first. */
export async function deliveriesOf(store: Store, accountId: string, eventId: string): Promise<LoggedDelivery[]> {
  const { rows } = await store.pool.query<LoggedDelivery>(
    `SELECT ${LOGGED_DELIVERY} FROM deliveries d WHERE d.event_id = $1 AND d.id >= $2 AND d.account_id = $3 ORDER BY d.id`,
    [eventId, deliveriesFrom(eventId), accountId],
  );
  return rows;
}

/** Which deliveries of a subscription to list, in the sequence of their ids. */
export interface DeliveryLogFilter extends EventConditions {
  readonly subscriptionId: string;
  readonly states?: readonly DeliveryState[];
  /** Whether an attempt was made. */
  readonly attempted?: boolean;
  readonly before?: Date;
  readonly after?: Date;
  /** Only deliveries beyond that of this event. */
  readonly from?: string;
  readonly ascending: boolean;
  readonly limit: number;
}

/** Deliveries of a subscription with their events. */
export async function listLoggedDeliveries(
  store: Store,
  filter: DeliveryLogFilter,
): Promise<(LoggedDelivery & LoggedEvent)[]> {
  const { where, values, sql } = conditions();
  const { subscriptionId, states, attempted, before, after, from, ascending, limit } = filter;
  where('d.subscription_id = ?', subscriptionId);
  where('d.state = ANY(?)', states);
  where('(d.attempts > 0) = ?', attempted);
  where('d.id < ?', before && lowestIdAt('dlv', before));
  where('d.id >= ?', after && lowestIdAt('dlv', after));
  where(
    `d.id ${ascending ? '>' : '<'} (SELECT max(f.id) FROM deliveries f WHERE f.subscription_id = $1 AND f.event_id = ?)`,
    from,
  );
  addEventConditions(where, filter);
  const { rows } = await store.pool.query<LoggedDelivery & LoggedEventRow>(
    `SELECT ${LOGGED_EVENT}, ${LOGGED_DELIVERY} FROM deliveries d JOIN events e ON e.id = d.event_id WHERE ${sql()}
     ORDER BY d.id ${ascending ? 'ASC' : 'DESC'} LIMIT $${values.push(limit)}`,
    values,
  );
  return rows.map((row) => openLogged(store, row));
}

/** Counts the deliveries of a subscription that were created in a range of time, by state. */
export async function countByState(
  store: Store,
  { subscriptionId, since, until }: { readonly subscriptionId: string; readonly since: Date; readonly until: Date },
): Promise<ReadonlyMap<DeliveryState, number>> {
  const { rows } = await store.pool.query<{ state: DeliveryState; count: number }>(
    `SELECT state, count(*)::integer AS count FROM deliveries
     WHERE subscription_id = $1 AND id >= $2 AND id < $3 GROUP BY state`,
    [subscriptionId, lowestIdAt('dlv', since), lowestIdAt('dlv', until)],
  );
  return new Map(rows.map(({ state, count }) => [state, count]));
}
