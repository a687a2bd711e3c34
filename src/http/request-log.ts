/** Request ids, and one log line per request. */
import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';

/** Accepted form of ids from callers, such as proxies. */
const GIVEN = /^[\w.-]{8,64}$/;

/** Assigns each request its id, the caller's `X-Request-Id` if valid, and logs the response status. */
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

/** Sends the request id to the caller. Not used for the providers' own APIs, which have their own headers. */
export const sendRequestId: RequestHandler = (_request, response, next) => {
  response.set('X-Request-Id', requestIdOf(response));
  next();
};

/** The id of a response's request; undefined without `logRequests`. */
export function requestIdOf(response: Pick<Response, 'locals'>): string | undefined {
  return (response.locals as { requestId?: string }).requestId;
}
