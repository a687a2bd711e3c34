/**
 * Errors in the format of Svix's API: `{code, detail}`, and for invalid fields of a request
 * `{detail: [{loc, msg, type}]}`. Source: svix-server, src/error.rs and src/v1/utils/mod.rs.
 */
import type { ErrorRequestHandler } from 'express';
import { MAX_QUOTE, Problem, truncate, type FieldError } from '../../../http/problem.js';
import type { Registrar } from '../../registration.js';

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

export const conflict = (detail: string): SvixError => svixError(409, 'conflict', detail);

/** The fields of a body. Unknown fields are ignored, as in svix-server. */
export type RequestFields = Readonly<Record<string, unknown>>;

/** Responds to any error of a route. */
export function sendErrors(registrar: Registrar): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const { status, body } =
      error instanceof SvixError ? error : translate(registrar.explain(error, response), error, request.body);
    response.status(status).json(body);
  };
}

function translate(problem: Problem, error: unknown, body: unknown): SvixError {
  const { status, code, detail, errors = [] } = problem;
  switch (code) {
    case 'malformed_request':
      // The remaining malformed part is the request path: a path that does not decode.
      return error instanceof Problem ? unreadableBody(detail) : svixError(400, 'generic_error', detail);
    case 'invalid_request':
      return new SvixError(422, { detail: errors.map((field) => fieldError(field, body)) });
    case 'unauthorized':
      return svixError(401, 'authentication_failed', 'Invalid token');
    case 'forbidden':
      return svixError(403, 'insufficient access', detail);
    case 'not_found':
      return notFound();
    case 'conflict':
      return svixError(409, 'conflict', 'A conflict has occurred');
    case 'quota_exceeded':
      return svixError(400, 'limit_reached', detail);
    case 'body_too_large':
      return svixError(413, 'payload_too_large', 'Request payload is too large.');
    case 'erased':
      return svixError(400, 'missing_payload', 'Unable to resend message. Payload is missing (probably expired).');
    case 'internal_error':
      return svixError(500, 'server_error', 'Internal Server Error');
    default:
      return svixError(status, code, detail);
  }
}

/** A field error with its location: `eventTypes[0]` is at `eventTypes`, `[0]`; `headers.X-A` at `headers`, `X-A`. */
function fieldError({ path, message }: FieldError, body: unknown) {
  const [, name = '', rest = ''] = /^(\w*)\.?(.*)$/s.exec(path) ?? [];
  const location = [nativeName(name, body), rest].filter((part) => part !== '');
  return { loc: ['body', ...location], msg: message, type: 'value_error' };
}

/** The name of a `/v1` field in a request body. */
function nativeName(name: string, body: unknown): string {
  const input = (body ?? {}) as RequestFields;
  if (name === 'enabled') return 'disabled';
  if (name === 'eventTypes') return eventTypesName(input);
  return name;
}

/** The name of the event types in a body: older clients send `filterTypes`. */
export function eventTypesName(input: RequestFields): string {
  return input.eventTypes === undefined && input.filterTypes !== undefined ? 'filterTypes' : 'eventTypes';
}
