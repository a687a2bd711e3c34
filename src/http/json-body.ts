/** Reads request bodies: JSON in UTF-8. The text is kept too, because payloads must reach receivers unchanged. */
import express, { type NextFunction, type Request, type RequestHandler } from 'express';
import { endOfString, nestedDuplicateKey } from '../contract/json.js';
import { MAX_QUOTE, Problem, truncate } from './problem.js';

/** Maximum nesting depth of a body, checked before parsing. */
const MAX_DEPTH = 100;
/** Maximum size of a body without events, in bytes: a subscription with every field at its limit is smaller. */
const MAX_PLAIN_BYTES = 256 * 1_024;
/** Maximum number of values in a body without events, at all depths: each costs a check and perhaps an error. */
const MAX_PLAIN_VALUES = 10_000;

declare module 'express-serve-static-core' {
  interface Request {
    /** The exact text of the body, if the request has one. */
    bodyText?: string;
  }
}

/** Parses `application/json` bodies of at most `maxBytes` into `request.body` and `request.bodyText`. */
export function jsonBody(maxBytes: number): RequestHandler[] {
  return reader(maxBytes, Infinity);
}

/**
 * Like `jsonBody`, for bodies without payloads: they have a lower size limit and must not name a field twice.
 */
export function plainJsonBody(maxBytes: number): RequestHandler[] {
  return [
    ...reader(Math.min(maxBytes, MAX_PLAIN_BYTES), MAX_PLAIN_VALUES),
    (request, _response, next) => {
      rejectDuplicateFields(request);
      next();
    },
  ];
}

function reader(maxBytes: number, maxValues: number): RequestHandler[] {
  const read = express.raw({ type: () => true, limit: maxBytes, inflate: false });
  return [read, (request, _response, next) => parse(request, next, maxValues)];
}

function parse(request: Request, next: NextFunction, maxValues: number): void {
  const bytes: unknown = request.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) {
    request.body = undefined;
    return next();
  }
  if (!request.is(['application/json', 'application/*+json'])) {
    throw new Problem('unsupported_media_type', 'send the body as Content-Type: application/json');
  }
  request.bodyText = decode(bytes);
  request.body = parseJson(request.bodyText, maxValues);
  next();
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('malformed_request', 'the body is not valid UTF-8');
  }
}

function parseJson(text: string, maxValues: number): unknown {
  const { depth, values } = measure(text);
  if (depth > MAX_DEPTH) throw new Problem('malformed_request', `the body is nested more than ${MAX_DEPTH} deep`);
  if (values > maxValues) throw new Problem('malformed_request', `the body holds more than ${maxValues} values`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem('malformed_request', `the body is not valid JSON: ${(error as Error).message}`);
  }
}

/**
 * Throws a problem when an object in a body names a field twice, which is ambiguous. Not for events: their payload is
 * forwarded unchanged.
 */
function rejectDuplicateFields({ bodyText }: Request): void {
  const repeated = bodyText === undefined ? undefined : nestedDuplicateKey(bodyText);
  if (repeated !== undefined) throw namedTwice('the body', repeated);
}

/** The problem for a body, or an event in it, that names a field twice. */
export function namedTwice(what: string, field: string): Problem {
  return new Problem('malformed_request', `${what} names ${truncate(JSON.stringify(field), MAX_QUOTE)} twice`);
}

/**
 * Nesting depth and maximum number of values, measured before parsing so that the body cannot overload the parser or
 * the validator.
 */
function measure(text: string): { depth: number; values: number } {
  let depth = 0;
  let open = 0;
  let values = 1;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = endOfString(text, at) - 1;
    else if (char === 0x2c) values += 1;
    else if (char === 0x7b || char === 0x5b) {
      values += 1;
      depth = Math.max(depth, ++open);
    } else if (char === 0x7d || char === 0x5d) open -= 1;
  }
  return { depth, values };
}
