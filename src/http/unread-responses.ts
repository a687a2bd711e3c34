/** Limits responses that clients do not read: a time limit for each, and a memory limit for all together. */
import type { RequestHandler, Response } from 'express';

export interface UnreadLimits {
  /** Maximum time without reading from a complete response, in milliseconds. */
  readonly idleMs: number;
  /** Maximum total size of complete but unsent responses, in bytes; the latest one alone may be larger. */
  readonly maxBytes: number;
}

const DEFAULTS: UnreadLimits = { idleMs: 30_000, maxBytes: 64 * 1_024 * 1_024 };

/** Closes connections of clients that read nothing for too long; above the memory limit the oldest response first. */
export function limitUnreadResponses({ idleMs, maxBytes }: UnreadLimits = DEFAULTS): RequestHandler {
  /** Unsent bytes per response, in order of completion. */
  const unread = new Map<Response, number>();
  let total = 0;

  function remove(response: Response): void {
    total -= unread.get(response) ?? 0;
    unread.delete(response);
  }

  function add(response: Response): void {
    const bytes = response.writableLength;
    if (bytes === 0) return;
    unread.set(response, bytes);
    total += bytes;
    // Restarts with each progress. Node.js sets its own timeout again for the next request.
    response.socket?.setTimeout(idleMs);
    for (const [oldest] of unread) {
      if (total <= maxBytes || oldest === response) break;
      remove(oldest);
      oldest.destroy();
    }
  }

  return (_request, response, next) => {
    response.once('prefinish', () => add(response));
    response.once('close', () => remove(response));
    next();
  };
}
