/** A line in the log for each request, and an id by which to find it. */
import { randomUUID } from 'crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';

/** Ids that callers may choose, as proxies do: nothing that could hold anything else. */
const GIVEN = /^[\w.-]{8,64}$/;

/** Gives each request its id, the caller's `X-Request-Id` where there is one, and logs how it was answered. */
export function logRequests(log: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id') ?? '';
    const requestId = GIVEN.test(given) ? given : randomUUID();
    response.locals.requestId = requestId;
    const startedAt = performance.now();
    const { method, path } = request;
    response.once('close', () => {
      const durationMs = Math.round(performance.now() - startedAt);
      log.debug({ requestId, method, path, status: response.statusCode, durationMs }, 'request');
    });
    next();
  };
}

/** Tells the caller the id of its request. The providers' own APIs do not, as theirs have headers of their own. */
export const sendRequestId: RequestHandler = (_request, response, next) => {
  response.set('X-Request-Id', requestIdOf(response));
  next();
};

/** The id of the request that is answered; undefined where requests have none. */
export function requestIdOf(response: Response): string | undefined {
  return (response.locals as { requestId?: string }).requestId;
}
