/**
 * Errors in the shapes of Svix's API: `{code, detail}`, and for what is wrong with the fields of a request
 * `{detail: [{loc, msg, type}]}`. Source: svix-server, src/error.rs and src/v1/utils/mod.rs.
 */
import { MAX_QUOTE, truncate } from '../../http/problem.js';

/** An error in the form of its response. */
export class SvixError extends Error {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {
    super(`status ${status}`);
  }
}

export function svixError(status: number, code: string, detail: string): SvixError {
  return new SvixError(status, { code, detail });
}

/** What is wrong at one place of a request, such as `['body', 'url']`. */
export function validationError(loc: readonly string[], msg: string, type = 'value_error'): SvixError {
  return new SvixError(422, { detail: [{ loc: loc.map((name) => truncate(name, MAX_QUOTE)), msg, type }] });
}

/** A body that is no JSON, or no object. */
export function unreadableBody(msg: string): SvixError {
  return validationError(['body'], msg, 'value_error.jsondecode');
}

export const notFound = (): SvixError => svixError(404, 'not_found', 'Entity not found');

/** A body's fields. Those that it should not have are ignored, as svix-server does. */
export type Given = Readonly<Record<string, unknown>>;

/** A body that must be a JSON object. */
export function readObject(body: unknown): Given {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw unreadableBody('expected a JSON object');
  return body as Given;
}
