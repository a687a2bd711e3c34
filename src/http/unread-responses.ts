/** Responses that clients do not read: each has a time limit, and all together have a limit of bytes in memory. */
import type { RequestHandler, Response } from 'express';

export interface UnreadLimits {
  /** How long a client may read nothing of a response that is complete, in milliseconds. */
  readonly idleMs: number;
  /** What all complete responses that are not sent yet may have, in bytes; the latest one alone may have more. */
  readonly maxBytes: number;
}

const DEFAULTS: UnreadLimits = { idleMs: 30_000, maxBytes: 64 * 1_024 * 1_024 };

/** Closes the connection of a client that reads nothing for too long; the longest waiting ones first when memory is short. */
export function limitUnreadResponses({ idleMs, maxBytes }: UnreadLimits = DEFAULTS): RequestHandler {
  /** Bytes that each response still has to send, in the order in which they were completed. */
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
    // Counts from the last progress. Node sets its own again for the next request.
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
