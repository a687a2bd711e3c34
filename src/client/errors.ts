/** What can go wrong with a request, as the client throws it. */
import type { components } from './generated.js';

/** A problem as the API describes it, RFC 9457. */
export type Problem = components['schemas']['Problem'];

/** The API refused, or could not do, what was asked. The message names the fields that are wrong. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** What the API said; absent when a proxy or another server responded. */
    readonly problem?: Problem,
    /** After how many seconds trying again makes sense, where the API said so. */
    readonly retryAfterS?: number,
  ) {
    super(problem ? describe(problem) : `the response was ${status}, and not one of Pigeonpost's`);
    this.name = 'ApiError';
  }
}

/** Nothing responded at the API's URL. */
export class Unreachable extends Error {
  constructor(
    readonly url: string,
    cause: unknown,
  ) {
    super(`no response from ${url}: ${reason(cause)}`, { cause });
    this.name = 'Unreachable';
  }
}

function describe({ detail, errors = [] }: Problem): string {
  return errors.length > 1
    ? errors.map(({ path, message }) => `${path === '' ? 'body' : path}: ${message}`).join('\n')
    : detail;
}

/** Fetch hides why a connection failed in the cause of its error, and of several addresses in a list within it. */
function reason(error: unknown): string {
  const { cause, code, message } = error as { cause?: unknown; code?: unknown; message?: string };
  if (cause) return reason(cause);
  return message || String(code ?? error);
}
