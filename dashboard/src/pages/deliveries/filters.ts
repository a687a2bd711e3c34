/** Which deliveries a list shows; the address holds it, so that a list can be bookmarked and sent to someone. */
import type { paths } from '../../../../src/client/generated.js';
import type { Delivery, DeliveryState } from '../../api/shapes.js';

type Query = NonNullable<paths['/v1/deliveries']['get']['parameters']['query']>;

/** In the order in which a delivery may go through them. */
export const states = [
  'pending',
  'retrying',
  'paused',
  'delivered',
  'failed',
  'cancelled',
] as const satisfies DeliveryState[];

/** Every filter by its name in the address, which is the API's. Times are ISO 8601. */
export const filterNames = [
  'state',
  'type',
  'provider',
  'accountId',
  'subscriptionId',
  'eventId',
  'host',
  'status',
  'reason',
  'q',
  'from',
  'to',
] as const satisfies (keyof Query)[];

export type FilterName = (typeof filterNames)[number];
export type Filters = Readonly<Partial<Record<FilterName, string>>>;

/** The filters of an address; anything else in it is left alone. */
export function readFilters(search: URLSearchParams): Filters {
  const given = filterNames.flatMap((name) => {
    const value = search.get(name)?.trim();
    return value && isPossible(name, value) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

/** A link to the list with these filters. */
export function listAddress(filters: Filters): string {
  const given = filterNames.flatMap((name) => (filters[name] ? [[name, filters[name]] as const] : []));
  const search = new URLSearchParams(Object.fromEntries(given)).toString();
  return search ? `/deliveries?${search}` : '/deliveries';
}

/** The filters as the API takes them. */
export function toQuery(filters: Filters): Query {
  return filters as Query;
}

/** Whether a delivery belongs to the list. */
export function matches(delivery: Delivery, { state, from, to, host, status, reason, q, ...equal }: Filters): boolean {
  const created = Date.parse(delivery.createdAt);
  return (
    // What a text matches, only the API knows.
    q === undefined &&
    (host === undefined || hostOf(delivery.url) === hostOf(host)) &&
    (status === undefined || isStatus(delivery.lastStatus, status)) &&
    (reason === undefined || delivery.lastReason === reason) &&
    (state === undefined || delivery.state === state) &&
    (from === undefined || created >= Date.parse(from)) &&
    (to === undefined || created < Date.parse(to)) &&
    Object.entries(equal).every(([name, value]) => delivery[name as keyof typeof equal] === value)
  );
}

/** The host name of a URL, or of a host with or without a port. */
function hostOf(text: string | null): string | undefined {
  if (text === null) return undefined;
  return URL.parse(text.includes('://') ? text : `http://${text}`)?.hostname;
}

/** Whether a status is the one of a filter such as `503`, or in its class such as `5xx`. */
function isStatus(status: number | null, filter: string): boolean {
  return status !== null && (filter.endsWith('xx') ? filter[0] === String(status)[0] : filter === String(status));
}

/** Whether there are filters that jobs do not have. */
export function isBeyondJobs({ host, status, reason, q }: Filters): boolean {
  return [host, status, reason, q].some((value) => value !== undefined);
}

function isPossible(name: FilterName, value: string): boolean {
  if (name === 'state') return (states as readonly string[]).includes(value);
  if (name === 'from' || name === 'to') return !Number.isNaN(Date.parse(value));
  return true;
}
