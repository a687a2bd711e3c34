/**
 * Values of headers and credentials are shown as `***`. Whoever writes a subscription back as it was read means them to
 * stay, and never to be three asterisks.
 */
import { isDeepStrictEqual } from 'util';
import { isMasked, MASK } from '../../contract/mask.js';
import type { Subscription } from '../../contract/entities.js';
import type { AnyContract } from '../../contract/types.js';
import { invalidField } from '../../http/problem.js';

interface Given {
  readonly headers?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** What a request means: masked values are those that are stored. Throws a problem where there is none to stay. */
export function unmasked<Fields extends Given>(
  given: Fields,
  rules: AnyContract['subscriptions'],
  previous?: Subscription,
): Fields {
  const meant: Record<string, unknown> = { ...given };
  if (given.headers) meant.headers = unmaskedHeaders(given.headers, previous?.headers ?? {});
  const shown = previous ? rules.toPublic(previous) : {};
  for (const name of (rules.credentialFields ?? []).filter((field) => isMasked(given[field]))) {
    if (!isDeepStrictEqual(given[name], shown[name])) throw nothingToKeep(name);
    delete meant[name];
  }
  return meant as Fields;
}

function unmaskedHeaders(
  given: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, string>>,
): Record<string, string> {
  const values = new Map(Object.entries(stored).map(([name, value]) => [name.toLowerCase(), value]));
  const entries = Object.entries(given).map(([name, value]) => {
    const meant = value === MASK ? values.get(name.toLowerCase()) : value;
    if (meant === undefined) throw nothingToKeep(`headers.${name}`);
    return [name, meant] as const;
  });
  return Object.fromEntries(entries);
}

function nothingToKeep(path: string): Error {
  return invalidField(path, `${MASK} stands for the value that is stored, and there is none to keep; give the value`);
}
