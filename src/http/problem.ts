/** Errors of the API: RFC 9457 problem details with a stable code for programs. */
import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';

/** Every code and its HTTP status. */
export const problemCodes = {
  malformed_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  delivery_closed: 409,
  erased: 409,
  quota_exceeded: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  invalid_request: 422,
  idempotency_key_reused: 422,
  rate_limited: 429,
  internal_error: 500,
  unavailable: 503,
} as const;

export type ProblemCode = keyof typeof problemCodes;

/** What a caller does about a problem, by its code. */
export const problemAdvice: Readonly<Record<ProblemCode, string>> = {
  malformed_request: 'Send valid JSON in UTF-8; `detail` says what is wrong with it.',
  unauthorized: 'Send a valid key as `Authorization: Bearer <key>`. The key may have been revoked.',
  forbidden: 'Use a key that may do this, such as the admin key.',
  not_found: 'Check the id and the path. An account sees only what is its own.',
  method_not_allowed: 'Use a method that the path has.',
  conflict: 'Read the current state, decide again, and repeat the request if it still makes sense.',
  delivery_closed: 'The delivery has ended. Redeliver it if it should be attempted again.',
  erased: 'The content was erased and cannot be restored; emit a new event.',
  quota_exceeded: 'Delete what is not needed, or raise the limit that `detail` names.',
  body_too_large: 'Send less in one request: split a batch, or refer to large content by a URL.',
  unsupported_media_type: 'Send `Content-Type: application/json`, uncompressed.',
  invalid_request: 'Correct the fields that `errors` lists; nothing was stored.',
  idempotency_key_reused: 'Use a new `Idempotency-Key` for a different request.',
  rate_limited: 'Wait for the seconds in `Retry-After`, then repeat the request.',
  internal_error: 'Repeat the request with the same `Idempotency-Key`; report it with the header `X-Request-Id`.',
  unavailable: 'Wait for the seconds in `Retry-After`, then repeat the request with the same `Idempotency-Key`.',
};

/** An error of one field: its path such as `eventTypes[0]`, and what to change. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** Message for an unknown field, unless the schema has its own. */
export const UNKNOWN_FIELD = 'is not a known field; remove it';

/** Maximum number of errors in a response. */
const MAX_ERRORS = 50;
/** Maximum length of a message, in characters; a list of all event types fits. */
const MAX_TEXT = 2_000;
/** Maximum length of a quote from a request, in characters. */
export const MAX_QUOTE = 200;

/** Shortens a text to at most `maxLength` characters, with an ellipsis at the end. */
export function truncate(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** An error that is sent to the caller as a problem. Its size is limited, because it may quote the request. */
export class Problem extends Error {
  readonly detail: string;
  /** At most the first 50 errors. */
  readonly errors?: readonly FieldError[];
  /** Number of errors that are not listed. */
  readonly moreErrors: number;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    errors?: readonly FieldError[],
    /** Seconds until the request may be sent again. */
    readonly retryAfterS?: number,
  ) {
    const shown = truncate(detail, MAX_TEXT);
    super(shown);
    this.detail = shown;
    this.errors = errors?.slice(0, MAX_ERRORS).map(({ path, message }) => ({
      path: truncate(path, MAX_QUOTE),
      message: truncate(message, MAX_TEXT),
    }));
    this.moreErrors = Math.max((errors?.length ?? 0) - MAX_ERRORS, 0);
  }

  get status(): number {
    return problemCodes[this.code];
  }

  /** The same problem with changed texts. */
  withText(reword: (text: string) => string): Problem {
    const errors = this.errors?.map(({ path, message }) => ({ path, message: reword(message) }));
    const problem = new Problem(this.code, reword(this.detail), errors, this.retryAfterS);
    return Object.assign(problem, { moreErrors: this.moreErrors });
  }

  /** The problem as `application/problem+json`. */
  toJSON() {
    return {
      type: `urn:pigeonpost:problem:${this.code}`,
      title: STATUS_CODES[this.status],
      status: this.status,
      code: this.code,
      detail: this.detail,
      ...(this.errors ? { errors: this.errors } : {}),
      ...(this.moreErrors > 0 ? { moreErrors: this.moreErrors } : {}),
    };
  }
}

/** A problem about one field. */
export function invalidField(path: string, message: string): Problem {
  return new Problem('invalid_request', `${truncate(path, MAX_QUOTE)}: ${message}`, [{ path, message }]);
}

/** A problem that lists all errors of a schema; `prefix` is the path of the checked value. */
export function invalid(error: z.ZodError, prefix = ''): Problem {
  const errors = error.issues.flatMap((issue) => fieldErrors(issue, prefix));
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new Problem(
    'invalid_request',
    first ? `${truncate(first.path || 'body', MAX_QUOTE)}: ${truncate(first.message, MAX_TEXT / 2)}${more}` : 'invalid',
    errors,
  );
}

export const notFound = (what: string): Problem => new Problem('not_found', `there is no such ${what}`);

function fieldErrors(issue: z.core.$ZodIssue, prefix: string): FieldError[] {
  const path = fieldPath(issue.path, prefix);
  if (issue.code === 'unrecognized_keys' && issue.message === UNKNOWN_FIELD) {
    return issue.keys.map((key) => ({ path: fieldPath([key], path), message: issue.message }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return closest(issue.errors, path);
  return [{ path, message: issue.message }];
}

/** Errors of the union's alternative that fails only in inner fields; otherwise the messages of all alternatives. */
function closest(alternatives: readonly (readonly z.core.$ZodIssue[])[], path: string): FieldError[] {
  const errors = alternatives.map((issues) => issues.flatMap((issue) => fieldErrors(issue, path)));
  const inside = errors.find((alternative) => alternative.every((error) => error.path !== path));
  return inside ?? [{ path, message: [...new Set(errors.flat().map(({ message }) => message))].join('; or: ') }];
}

function fieldPath(path: readonly PropertyKey[], prefix: string): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, prefix);
}
