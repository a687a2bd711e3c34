/**
 * The body of test-shop-webhook and its errors. The keys of the errors are documented
 * (https://developers.postscript.io/reference), their values are not; keys and values have the format of pydantic 1
 * errors, with `log` for pydantic's `loc`.
 */
import type { EventDefinition } from '../../contract/types.js';
import { events, findEvent } from './events.js';

export interface TestError {
  readonly ctx: Record<string, unknown>;
  readonly log: readonly string[];
  readonly msg: string;
  readonly type: string;
}

/** An error about the body as a whole. */
export function bodyError(msg: string, type: string): TestError {
  return { ctx: {}, log: ['__root__'], msg, type };
}

/** The requested event, or the error of the request. */
export function readTest(body: unknown): EventDefinition | TestError {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return bodyError('value is not a valid dict', 'type_error.dict');
  }
  const { event } = body as { event?: unknown };
  const fail = (msg: string, type: string, ctx = {}): TestError => ({ ctx, log: ['event'], msg, type });
  if (event === undefined) return fail('field required', 'value_error.missing');
  if (typeof event !== 'string') return fail('str type expected', 'type_error.str');
  const names = events.map(({ type }) => type);
  const permitted = names.map((name) => `'${name}'`).join(', ');
  return (
    findEvent(event) ??
    fail(`value is not a valid enumeration member; permitted: ${permitted}`, 'type_error.enum', { enum_values: names })
  );
}
