/** Errors of Postscript's webhook operations: a status and `{}` (https://developers.postscript.io/reference). */
import type { ErrorRequestHandler } from 'express';
import { Problem } from '../../../http/problem.js';
import type { Registrar } from '../../registration.js';
import { RATE_LIMITED } from './rate-limit.js';

/** Header with the problem as text, because the body is empty. */
const REASON = 'Pigeonpost-Problem';

/**
 * An error of test-shop-webhook. The keys are documented (https://developers.postscript.io/reference), the values are
 * not; both have the format of pydantic 1 errors, with `log` for pydantic's `loc`.
 */
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

/** The error for an invalid request; the published operations declare 400 in all cases. */
export function badRequest(detail: string): Problem {
  return new Problem('invalid_request', detail);
}
