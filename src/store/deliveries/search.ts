/**
 * Lists of deliveries by what no index has: event type, provider, response, host or text.
 *
 * Each index of deliveries makes every attempt more expensive, because no update of a delivery is heap-only. So deliveries
 * are read in the sequence of their ids, by an index for the account, subscriptions and state where these are given, and a
 * page ends after a number of them even when few match.
 */
import { deliveriesFrom } from '../ranges.js';
import { onlyRow, type Store } from '../store.js';
import { toDelivery, type DeliveryFilter, type DeliveryRow, type StoredDelivery } from './deliveries.js';

/** Deliveries that are read at most for a page. */
const MAX_READ = 30_000;
/** Subscriptions whose deliveries are merged from an index; those of more are read with all others. */
const MAX_MERGED = 8;

/** Any of these makes a delivery match. */
export interface DeliveryText {
  /** A part of the event type, in any case. */
  readonly inType: string;
  readonly subscriptionIds: readonly string[];
  readonly accountIds: readonly string[];
  readonly eventIds: readonly string[];
}

export interface DeliverySearch extends Omit<DeliveryFilter, 'states' | 'subscriptionId'> {
  readonly id?: string | undefined;
  /** Of any of these subscriptions; each list that is given. */
  readonly subscriptions?: readonly (readonly string[])[] | undefined;
  /** From this status of the last response on, … */
  readonly minStatus?: number | undefined;
  /** … to this one. */
  readonly maxStatus?: number | undefined;
  /** Why there was no response to the last attempt, as one word. */
  readonly reason?: string | undefined;
  readonly text?: DeliveryText | undefined;
}

/** A page of deliveries. It may have fewer than `limit`, also none, although there are more. */
export interface DeliveryRead {
  readonly deliveries: readonly StoredDelivery[];
  /** The id before which the next page continues; null when there are no more deliveries. */
  readonly nextBeforeId: string | null;
  /** Whether the page ended because enough were read. */
  readonly isCut: boolean;
}

/** Finds deliveries, the newest first. */
export async function searchDeliveries(store: Store, search: DeliverySearch): Promise<DeliveryRead> {
  const subscriptions = intersection(search.subscriptions);
  if (subscriptions?.length === 0) return { deliveries: [], nextBeforeId: null, isCut: false };
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${values.push(given)}`;
  const source = sourceOf(search, subscriptions, value);
  const conditions = conditionsOf(search, subscriptions, value);
  const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  const limit = value(search.limit + 1);
  // One statement, so that the end of the reading is that of the same rows. The second part is evaluated only when the
  // first one has found too few.
  const { rows } = await store.pool.query<DeliveryRow & { id: string | null; last: string | null }>(
    `WITH found AS MATERIALIZED (
       SELECT * FROM (${source('*')} ORDER BY id DESC LIMIT ${MAX_READ}) read ${where} ORDER BY id DESC LIMIT ${limit}
     )
     SELECT found.*, ends.last FROM (
       SELECT CASE WHEN (SELECT count(*) FROM found) < ${limit}
                   THEN (SELECT id FROM (${source('id')}) read ORDER BY id DESC OFFSET ${MAX_READ - 1} LIMIT 1) END AS last
     ) ends
     LEFT JOIN found ON true ORDER BY found.id DESC`,
    values,
  );
  const last = onlyRow({ rows })?.last ?? null;
  const deliveries = rows.flatMap((row) => (row.id === null ? [] : [toDelivery(row)]));
  if (deliveries.length <= search.limit) return { deliveries, nextBeforeId: last, isCut: last !== null };
  const shown = deliveries.slice(0, search.limit);
  return { deliveries: shown, nextBeforeId: shown.at(-1)!.id, isCut: false };
}

/** The deliveries that are read, as a query of these columns: those of an index. */
function sourceOf(
  { id, accountId, eventId, batchId, orderingKey, state, fromId, beforeId }: DeliverySearch,
  subscriptions: readonly string[] | undefined,
  value: (given: unknown) => string,
): (columns: string) => string {
  const conditions = [
    ...equal('id', id, value),
    ...equal('account_id', accountId, value),
    ...equal('event_id', eventId, value),
    ...(eventId === undefined ? [] : [`id >= ${value(deliveriesFrom(eventId))}`]),
    ...equal('batch_id', batchId, value),
    ...equal('ordering_key', orderingKey, value),
    ...equal('state', state, value),
    ...(fromId === undefined ? [] : [`id >= ${value(fromId)}`]),
    ...(beforeId === undefined ? [] : [`id < ${value(beforeId)}`]),
  ];
  const read = (columns: string, own: readonly string[]): string =>
    `SELECT ${columns} FROM deliveries ${own.length > 0 ? `WHERE ${own.join(' AND ')}` : ''}`;
  if (subscriptions === undefined || subscriptions.length > MAX_MERGED) return (columns) => read(columns, conditions);
  // As one list they could not be read in the sequence of their ids.
  const each = subscriptions.map((subscriptionId) => [`subscription_id = ${value(subscriptionId)}`, ...conditions]);
  return (columns) => each.map((own) => read(columns, own)).join(' UNION ALL ');
}

/** The conditions on the deliveries that were read. */
function conditionsOf(
  { eventType, provider, minStatus, maxStatus, reason, text }: DeliverySearch,
  subscriptions: readonly string[] | undefined,
  value: (given: unknown) => string,
): string[] {
  const isMerged = subscriptions === undefined || subscriptions.length <= MAX_MERGED;
  return [
    ...equal('event_type', eventType, value),
    ...equal('provider', provider, value),
    ...(minStatus === undefined ? [] : [`last_status >= ${value(minStatus)}`]),
    ...(maxStatus === undefined ? [] : [`last_status <= ${value(maxStatus)}`]),
    ...equal('last_reason', reason, value),
    ...(isMerged ? [] : [`subscription_id = ANY(${value(subscriptions)})`]),
    ...(text === undefined ? [] : [`(${anyOf(text, value)})`]),
  ];
}

function anyOf(
  { inType, subscriptionIds, accountIds, eventIds }: DeliveryText,
  value: (given: unknown) => string,
): string {
  return [
    `strpos(lower(event_type), ${value(inType.toLowerCase())}) > 0`,
    ...(subscriptionIds.length > 0 ? [`subscription_id = ANY(${value(subscriptionIds)})`] : []),
    ...(accountIds.length > 0 ? [`account_id = ANY(${value(accountIds)})`] : []),
    ...(eventIds.length > 0 ? [`event_id = ANY(${value(eventIds)})`] : []),
  ].join(' OR ');
}

function equal(column: string, given: string | undefined, value: (given: unknown) => string): string[] {
  return given === undefined ? [] : [`${column} = ${value(given)}`];
}

/** What is in all lists; undefined when there is none. */
function intersection(lists: readonly (readonly string[])[] | undefined): readonly string[] | undefined {
  if (!lists || lists.length === 0) return undefined;
  return lists.reduce((both, list) => {
    const other = new Set(list);
    return both.filter((id) => other.has(id));
  });
}
