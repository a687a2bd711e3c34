/**
 * Errors in the format of Svix's API: `{code, detail}`, and for invalid fields of a request
 * `{detail: [{loc, msg, type}]}`. Source: svix-server, src/error.rs and src/v1/utils/mod.rs.
 */
import { MAX_QUOTE, truncate } from '../../http/problem.js';

/** An error with its response status and body. */
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

/** An error at one location of a request, such as `['body', 'url']`. */
export function validationError(loc: readonly string[], msg: string, type = 'value_error'): SvixError {
  return new SvixError(422, { detail: [{ loc: loc.map((name) => truncate(name, MAX_QUOTE)), msg, type }] });
}

/** A body that is not JSON, or not an object. */
export function unreadableBody(msg: string): SvixError {
  return validationError(['body'], msg, 'value_error.jsondecode');
}

export const notFound = (): SvixError => svixError(404, 'not_found', 'Entity not found');

/** The fields of a body. Unknown fields are ignored, as in svix-server. */
export type RequestFields = Readonly<Record<string, unknown>>;

/** Requires the body to be a JSON object. */
export function readObject(body: unknown): RequestFields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw unreadableBody('expected a JSON object');
  return body as RequestFields;
}
