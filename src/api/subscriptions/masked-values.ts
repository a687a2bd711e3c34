/**
 * Values of headers and credentials are shown as `***`. A caller that writes them back unchanged means the stored
 * values, never three asterisks.
 *
 * The caller of an edit may not know the values. An edit that moves the URL to another origin must therefore send them
 * again; otherwise the caller could have them sent to any host. An edit that sets them fails if the origin changed
 * since the caller read it. Signing secrets are not sent and are kept.
 */
import { isDeepStrictEqual } from 'node:util';
import { isMasked, MASK } from '../../contract/mask.js';
import type { Subscription } from '../../contract/entities.js';
import type { AnyContract } from '../../contract/types.js';
import { invalidField, Problem } from '../../http/problem.js';
import type { IsHidden } from '../../providers/registration.js';

type Rules = AnyContract['subscriptions'];
type Body = Readonly<Record<string, unknown>>;

interface Given {
  readonly headers?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** Replaces masked values in a request by the stored ones. Throws a problem for a masked value without a stored one. */
export function unmasked<Fields extends Given>(given: Fields, rules: Rules, previous?: Subscription): Fields {
  const result: Record<string, unknown> = { ...given };
  if (given.headers) result.headers = unmaskedHeaders(given.headers, previous?.headers ?? {});
  const shown = previous ? rules.toPublic(previous) : {};
  for (const name of (rules.credentialFields ?? []).filter((field) => isMasked(given[field]))) {
    if (!isDeepStrictEqual(given[name], shown[name])) throw noStoredValue(name);
    delete result[name];
  }
  return result as Fields;
}

function unmaskedHeaders(
  given: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, string>>,
): Record<string, string> {
  const values = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  const entries = Object.entries(given).map(([name, value]) => {
    const unmaskedValue = value === MASK ? values.get(name.toLowerCase()) : value;
    if (unmaskedValue === undefined) throw noStoredValue(`headers.${name}`);
    return [name, unmaskedValue] as const;
  });
  return Object.fromEntries(entries);
}

function noStoredValue(path: string): Error {
  return invalidField(path, `${MASK} stands for the stored value, but none is stored; send the value`);
}

/** All values are masked, as in our own API. */
export const allHidden: IsHidden = () => true;

/**
 * Throws when an edit would send secrets to an origin for which they were not given. `seen` is the subscription when
 * the request began, `current` is the current one, locked against other edits.
 */
export function rejectMovedSecrets(
  rules: Rules,
  { seen, current }: { readonly seen: Subscription; readonly current: Subscription },
  body: Body,
  isHidden: IsHidden,
): void {
  const url = typeof body.url === 'string' ? new URL(body.url) : undefined;
  if (!url) return rejectUnseenOrigin(rules, { seen, current }, body);
  if (url.origin === originOf(current)) return;
  const missing = keptValues(rules, current, body, { url, isHidden });
  if (missing.length === 0) return;
  const errors = missing.map((path) => ({
    path,
    message: `must be sent again, or as ${path === 'headers' ? '{}' : 'null'}: the url has another origin, which would receive its values`,
  }));
  throw new Problem('invalid_request', errors.map(({ path, message }) => `${path}: ${message}`).join('; '), errors);
}

function rejectUnseenOrigin(
  { credentialFields = [] }: Rules,
  { seen, current }: { readonly seen: Subscription; readonly current: Subscription },
  body: Body,
): void {
  const setsSecrets = !isEmpty(body.headers) || credentialFields.some((name) => !isEmpty(body[name]));
  if (!setsSecrets || originOf(seen) === originOf(current)) return;
  throw new Problem(
    'conflict',
    'another request has moved the subscription to another origin, which would receive the values of this request; ' +
      'read the subscription and repeat the request if that is intended',
  );
}

/** The fields whose masked values an edit would keep at another origin. */
function keptValues(
  rules: Rules,
  current: Subscription,
  body: Body,
  { url, isHidden }: { readonly url: URL; readonly isHidden: IsHidden },
): string[] {
  const shown = rules.toPublic(current);
  const credentials = (rules.credentialFields ?? []).filter((name) => shown[name] != null && isHidden(name));
  const hasOwnCredentials = url.username !== '' || url.password !== '';
  const hasHidden = Object.keys(current.headers).some((name) => isHidden(`headers.${name}`));
  return [
    ...(hasHidden && isKept(body.headers) ? ['headers'] : []),
    ...(hasOwnCredentials ? [] : credentials.filter((name) => isKept(body[name]))),
  ];
}

function originOf({ url }: Subscription): string {
  // A subscription that is polled has no URL.
  return url === '' ? '' : new URL(url).origin;
}

function isKept(value: unknown): boolean {
  return value === undefined || isMasked(value);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}
