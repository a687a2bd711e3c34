/** Error responses in the format of Svix's API. */
import type { ErrorRequestHandler } from 'express';
import { Problem, type FieldError } from '../../http/problem.js';
import type { Registrar } from '../registration.js';
import { nativeName } from './endpoint-input.js';
import { notFound, SvixError, svixError, unreadableBody } from './svix-error.js';

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
      return new SvixError(422, { detail: errors.map((field) => item(field, body)) });
    case 'unauthorized':
      return svixError(401, 'authentication_failed', 'Invalid token');
    case 'not_found':
      return notFound();
    case 'conflict':
      return svixError(409, 'conflict', 'A conflict has occurred');
    case 'quota_exceeded':
      return svixError(400, 'limit_reached', detail);
    case 'body_too_large':
      return svixError(413, 'payload_too_large', 'Request payload is too large.');
    case 'internal_error':
      return svixError(500, 'server_error', 'Internal Server Error');
    default:
      return svixError(status, code, detail);
  }
}

/** A field error with its location: `eventTypes[0]` is at `eventTypes`, `[0]`; `headers.X-A` at `headers`, `X-A`. */
function item({ path, message }: FieldError, body: unknown) {
  const [, name = '', rest = ''] = /^(\w*)\.?(.*)$/s.exec(path) ?? [];
  const location = [nativeName(name, body), rest].filter((part) => part !== '');
  return { loc: ['body', ...location], msg: message, type: 'value_error' };
}
