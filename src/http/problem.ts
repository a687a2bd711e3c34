/** Errors of the API: RFC 9457 problem details, each with a code that programs can rely on. */
import { STATUS_CODES } from 'http';
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

/** What is wrong with one field: a path such as `eventTypes[0]`, and what to change. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** What is said of a field that there is not, unless a schema has words of its own. */
export const UNKNOWN_FIELD = 'is unknown here; remove it';

/** Errors that one answer lists at most. */
const MAX_ERRORS = 50;
/** Longest text about one thing, in characters; an enumeration of all event types fits. */
const MAX_TEXT = 2_000;
/** Longest text that is quoted from a request, in characters. */
export const MAX_QUOTE = 200;

/** A text of at most so many characters, an ellipsis at the end where it was longer. */
export function truncate(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** An error that is answered as a problem. Its size is bounded, whatever it quotes. */
export class Problem extends Error {
  readonly detail: string;
  /** The first of the errors that were given. */
  readonly errors?: readonly FieldError[];
  /** How many errors were left out. */
  readonly moreErrors: number;

  constructor(
    readonly code: ProblemCode,
    detail: string,
    errors?: readonly FieldError[],
    /** When the request may be sent again, in seconds. */
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

  /** The same problem in other words. */
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

/** A problem that lists everything a schema found wrong; `prefix` is the path of the checked value. */
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

/** Of the alternatives of a union the one that fits but for some field inside; what each wants where none does. */
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
