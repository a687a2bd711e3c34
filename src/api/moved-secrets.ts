/**
 * Values of headers and credentials are masked when they are read, so whoever edits a subscription need not know them.
 * An edit that moves its address to another origin must therefore name them again: else it could have them sent to
 * anyone. Signing secrets are not sent and stay.
 */
import { isMasked } from '../contract/mask.js';
import type { AnyContract, Subscription } from '../contract/types.js';
import { Problem } from './problem.js';

/** Throws a problem that names the fields to give again, when an edit would send kept secrets to another origin. */
export function refuseMovedSecrets(
  { subscriptions: rules }: AnyContract,
  previous: Subscription,
  body: Readonly<Record<string, unknown>>,
): void {
  if (typeof body.url !== 'string') return;
  const url = new URL(body.url);
  if (url.origin === new URL(previous.url).origin) return;
  const shown = rules.show(previous);
  const ownSecrets = (rules.credentialFields ?? []).filter((name) => shown[name] != null);
  const bringsOwn = url.username !== '' || url.password !== '';
  const missing = [
    ...(Object.keys(previous.headers).length > 0 && isKept(body.headers) ? ['headers'] : []),
    ...(bringsOwn ? [] : ownSecrets.filter((name) => isKept(body[name]))),
  ];
  if (missing.length === 0) return;
  const errors = missing.map((path) => ({
    path,
    message: `must be given again, or as ${path === 'headers' ? '{}' : 'null'}: the url leads to another origin, which would get its values`,
  }));
  throw new Problem('invalid_request', errors.map(({ path, message }) => `${path}: ${message}`).join('; '), errors);
}

function isKept(value: unknown): boolean {
  return value === undefined || isMasked(value);
}
