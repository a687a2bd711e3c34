/** Errors of the API: RFC 9457 problem details, each with a code that programs can rely on. */
import { STATUS_CODES } from 'http';
import type { z } from 'zod';

/** Every code and its HTTP status. */
export const problemCodes = {
  malformed_request: 400,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  delivery_closed: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  invalid_request: 422,
  idempotency_key_reused: 422,
  internal_error: 500,
  unavailable: 503,
} as const;

export type ProblemCode = keyof typeof problemCodes;

/** What is wrong with one field: a path such as `eventTypes[0]`, and what to change. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** An error that is answered as a problem. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly errors?: readonly FieldError[],
  ) {
    super(detail);
  }

  get status(): number {
    return problemCodes[this.code];
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
    };
  }
}

/** A problem about one field. */
export function invalidField(path: string, message: string): Problem {
  return new Problem('invalid_request', `${path}: ${message}`, [{ path, message }]);
}

/** A problem that lists everything a schema found wrong; `prefix` is the path of the checked value. */
export function invalid(error: z.ZodError, prefix = ''): Problem {
  const errors = error.issues.map((issue) => ({ path: fieldPath(issue.path, prefix), message: issue.message }));
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new Problem('invalid_request', first ? `${first.path || 'body'}: ${first.message}${more}` : 'invalid', errors);
}

export const notFound = (what: string): Problem => new Problem('not_found', `there is no such ${what}`);

function fieldPath(path: readonly PropertyKey[], prefix: string): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, prefix);
}
