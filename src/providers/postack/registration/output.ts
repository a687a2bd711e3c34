/**
 * Svix's EndpointOut, EndpointHeadersOut and lists of endpoints: svix-server, src/v1/endpoints/endpoint/mod.rs,
 * src/core/types/mod.rs and src/v1/utils/mod.rs.
 */
import type { Request } from 'express';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../../store/subscriptions/subscriptions.js';
import type { Registrar } from '../../registration.js';
import type { Options } from '../fields.js';
import { svixError, validationError } from './errors.js';

type Headers = Readonly<Record<string, string>>;

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 250;

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
 * A page of an account's endpoints, newest first by default. Parameters are `limit`, `order`, and an `iterator`, which
 * is the id to continue from; a hyphen before it means backwards.
 */
export async function listEndpoints(registrar: Registrar, account: StoredAccount, query: Request['query']) {
  const limit = readLimit(query.limit);
  const isAscending = readOrder(query.order) === 'ascending';
  const from = await readIterator(registrar, account, query.iterator);
  const goesUp = isAscending !== (from?.isBack ?? false);

  const endpoints = await registrar.list(account);
  if (!goesUp) endpoints.reverse();
  const ahead = from ? endpoints.filter(({ id }) => (goesUp ? id > from.id : id < from.id)) : endpoints;
  const page = ahead.slice(0, limit);
  if (from?.isBack) page.reverse();

  const [first, last] = [page[0], page.at(-1)];
  return {
    data: page.map(toEndpointOut),
    iterator: last?.reference ?? null,
    ...(first ? { prevIterator: `-${first.reference}` } : {}),
    done: ahead.length <= limit,
  };
}

function readLimit(input: unknown): number {
  if (input === undefined) return DEFAULT_LIMIT;
  if (typeof input !== 'string' || !/^\d{1,15}$/.test(input)) throw badQuery('limit: expected a whole number');
  const limit = Number(input);
  if (limit > MAX_LIMIT) throw validationError(['query', 'limit'], `Given limit must not exceed ${MAX_LIMIT}`);
  if (limit < 1) throw validationError(['query', 'limit'], 'Given limit must be at least 1');
  return limit;
}

function readOrder(input: unknown): 'ascending' | 'descending' {
  if (input === undefined) return 'descending';
  if (input === 'ascending' || input === 'descending') return input;
  throw badQuery('order: expected `ascending` or `descending`');
}

/** The endpoint that an iterator names, also after its deletion. */
async function readIterator(registrar: Registrar, account: StoredAccount, input: unknown) {
  if (input === undefined) return undefined;
  const [, back, reference] = /^(-?)(ep_[a-zA-Z0-9]{1,64})$/.exec(typeof input === 'string' ? input : '') ?? [];
  const id = reference && (await registrar.findPosition(account, reference));
  if (!id) throw validationError(['query', 'iterator'], 'Invalid iterator');
  return { id, isBack: back === '-' };
}

/** The error for an unreadable query; unlike for a value out of bounds, svix-server responds with 400. */
function badQuery(detail: string) {
  return svixError(400, 'generic_error', `Failed to deserialize query string: ${detail}`);
}
