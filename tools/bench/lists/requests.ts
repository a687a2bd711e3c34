/** The requests of all lists of the API, which are those of the dashboard and of the customer portal as well. */

/** What the requests are about. */
export interface Subjects {
  /** The account with most of the deliveries. */
  readonly large: { readonly accountId: string; readonly subscriptionId: string };
  readonly small: { readonly accountId: string; readonly subscriptionId: string };
  readonly provider: string;
  /** The host of many subscriptions, and that of one. */
  readonly commonHost: string;
  readonly rareHost: string;
  readonly eventId: string;
  readonly deliveryId: string;
  /** A cursor of a late page of accounts. */
  readonly lateAccounts: string;
  readonly lateDeliveries: string;
  readonly lateEvents: string;
}

export interface ListRequest {
  /** As in the OpenAPI document. */
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** What is special about it. */
  readonly about: string;
}

/** A text that is in nothing, so that everything is searched that a search reads. */
const NOWHERE = 'is-in-nothing';
const limit = '100';

/** All requests of an operator. */
export function requestsOf(subjects: Subjects): ListRequest[] {
  return [
    ...deliveriesOf(subjects),
    ...eventsOf(subjects),
    ...receiversOf(subjects),
    ...searchesOf(subjects),
    ...reportsOf(subjects),
    ...recordsOf(subjects),
  ];
}

function deliveriesOf(subjects: Subjects): ListRequest[] {
  const { large, small, provider, commonHost, rareHost, eventId, deliveryId, lateDeliveries } = subjects;
  const { accountId } = large;
  const list = (about: string, query: Readonly<Record<string, string>> = {}): ListRequest => ({
    path: '/v1/deliveries',
    query: { limit, ...query },
    about,
  });
  return [
    list('all'),
    list('all, a late page', { cursor: lateDeliveries }),
    list('of the large account', { accountId }),
    list('of a small account', { accountId: small.accountId }),
    list('of the large subscription', { subscriptionId: large.subscriptionId }),
    list('of a small subscription', { subscriptionId: small.subscriptionId }),
    ...['pending', 'retrying', 'paused', 'delivered', 'failed', 'cancelled'].map((state) => list(state, { state })),
    list('failed ones of the large account', { accountId, state: 'failed' }),
    list('failed ones of a small account', { accountId: small.accountId, state: 'failed' }),
    list('retrying ones of a small account', { accountId: small.accountId, state: 'retrying' }),
    list('paused ones of the large account', { accountId, state: 'paused' }),
    list('of a host with many subscriptions', { host: commonHost }),
    list('of a host with one subscription', { host: rareHost }),
    list('failed ones of a host with many subscriptions', { host: commonHost, state: 'failed' }),
    list('with a status that many have', { status: '5xx' }),
    list('with a status that none has', { status: '418' }),
    list('with a reason that some have', { reason: 'timeout' }),
    list('with a reason that none has', { reason: 'tls' }),
    list('with a reason that none has, of the large account', { accountId, reason: 'tls' }),
    list('of an event type', { type: 'user.created' }),
    list('of an event type that none has', { type: 'none' }),
    list('of a provider', { provider }),
    list('of a provider that none has', { provider: 'none' }),
    list('of an event', { eventId }),
    list('with an ordering key that none has, of the large account', { accountId, orderingKey: 'none' }),
    list('with a text that is in all payloads', { q: 'someone@example.com' }),
    list('with a text that is in nothing', { q: NOWHERE }),
    list('with a text that is in nothing, of the large account', { accountId, q: NOWHERE }),
    list('with a part of the names of all accounts', { q: 'Customer' }),
    list('with the id of a delivery', { q: deliveryId }),
    list('with the id of an account', { q: accountId }),
    list('of a day', { from: new Date(Date.now() - 15 * 86_400_000).toISOString(), to: daysAgo(14) }),
  ];
}

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();

function eventsOf({ large, small, eventId, lateEvents }: Subjects): ListRequest[] {
  const { accountId } = large;
  const list = (about: string, query: Readonly<Record<string, string>> = {}): ListRequest => ({
    path: '/v1/events',
    query: { limit, ...query },
    about,
  });
  return [
    list('all'),
    list('all, a late page', { cursor: lateEvents }),
    list('of the large account', { accountId }),
    list('of a small account', { accountId: small.accountId }),
    list('undelivered', { undelivered: 'true' }),
    list('undelivered, before the outage', { undelivered: 'true', to: daysAgo(3) }),
    list('undelivered, of the large account', { accountId, undelivered: 'true' }),
    list('undelivered, of a small account', { accountId: small.accountId, undelivered: 'true' }),
    list('of a type that none has', { type: 'none' }),
    list('of a type that none has, of the large account', { accountId, type: 'none' }),
    list('with a text that is in nothing', { q: NOWHERE }),
    list('with a text that is in nothing, of the large account', { accountId, q: NOWHERE }),
    list('with an id', { q: eventId }),
    { path: '/v1/accounts/{id}/events', params: { id: accountId }, query: { limit }, about: 'of the large account' },
  ];
}

function receiversOf({ large, small, provider, commonHost, lateAccounts }: Subjects): ListRequest[] {
  const accounts = (about: string, query: Readonly<Record<string, string>> = {}): ListRequest => ({
    path: '/v1/accounts',
    query: { limit, ...query },
    about,
  });
  const subscriptions = (about: string, query: Readonly<Record<string, string>> = {}): ListRequest => ({
    path: '/v1/subscriptions',
    query: { limit, ...query },
    about,
  });
  const ofLarge = { id: large.subscriptionId };
  return [
    accounts('all'),
    accounts('all, a late page', { cursor: lateAccounts }),
    accounts('by a part of the name that all have', { q: 'customer' }),
    accounts('by the name of one', { q: 'Customer 17 Ltd' }),
    accounts('by your own id of one', { q: 'cust_17' }),
    accounts('by a text that none has', { q: NOWHERE }),
    accounts('of a provider', { provider }),
    subscriptions('all, with health'),
    ...['enabled', 'disabled', 'paused', 'failing'].map((condition) => subscriptions(condition, { condition })),
    subscriptions('of a host with many', { host: commonHost }),
    subscriptions('by a part of the URL that one has', { q: 'hooks-17.customer' }),
    subscriptions('by a text that none has', { q: NOWHERE }),
    subscriptions('of a provider', { provider }),
    subscriptions('of a small account', { accountId: small.accountId }),
    { path: '/v1/accounts/{id}/subscriptions', params: { id: large.accountId }, about: 'of the large account' },
    { path: '/v1/subscriptions/{id}/ordering', params: ofLarge, query: { limit }, about: 'of the large subscription' },
    { path: '/v1/subscriptions/{id}/recoveries', params: ofLarge, about: 'from Temporal' },
    { path: '/v1/accounts/{id}/portal-links', params: { id: large.accountId }, query: { limit }, about: '' },
  ];
}

function searchesOf({ large, eventId, deliveryId }: Subjects): ListRequest[] {
  const search = (about: string, query: Readonly<Record<string, string>>): ListRequest => ({
    path: '/v1/search',
    query,
    about,
  });
  return [
    search('a text that is in everything', { q: 'customer' }),
    search('a text that is in all payloads', { q: 'someone@example.com' }),
    search('a text that is in nothing', { q: NOWHERE }),
    search('a text that is in nothing, of the large account', { q: NOWHERE, accountId: large.accountId }),
    search('the id of an event', { q: eventId }),
    search('the id of a delivery', { q: deliveryId }),
    search('the id of an account', { q: large.accountId }),
    search('the id of a subscription', { q: large.subscriptionId }),
  ];
}

function reportsOf({ large, small, provider }: Subjects): ListRequest[] {
  const scopes: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['of everything', {}],
    ['of a provider', { provider }],
    ['of the large account', { accountId: large.accountId }],
    ['of a small account', { accountId: small.accountId }],
    ['of the large subscription', { subscriptionId: large.subscriptionId }],
  ];
  const windows: readonly (readonly [string, string])[] = [
    ['1h', 'an hour'],
    ['24h', 'a day'],
    ['7d', 'a week'],
    ['30d', '30 days'],
  ];
  return [
    ...scopes.flatMap(([scope, query]) =>
      windows.map(([window, title]) => ({
        path: '/v1/overview',
        query: { window, ...query },
        about: `${title} ${scope}`,
      })),
    ),
    { path: '/v1/attention', about: 'of everything' },
    { path: '/v1/attention', query: { accountId: large.accountId }, about: 'of the large account' },
    { path: '/v1/attention', query: { accountId: small.accountId }, about: 'of a small account' },
  ];
}

function recordsOf({ large, small, deliveryId }: Subjects): ListRequest[] {
  const list = (path: string, about: string, query: Readonly<Record<string, string>> = {}): ListRequest => ({
    path,
    query: { limit, ...query },
    about,
  });
  return [
    list('/v1/jobs', 'all'),
    list('/v1/alerts', 'all'),
    list('/v1/alerts', 'open ones', { open: 'true' }),
    list('/v1/alerts', 'of a small account', { accountId: small.accountId }),
    { path: '/v1/alert-rules', about: '' },
    list('/v1/audit', 'all'),
    list('/v1/audit', 'of the large account', { accountId: large.accountId }),
    list('/v1/audit', 'of a small account', { accountId: small.accountId }),
    list('/v1/audit', 'of a delivery', { objectId: deliveryId }),
    list('/v1/audit', 'with an action that none has', { action: 'none' }),
    list('/v1/broadcasts', 'all'),
    list('/v1/erasures', 'all'),
    list('/v1/erasures', 'of a small account', { accountId: small.accountId }),
    list('/v1/event-types', '2,000'),
    { path: '/v1/keys', about: '' },
    { path: '/v1/contracts', about: '' },
  ];
}
