/**
 * Values of headers and credentials are shown as `***`. A caller that writes them back unchanged means the stored
 * values, never three asterisks.
 */
import { isDeepStrictEqual } from 'node:util';
import { isMasked, MASK } from '../../contract/mask.js';
import type { Subscription } from '../../contract/entities.js';
import type { AnyContract } from '../../contract/types.js';
import { invalidField } from '../../http/problem.js';

interface Given {
  readonly headers?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** Replaces masked values in a request by the stored ones. Throws a problem for a masked value without a stored one. */
export function unmasked<Fields extends Given>(
  given: Fields,
  rules: AnyContract['subscriptions'],
  previous?: Subscription,
): Fields {
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
