/**
 * Errors of Bird's API: `{code, message}`, and for fields `details`, the problems by field path
 * (`.eventFilters[0].key`; `.` is the whole body). The format, code and message of 422 are from responses of
 * api.bird.com that integrators published; https://docs.bird.com/api/api-access/common-api-usage promises JSON and
 * publishes no codes.
 */
import type { ErrorRequestHandler, Request } from 'express';
import type { z } from 'zod';
import type { FieldError, Problem, ProblemCode } from '../../../http/problem.js';
import type { Registrar } from '../../registration.js';

/** Bird's code of each problem code. */
const CODES: Readonly<Partial<Record<ProblemCode, string>>> = {
  malformed_request: 'MalformedRequest',
  unauthorized: 'Unauthenticated',
  not_found: 'NotFound',
  method_not_allowed: 'MethodNotAllowed',
  conflict: 'Conflict',
  body_too_large: 'PayloadTooLarge',
  unsupported_media_type: 'UnsupportedMediaType',
  invalid_request: 'InvalidPayload',
  quota_exceeded: 'QuotaExceeded',
  rate_limited: 'TooManyRequests',
  unavailable: 'Unavailable',
};
const OTHER_CODE = 'InternalError';

/** Bird's names of fields that have another name in `/v1`. */
const NAMES: Readonly<Record<string, string>> = { eventTypes: 'event', secret: 'signingKey' };

/** Responds to any error of a route. */
export function sendErrors(registrar: Registrar): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const problem = registrar.explain(error, response);
    response.status(problem.status).json({
      code: CODES[problem.code] ?? OTHER_CODE,
      message: messageOf(problem, request),
      ...(problem.errors ? { details: detailsOf(problem.errors) } : {}),
    });
  };
}

function messageOf({ errors, detail }: Problem, { method }: Request): string {
  if (!errors) return detail;
  const isQuery = method === 'GET' || method === 'HEAD';
  return isQuery
    ? 'One or more query parameters of the request are malformed'
    : 'One or more fields provided in the request body are malformed';
}

function detailsOf(errors: readonly FieldError[]): Record<string, string[]> {
  const details: Record<string, string[]> = {};
  for (const { path, message } of errors) (details[nativePath(path)] ??= []).push(message);
  return details;
}

/** `/v1` has a list of event types and Bird a single event, so the index is removed from the path. */
function nativePath(path: string): string {
  return `.${path.replace(/^eventTypes\[0\]/, 'eventTypes').replace(/^\w+/, (name) => NAMES[name] ?? name)}`;
}

const MAX_QUOTE_LENGTH = 100;

/** The problem with a value, in the wording of Bird's observed responses. */
export const errorText: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `property ${quote(key)} is unsupported`).join('; ');
  if (issue.input === undefined) return `property ${quote(issue.path?.at(-1))} is missing`;
  if (issue.code === 'invalid_type')
    return `value must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}`;
  if (issue.code === 'invalid_value')
    return `Invalid value: ${quote(issue.input)}, expected one of: ${issue.values.map(quote).join(', ')}`;
  return undefined;
};

function quote(value: unknown): string {
  return JSON.stringify(typeof value === 'bigint' ? String(value) : value)?.slice(0, MAX_QUOTE_LENGTH) ?? '';
}
