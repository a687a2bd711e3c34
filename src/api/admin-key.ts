/** Authentication with the admin key. */
import { createHash, timingSafeEqual } from 'crypto';
import type { RequestHandler } from 'express';
import { Problem } from './problem.js';

/** Lets requests pass that carry `Authorization: Bearer <admin key>`; the comparison takes the same time for any key. */
export function requireAdminKey(adminKey: string): RequestHandler {
  const expected = digest(adminKey);
  return (request, response, next) => {
    const [, key] = /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '') ?? [];
    if (key !== undefined && timingSafeEqual(digest(key), expected)) return next();
    response.set('WWW-Authenticate', 'Bearer');
    throw new Problem('unauthorized', 'send the admin key as Authorization: Bearer <key>');
  };
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
