/**
 * Svix's EndpointOut, EndpointHeadersOut and lists of endpoints: svix-server, src/v1/endpoints/endpoint/mod.rs,
 * src/core/types/mod.rs and src/v1/utils/mod.rs.
 */
import type { Request } from 'express';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Registrar } from '../../registration.js';
import type { Options } from '../fields.js';
import { invalidIterator, readPageQuery, toPage } from './paging.js';
import { isEndpoint } from './request.js';

type Headers = Readonly<Record<string, string>>;

/** Headers whose values are hidden (`SENSITIVE_HEADERS`). */
const SENSITIVE = new Set([
  'x-auth-token',
  'x-api-key',
  'www-authenticate',
  'authorization',
  'proxy-authenticate',
  'proxy-authorization',
]);

/** An endpoint for a response, with both the older and the newer names of its fields. */
export function toEndpointOut(subscription: StoredSubscription) {
  const { uid = null, version = 1, channels, metadata = {} } = subscription.options as Options;
  const { ratePerSecond } = subscription.limits;
  // Svix supports whole numbers only; `/v1` may have set a fraction.
  const rateLimit = ratePerSecond === undefined ? null : Math.max(Math.floor(ratePerSecond), 1);
  const eventTypes = orNull(subscription.eventTypes);
  return {
    description: subscription.description ?? '',
    rateLimit,
    throttleRate: rateLimit,
    uid,
    url: subscription.url,
    version,
    disabled: !subscription.enabled,
    eventTypes,
    filterTypes: eventTypes,
    channels: orNull(channels),
    createdAt: subscription.createdAt,
    updatedAt: subscription.updatedAt,
    id: subscription.reference,
    metadata,
  };
}

function orNull(list: readonly string[]): readonly string[] | null {
  return list.length === 0 ? null : list;
}

/** Whether the API hides a value, such as that of `headers.Authorization`. */
export function isHidden(path: string): boolean {
  return isSensitive(path.replace(/^headers\./, ''));
}

function isSensitive(name: string): boolean {
  return SENSITIVE.has(name.toLowerCase());
}

/** Headers for a response, with hidden values omitted. */
export function toHeadersOut(headers: Headers): { headers: Headers; sensitive: string[] } {
  return {
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !isSensitive(name))),
    sensitive: Object.keys(headers).filter(isSensitive),
  };
}

/**
 * A page of an account's endpoints, newest first by default. An iterator is the id to continue from, also after the
 * deletion of that endpoint.
 */
export async function listEndpoints(registrar: Registrar, account: StoredAccount, query: Request['query']) {
  const pageQuery = readPageQuery(query, /^ep_[a-zA-Z0-9]{1,64}$/);
  const { ascending, iterator } = pageQuery;
  const from = iterator === undefined ? undefined : await registrar.findPosition(account, iterator);
  if (iterator !== undefined && from === undefined) throw invalidIterator();
  const endpoints = (await registrar.list(account)).filter(isEndpoint);
  if (!ascending) endpoints.reverse();
  const ahead = from === undefined ? endpoints : endpoints.filter(({ id }) => (ascending ? id > from : id < from));
  const { page, ends } = toPage(ahead, pageQuery, ({ reference }) => reference);
  return { data: page.map(toEndpointOut), ...ends };
}
