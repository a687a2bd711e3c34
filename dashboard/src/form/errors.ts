/** What the API says of single fields, by where it belongs in the form. */
import { ApiError } from '../../../src/client/errors.js';

/** Messages by path, such as `eventTypes[0]` or `headers.X-Key`. */
export type FieldErrors = ReadonlyMap<string, string>;

export function fieldErrors(error: unknown): FieldErrors {
  const errors = error instanceof ApiError ? (error.problem?.errors ?? []) : [];
  return new Map(errors.map(({ path, message }) => [path, message]));
}

/** What is said of a field or of anything inside it. */
export function errorAt(errors: FieldErrors, path: string): string | undefined {
  const said = [...errors].filter(([at]) => at === path || at.startsWith(`${path}.`) || at.startsWith(`${path}[`));
  return said.length === 0
    ? undefined
    : said.map(([at, message]) => `${at.slice(path.length)} ${message}`.trim()).join('; ');
}

/** Whether a form with these fields shows every message. */
export function allShown(errors: FieldErrors, names: readonly string[]): boolean {
  return errors.size > 0 && [...errors.keys()].every((path) => names.includes(/^[^.[]*/.exec(path)?.[0] ?? ''));
}
