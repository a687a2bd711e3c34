/** Errors of Postscript's webhook operations: a status and `{}` (https://developers.postscript.io/reference). */
import type { ErrorRequestHandler } from 'express';
import { Problem } from '../../http/problem.js';
import type { Registrar } from '../registration.js';
import { RATE_LIMITED } from './rate-limit.js';
import { bodyError } from './test-request.js';

/** Header with the problem as text, because the body is empty. */
const REASON = 'Pigeonpost-Problem';

/** Responds to errors of every operation. 400 is the only documented status for an invalid request. */
export function sendErrors(registrar: Registrar): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = registrar.explain(error, response);
    if (problem.code === 'rate_limited') return void response.status(429).json(RATE_LIMITED);
    response.status(problem.code === 'invalid_request' ? 400 : problem.status);
    response.set(REASON, reason(problem)).json({});
  };
}

/** A problem as one line for a header, with Postscript's field names. */
function reason({ detail, errors }: Problem): string {
  const text = errors?.map(({ path, message }) => `${nativeName(path)}: ${message}`).join('; ') ?? detail;
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
}

function nativeName(path: string): string {
  return path.replace(/^url$/, 'callback_url').replace(/^eventTypes(\[0\])?$/, 'event');
}

/** Responds to unreadable requests of test-shop-webhook, which has its own error body. */
export const sendUnreadableTest: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (!(error instanceof Problem) || error.code !== 'malformed_request') return next(error);
  response.status(400).json({ errors: [bodyError(error.detail, 'value_error.jsondecode')] });
};
