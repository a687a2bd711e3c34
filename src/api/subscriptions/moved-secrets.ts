/**
 * Values of headers and credentials are masked when they are read, so the caller of an edit need not know them. An edit
 * that moves the address to another origin must therefore name them again: else it could have them sent to anyone. An
 * edit that sets them must find the address at the origin where its caller saw it. Signing secrets are not sent and stay.
 */
import { isMasked } from '../../contract/mask.js';
import type { Subscription } from '../../contract/entities.js';
import type { AnyContract } from '../../contract/types.js';
import { Problem } from '../../http/problem.js';
import type { IsHidden } from '../../providers/registration.js';

type Rules = AnyContract['subscriptions'];
type Body = Readonly<Record<string, unknown>>;

/** Every value is hidden, as in our own API. */
export const allHidden: IsHidden = () => true;

/**
 * Throws when an edit would send secrets to an origin that they were not given for. `seen` is the subscription as the
 * request found it, `current` as it is now, locked against other edits.
 */
export function refuseMovedSecrets(
  rules: Rules,
  { seen, current }: { readonly seen: Subscription; readonly current: Subscription },
  body: Body,
  isHidden: IsHidden,
): void {
  const url = typeof body.url === 'string' ? new URL(body.url) : undefined;
  if (!url) return refuseUnseenOrigin(rules, { seen, current }, body);
  if (url.origin === originOf(current)) return;
  const missing = keptValues(rules, current, body, { url, isHidden });
  if (missing.length === 0) return;
  const errors = missing.map((path) => ({
    path,
    message: `must be given again, or as ${path === 'headers' ? '{}' : 'null'}: the url leads to another origin, which would get its values`,
  }));
  throw new Problem('invalid_request', errors.map(({ path, message }) => `${path}: ${message}`).join('; '), errors);
}

function refuseUnseenOrigin(
  { credentialFields = [] }: Rules,
  { seen, current }: { readonly seen: Subscription; readonly current: Subscription },
  body: Body,
): void {
  const setsSecrets = !isEmpty(body.headers) || credentialFields.some((name) => !isEmpty(body[name]));
  if (!setsSecrets || originOf(seen) === originOf(current)) return;
  throw new Problem(
    'conflict',
    'another request has moved the subscription to another origin, which would get the values of this one; ' +
      'read the subscription and repeat the request if that is meant',
  );
}

/** The fields whose hidden values an edit would keep at another address. */
function keptValues(
  rules: Rules,
  current: Subscription,
  body: Body,
  { url, isHidden }: { readonly url: URL; readonly isHidden: IsHidden },
): string[] {
  const shown = rules.toPublic(current);
  const credentials = (rules.credentialFields ?? []).filter((name) => shown[name] != null && isHidden(name));
  const bringsOwn = url.username !== '' || url.password !== '';
  const hasHidden = Object.keys(current.headers).some((name) => isHidden(`headers.${name}`));
  return [
    ...(hasHidden && isKept(body.headers) ? ['headers'] : []),
    ...(bringsOwn ? [] : credentials.filter((name) => isKept(body[name]))),
  ];
}

function originOf({ url }: Subscription): string {
  return new URL(url).origin;
}

function isKept(value: unknown): boolean {
  return value === undefined || isMasked(value);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}
