/**
 * Errors of postpress' API: `{title, detail, type, status}`. The types, and that all request errors have status 400,
 * are documented on https://api.postpress.io/docs/webhooks-delete; types of other statuses and the titles are from
 * observed responses of Unipile's API. `instance` ("request identifier for support") is optional and omitted.
 */
import type { ErrorRequestHandler } from 'express';
import { truncate, type Problem, type ProblemCode } from '../../../http/problem.js';
import type { Registrar } from '../../registration.js';

/** Status and title of each error. */
const ERRORS = {
  invalid_parameters: [400, 'Invalid parameters'],
  missing_parameters: [400, 'Missing parameters'],
  malformed_request: [400, 'Malformed request'],
  content_too_large: [400, 'Content too large'],
  invalid_url: [400, 'Invalid URL'],
  too_many_characters: [400, 'Too many characters'],
  unescaped_characters: [400, 'Unescaped characters'],
  limit_too_high: [400, 'Limit too high'],
  missing_credentials: [401, 'Missing credentials'],
  invalid_credentials: [401, 'Invalid credentials'],
  too_many_requests: [429, 'Too many requests'],
  resource_not_found: [404, 'Resource not found.'],
  unexpected_error: [500, 'Unexpected error'],
  service_unavailable: [503, 'Service unavailable'],
} as const;

type ErrorType = keyof typeof ERRORS;

/** Maximum length of `detail`, in characters. */
const MAX_DETAIL = 5_000;

/** An error in postpress' format. */
export class PostpressError extends Error {
  constructor(
    readonly type: ErrorType,
    detail: string,
  ) {
    super(truncate(detail, MAX_DETAIL));
  }

  get detail(): string {
    return this.message;
  }
}

/** The error for each of our problem codes; the default is `invalid_parameters`. */
const TYPES: Readonly<Partial<Record<ProblemCode, ErrorType>>> = {
  malformed_request: 'malformed_request',
  unsupported_media_type: 'malformed_request',
  body_too_large: 'content_too_large',
  rate_limited: 'too_many_requests',
  internal_error: 'unexpected_error',
  unavailable: 'service_unavailable',
};

/** postpress' names of fields that have another name in `/v1`. */
const NAMES: Readonly<Record<string, string>> = {
  url: 'request_url',
  eventTypes: 'events',
  accountIds: 'account_ids',
};

/** Responds to any error of a route. */
export function sendErrors(registrar: Registrar): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error);
    const { type, detail } = translate(error) ?? fromProblem(registrar.explain(error, response));
    const [status, title] = ERRORS[type];
    response.status(status).json({ title, detail, type: `errors/${type}`, status });
  };
}

function translate(error: unknown): PostpressError | undefined {
  if (error instanceof PostpressError) return error;
  // The router could not decode a parameter of the path.
  return error instanceof URIError
    ? new PostpressError('unescaped_characters', 'the path holds characters that are not percent-encoded')
    : undefined;
}

function fromProblem({ code, detail, errors }: Problem): PostpressError {
  if (!errors) return new PostpressError(TYPES[code] ?? 'invalid_parameters', detail);
  const isAboutUrl = errors.some(({ path }) => path === 'url');
  return new PostpressError(
    isAboutUrl ? 'invalid_url' : 'invalid_parameters',
    errors.map(({ path, message }) => `${nativePath(path)}: ${message}`).join('; '),
  );
}

function nativePath(path: string): string {
  return path.replace(/^\w+/, (name) => NAMES[name] ?? name);
}
