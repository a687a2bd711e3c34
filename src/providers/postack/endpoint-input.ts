/**
 * Converts Svix's EndpointIn, EndpointUpdate and EndpointPatch to the fields of `/v1`. Defaults are those of svix-server
 * (src/v1/endpoints/endpoint/mod.rs); `headers` and a secret without prefix are in codegen/lib-openapi.json of the same
 * repository. Older clients send `filterTypes` and `rateLimit`, newer ones `eventTypes` and `throttleRate`.
 */
import type { SubscriptionBody } from '../registration.js';
import { checkPrefixes } from './endpoint-headers.js';
import { uint16 } from './fields.js';
import { validationError, type RequestFields } from './svix-error.js';

/** Fields of a new endpoint. */
export function newEndpoint(input: RequestFields): SubscriptionBody {
  checkPrefixes(input.headers);
  return { ...replacedEndpoint(input), headers: input.headers ?? undefined, secret: withPrefix(input.secret) };
}

/** Fields of a replaced endpoint: an omitted field is reset to its default, except headers and secret. */
export function replacedEndpoint(input: RequestFields): SubscriptionBody {
  if (input.url === undefined) throw validationError(['body', 'url'], 'is missing');
  return {
    url: input.url,
    description: input.description ?? '',
    enabled: negated(input.disabled ?? false),
    eventTypes: nonEmpty(input, eventTypesName(input)) ?? [],
    channels: nonEmpty(input, 'channels') ?? [],
    uid: input.uid ?? null,
    ratePerSecond: throttle(input) ?? null,
    version: input.version ?? 1,
    metadata: input.metadata ?? {},
  };
}

/** Fields of a patched endpoint: omitted fields stay unchanged; null resets a field where that is possible. */
export function patchedEndpoint(input: RequestFields): SubscriptionBody {
  const eventTypes = eventTypesName(input);
  const changes: Record<string, unknown> = {
    url: input.url,
    description: input.description,
    enabled: negated(input.disabled),
    eventTypes: input[eventTypes] === null ? [] : nonEmpty(input, eventTypes),
    channels: input.channels === null ? [] : nonEmpty(input, 'channels'),
    uid: input.uid,
    ratePerSecond: throttle(input),
    version: input.version,
    metadata: input.metadata === null ? {} : input.metadata,
    secret: withPrefix(input.secret),
  };
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

/** The name of a `/v1` field in a request body. */
export function nativeName(name: string, body: unknown): string {
  const input = (body ?? {}) as RequestFields;
  if (name === 'enabled') return 'disabled';
  if (name === 'eventTypes') return eventTypesName(input);
  return name;
}

function eventTypesName(input: RequestFields): string {
  return input.eventTypes === undefined && input.filterTypes !== undefined ? 'filterTypes' : 'eventTypes';
}

/** Maximum messages per second, the rate of `/v1`; null means no limit. */
function throttle(input: RequestFields): unknown {
  const name = input.throttleRate === undefined ? 'rateLimit' : 'throttleRate';
  const rate = input[name];
  if (rate !== undefined && !uint16.nullable().safeParse(rate).success) {
    throw validationError(['body', name], 'must be a whole number from 1 to 65535, or null');
  }
  return rate;
}

/** A list without duplicates; null, not an empty list, means all. */
function nonEmpty(input: RequestFields, name: string): unknown {
  const list = input[name];
  if (!Array.isArray(list)) return list ?? undefined;
  if (list.length === 0) throw validationError(['body', name], `${name} must have at least one item, or be null`);
  return [...new Set(list as unknown[])];
}

function negated(disabled: unknown): unknown {
  return typeof disabled === 'boolean' ? !disabled : disabled;
}

/** A secret may have no prefix; null requests a generated secret on creation and no change on an edit. */
export function withPrefix(secret: unknown): unknown {
  if (secret === null) return undefined;
  return typeof secret === 'string' && /^[a-zA-Z0-9+/=]{32,100}$/.test(secret) ? `whsec_${secret}` : secret;
}
