/**
 * Errors of Postmark's API: `{"ErrorCode","Message"}`, with the code also in a header. Codes, statuses and meanings are
 * from the overview's tables; where these have none, the code is the status.
 * https://postmarkapp.com/developer/api/overview#error-codes
 */
import type { ErrorRequestHandler, Request, Response } from 'express';
import { isIP } from 'node:net';
import { Problem, truncate } from '../../../http/problem.js';
import type { Registrar } from '../../registration.js';

const MESSAGES = {
  10: 'Request does not contain a valid Server token.',
  100: 'The API is temporarily unavailable. Try again shortly.',
  101: 'Something went wrong on our side. It has been logged.',
  402: 'Invalid JSON.',
  403: 'Invalid request field(s).',
  404: 'There is no such resource.',
  409: "JSON required: send the body with 'Content-Type: application/json'.",
  413: 'The request is too large.',
  429: 'Rate limit exceeded.',
  606: "The supplied 'Url' is not valid.",
  1226: "The message stream for the provided 'ID' was not found.",
  1235: 'The stream provided does not exist on this server.',
  1350: "You cannot create a webhook using an archived 'MessageStream'.",
  1351: 'You cannot create a webhook using an inbound stream.',
  1352: "The webhook for the provided 'ID' was not found.",
  1353: 'The webhook trigger is not supported on this message stream.',
  1354: "The request must contain a valid 'Url' field.",
  1355: 'A request body must be provided.',
  1356: "A request 'ID' must not be provided when creating a webhook.",
  1357: "You cannot update the 'ID' or 'MessageStream' fields of a webhook.",
  1358: "You must provide a valid 'HttpHeader' 'Name'.",
  1359: 'You have reached the maximum number of webhooks for this stream.',
  1360: 'The webhook could not be updated.',
  1361: 'Invalid value provided for a field.',
  1362: "Invalid value provided for 'Status'. Must be one of: verified, unverified.",
  1363: "The 'Status' field cannot be provided when creating or updating a webhook.",
  1364: "Webhook verification failed; nothing was saved. Fix the endpoint and retry, or send 'Verify': false.",
} as const;
export type ErrorCode = keyof typeof MESSAGES;

/** Maximum length of `Message`, in characters. */
const MAX_MESSAGE = 1_000;

/** Statuses other than 422. */
const STATUSES: Partial<Record<ErrorCode, number>> = {
  10: 401,
  100: 503,
  101: 500,
  404: 404,
  409: 415,
  413: 413,
  429: 429,
};

/** An error in Postmark's format. */
export class ApiError extends Error {
  constructor(
    readonly code: ErrorCode,
    detail?: string,
    /** The response body in addition to the code, instead of a message. */
    readonly body?: object,
  ) {
    super(detail === undefined ? MESSAGES[code] : truncate(`${MESSAGES[code]} ${detail}`, MAX_MESSAGE));
  }

  reply(response: Response): void {
    const { code, message, body } = this;
    response
      .status(STATUSES[code] ?? 422)
      .set('X-PM-ApiErrorCode', String(code))
      .json({ ErrorCode: code, ...(body ?? { Message: message }) });
  }
}

/** Responds to any error of a route. */
export function sendErrors(registrar: Registrar): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof ApiError) return error.reply(response);
    if (isBadPath(error)) return new ApiError(404).reply(response);
    fromProblem(registrar.explain(error, response), request).reply(response);
  };
}

/** Express could not decode the path; errors of reading a body have a type. */
function isBadPath(error: unknown): boolean {
  const { status, type } = error as { status?: number; type?: string };
  return status === 400 && type === undefined && !(error instanceof Problem);
}

/** Converts a problem of the registrar to Postmark's error. */
function fromProblem(problem: Problem, request: Request): ApiError {
  switch (problem.code) {
    case 'malformed_request':
      return new ApiError(402, problem.detail);
    case 'unsupported_media_type':
      return new ApiError(409);
    case 'body_too_large':
      return new ApiError(413);
    case 'invalid_request':
      return fromField(problem.errors?.[0] ?? { path: '', message: problem.detail }, request);
    case 'quota_exceeded':
      return new ApiError(1359);
    case 'rate_limited':
      return new ApiError(429);
    case 'not_found':
      return new ApiError(1352);
    case 'conflict':
      return new ApiError(1360, problem.detail);
    case 'unavailable':
      return new ApiError(100);
    default:
      return new ApiError(101);
  }
}

/** Postmark's names of fields that have another name in `/v1`. */
const NAMES: Readonly<Record<string, string>> = {
  url: 'Url',
  'httpAuth.username': 'HttpAuth.Username',
  'httpAuth.password': 'HttpAuth.Password',
};

function fromField({ path, message }: { path: string; message: string }, { body }: Request): ApiError {
  const detail = `'${NAMES[path] ?? path}': ${message}.`;
  if (path === 'url') return new ApiError(namesAddress(body) ? 606 : 1354, detail);
  return new ApiError(path.startsWith('headers') ? 1358 : 1361, detail);
}

/** Whether the URL's host is a literal IP address; then the error is that of 606 for hooks of servers. */
function namesAddress(body: unknown): boolean {
  const { Url: url } = body as { Url?: string };
  return url !== undefined && URL.canParse(url) && isIP(new URL(url).hostname.replace(/^\[|\]$/g, '')) !== 0;
}
