/** Converts errors to responses (problem details). */
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { withoutSettingAdvice } from '../lib/errors.js';
import type { WriteHealth } from '../store/write-health.js';
import { isOperator } from './principal.js';
import { Problem } from './problem.js';
import { requestIdOf } from './request-log.js';

/** SQLSTATE classes and codes of an unavailable PostgreSQL: connection, resources, shutdown, read-only, closed. */
const DATABASE_UNAVAILABLE = /^(08|53|57P|25006|55P03|55000)/;
const NETWORK_UNAVAILABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/** Default for the Retry-After header, in seconds. */
const RETRY_AFTER_S = 5;

/** Responds with 404 when no route matches. */
export const unknownRoute: RequestHandler = (request) => {
  throw new Problem('not_found', `there is no ${request.method} ${request.baseUrl}${request.path}; see /docs`);
};

/** Sends errors as problems. Unexpected errors are logged, and their text is not sent. Records rejected writes. */
export function sendErrors(log: Logger, writes?: WriteHealth): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    writes?.recordError(error);
    if (response.headersSent) return next(error);
    const problem = explain(error, response, log);
    response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

/** Converts an error to a problem. Logs server errors; sets Retry-After for temporary ones. */
export function explain(error: unknown, response: Response, log: Logger): Problem {
  const problem = shownTo(response, toProblem(error));
  const { method, path } = response.req;
  if (problem.status >= 500)
    log.error({ err: error, requestId: requestIdOf(response), method, path }, 'request failed');
  const retryAfterS = problem.retryAfterS ?? (problem.code === 'unavailable' ? RETRY_AFTER_S : undefined);
  if (retryAfterS !== undefined) response.set('Retry-After', String(retryAfterS));
  return problem;
}

/** The problem that an error becomes. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { type, status, code, message, limit } = error as {
    type?: string;
    status?: number;
    code?: unknown;
    message?: string;
    limit?: number;
  };
  if (type === 'entity.too.large')
    return new Problem(
      'body_too_large',
      `the body is larger than ${limit} bytes (PIGEONPOST_MAX_BODY_BYTES for events)`,
    );
  if (type === 'encoding.unsupported') return new Problem('unsupported_media_type', 'send the body uncompressed');
  if (status === 400) return new Problem('malformed_request', message ?? 'the request cannot be read');
  if (isUnavailable(code, message))
    return new Problem('unavailable', 'a required service does not respond; try again shortly');
  return new Problem('internal_error', 'an internal error occurred; it has been logged');
}

/** The problem as the caller may see it: only operators get advice about settings. */
function shownTo(response: Response, problem: Problem): Problem {
  return isOperator(response) ? problem : problem.withText(withoutSettingAdvice);
}

function isUnavailable(code: unknown, message = ''): boolean {
  // A pool that gets no connection or response in time has no code; gRPC codes are numbers: 4 deadline exceeded, 14
  // unavailable.
  if (typeof code === 'number') return code === 4 || code === 14;
  if (typeof code === 'string') return NETWORK_UNAVAILABLE.has(code) || DATABASE_UNAVAILABLE.test(code);
  return /timeout exceeded when trying to connect|Query read timeout|Connection terminated|is not queryable|Workflow Update failed|Failed to (signal|start|connect|describe|list|cancel)/i.test(
    message,
  );
}
