/** An endpoint's custom headers: svix-server, src/v1/endpoints/endpoint/mod.rs and src/core/types/mod.rs. */
import { readObject, validationError } from './svix-error.js';

type Headers = Readonly<Record<string, string>>;

/** Prefixes of header names that Svix rejects (`FORBIDDEN_PREFIXES`). */
const FORBIDDEN = ['x-amz-', 'x-amzn-', 'x-google', 'x-goog-', 'x-gfe', 'x-azure-', 'x-fd-', 'x-svix-', 'svix-'];

/** Headers whose values are hidden (`SENSITIVE_HEADERS`). */
const SENSITIVE = new Set([
  'x-auth-token',
  'x-api-key',
  'www-authenticate',
  'authorization',
  'proxy-authenticate',
  'proxy-authorization',
]);

export function checkPrefixes(headers: unknown): void {
  for (const name of Object.keys(headers ?? {})) {
    if (FORBIDDEN.some((prefix) => name.toLowerCase().startsWith(prefix))) {
      throw validationError(['body', 'headers', name], 'Header starts with a forbidden prefix.');
    }
  }
}

/** Whether the API hides a value, such as that of `headers.Authorization`. */
export function isHidden(path: string): boolean {
  return isSensitive(path.replace(/^headers\./, ''));
}

function isSensitive(name: string): boolean {
  return SENSITIVE.has(name.toLowerCase());
}

/** Headers for a response, with hidden values omitted. */
export function showHeaders(headers: Headers): { headers: Headers; sensitive: string[] } {
  return {
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !isSensitive(name))),
    sensitive: Object.keys(headers).filter(isSensitive),
  };
}

/** Replaces all headers. */
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
