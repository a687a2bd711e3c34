/**
 * Svix's EndpointIn, EndpointUpdate and EndpointPatch in the fields of `/v1`. Defaults are those of svix-server
 * (src/v1/endpoints/endpoint/mod.rs); `headers` and a secret without prefix are in codegen/lib-openapi.json of the same
 * repository. Older clients say `filterTypes` and `rateLimit` where newer ones say `eventTypes` and `throttleRate`.
 */
import type { SubscriptionBody } from '../registration.js';
import { checkPrefixes } from './endpoint-headers.js';
import { uint16 } from './fields.js';
import { validationError, type Given } from './svix-error.js';

/** A new endpoint. */
export function newEndpoint(given: Given): SubscriptionBody {
  checkPrefixes(given.headers);
  return { ...replacedEndpoint(given), headers: given.headers ?? undefined, secret: withPrefix(given.secret) };
}

/** An endpoint that is replaced: what is not named goes back to its default, headers and secret aside. */
export function replacedEndpoint(given: Given): SubscriptionBody {
  if (given.url === undefined) throw validationError(['body', 'url'], 'is missing');
  return {
    url: given.url,
    description: given.description ?? '',
    enabled: negated(given.disabled ?? false),
    eventTypes: nonEmpty(given, eventTypesName(given)) ?? [],
    channels: nonEmpty(given, 'channels') ?? [],
    uid: given.uid ?? null,
    ratePerSecond: throttle(given) ?? null,
    version: given.version ?? 1,
    metadata: given.metadata ?? {},
  };
}

/** An endpoint of which only what is named changes; null means none where there can be none. */
export function patchedEndpoint(given: Given): SubscriptionBody {
  const eventTypes = eventTypesName(given);
  const changes: Record<string, unknown> = {
    url: given.url,
    description: given.description,
    enabled: negated(given.disabled),
    eventTypes: given[eventTypes] === null ? [] : nonEmpty(given, eventTypes),
    channels: given.channels === null ? [] : nonEmpty(given, 'channels'),
    uid: given.uid,
    ratePerSecond: throttle(given),
    version: given.version,
    metadata: given.metadata === null ? {} : given.metadata,
    secret: withPrefix(given.secret),
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

/** What a body calls a field of `/v1`. */
export function nativeName(name: string, body: unknown): string {
  const given = (body ?? {}) as Given;
  if (name === 'enabled') return 'disabled';
  if (name === 'eventTypes') return eventTypesName(given);
  return name;
}

function eventTypesName(given: Given): string {
  return given.eventTypes === undefined && given.filterTypes !== undefined ? 'filterTypes' : 'eventTypes';
}

/** Messages per second at most, which is what `/v1` calls a rate; null for any number. */
function throttle(given: Given): unknown {
  const name = given.throttleRate === undefined ? 'rateLimit' : 'throttleRate';
  const rate = given[name];
  if (rate !== undefined && !uint16.nullable().safeParse(rate).success) {
    throw validationError(['body', name], 'must be a whole number from 1 to 65535, or null');
  }
  return rate;
}

/** A list without repetitions, which is all or null rather than empty. */
function nonEmpty(given: Given, name: string): unknown {
  const list = given[name];
  if (!Array.isArray(list)) return list ?? undefined;
  if (list.length === 0) throw validationError(['body', name], `${name} must have at least one item, or be null`);
  return [...new Set(list as unknown[])];
}

function negated(disabled: unknown): unknown {
  return typeof disabled === 'boolean' ? !disabled : disabled;
}

/** A secret may come as bare base64; null asks for one to be made, or for the old one to stay. */
export function withPrefix(secret: unknown): unknown {
  if (secret === null) return undefined;
  return typeof secret === 'string' && /^[a-zA-Z0-9+/=]{32,100}$/.test(secret) ? `whsec_${secret}` : secret;
}
