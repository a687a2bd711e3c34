/**
 * Converts Svix's EndpointIn, EndpointUpdate and EndpointPatch to the fields of `/v1`. Defaults are those of
 * svix-server (src/v1/endpoints/endpoint/mod.rs); `headers` and a secret without prefix are in codegen/lib-openapi.json
 * of the same repository, and the rules for headers are in src/core/types/mod.rs. Older clients send `filterTypes` and
 * `rateLimit`, newer ones `eventTypes` and `throttleRate`.
 */
import type { SubscriptionBody } from '../../registration.js';
import { uint16 } from '../fields.js';
import { eventTypesName, unreadableBody, validationError, type RequestFields } from './errors.js';

type Headers = Readonly<Record<string, string>>;

/** Prefixes of header names that Svix rejects (`FORBIDDEN_PREFIXES`). */
const FORBIDDEN = ['x-amz-', 'x-amzn-', 'x-google', 'x-goog-', 'x-gfe', 'x-azure-', 'x-fd-', 'x-svix-', 'svix-'];

/** Requires the body to be a JSON object. */
export function readObject(body: unknown): RequestFields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw unreadableBody('expected a JSON object');
  return body as RequestFields;
}

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

function checkPrefixes(headers: unknown): void {
  for (const name of Object.keys(headers ?? {})) {
    if (FORBIDDEN.some((prefix) => name.toLowerCase().startsWith(prefix))) {
      throw validationError(['body', 'headers', name], 'Header starts with a forbidden prefix.');
    }
  }
}

/** The headers of a request that replaces all of them. */
export function replacedHeaders(body: unknown): unknown {
  const { headers } = readObject(body);
  if (headers === undefined || headers === null) throw validationError(['body', 'headers'], 'is missing');
  checkPrefixes(headers);
  return headers;
}

/** Sets some headers and removes others by null or by `deleteHeaders`. Names are case insensitive. */
export function patchedHeaders(previous: Headers, body: unknown): Record<string, unknown> {
  const { headers = {}, deleteHeaders = [] } = readObject(body);
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw validationError(['body', 'headers'], 'must be an object');
  }
  if (!Array.isArray(deleteHeaders) || !deleteHeaders.every((name) => typeof name === 'string')) {
    throw validationError(['body', 'deleteHeaders'], 'must be a list of names');
  }
  checkPrefixes(headers);
  const named = new Set([...Object.keys(headers), ...deleteHeaders].map((name) => name.toLowerCase()));
  const unchanged = Object.entries(previous).filter(([name]) => !named.has(name.toLowerCase()));
  const set = Object.entries(headers).filter(([, value]) => value !== null);
  return Object.fromEntries<unknown>([...unchanged, ...set]);
}
