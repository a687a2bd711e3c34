/** Reading request bodies: JSON in UTF-8, kept as text as well, because payloads must reach receivers unchanged. */
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { nestedDuplicateKey } from '../contract/json.js';
import { Problem } from './problem.js';

/** A deeper body is refused before anything walks it. */
const DEEPEST = 100;

declare module 'express-serve-static-core' {
  interface Request {
    /** The body's exact text, when there is one. */
    bodyText?: string;
  }
}

/** Parses `application/json` bodies of at most `maxBytes` into `request.body` and `request.bodyText`. */
export function jsonBody(maxBytes: number): RequestHandler[] {
  const read = express.raw({ type: () => true, limit: maxBytes, inflate: false });
  return [read, parse];
}

/** Like `jsonBody`, for bodies of which no part is a payload: none may name a field twice. */
export function plainJsonBody(maxBytes: number): RequestHandler[] {
  return [
    ...jsonBody(maxBytes),
    (request, _response, next) => {
      refuseRepeatedFields(request);
      next();
    },
  ];
}

function parse(request: Request, _response: Response, next: NextFunction): void {
  const bytes: unknown = request.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) {
    request.body = undefined;
    return next();
  }
  if (!request.is(['application/json', 'application/*+json'])) {
    throw new Problem('unsupported_media_type', 'send the body as Content-Type: application/json');
  }
  request.bodyText = decode(bytes);
  request.body = parseJson(request.bodyText);
  next();
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('malformed_request', 'the body is not valid UTF-8');
  }
}

function parseJson(text: string): unknown {
  if (depth(text) > DEEPEST) throw new Problem('malformed_request', `the body is nested more than ${DEEPEST} deep`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem('malformed_request', `the body is not valid JSON: ${(error as Error).message}`);
  }
}

/**
 * Throws a problem when an object anywhere in a body names a field twice: which of the two was meant cannot be known.
 * Not for events, whose payload is its sender's and goes on as it is.
 */
export function refuseRepeatedFields({ bodyText }: Request): void {
  const repeated = bodyText === undefined ? undefined : nestedDuplicateKey(bodyText);
  if (repeated !== undefined) throw namedTwice('the body', repeated);
}

/** The problem of a body, or of an event in it, that names a field twice. */
export function namedTwice(what: string, field: string): Problem {
  return new Problem('malformed_request', `${what} names ${JSON.stringify(field)} twice`);
}

/** How deep brackets nest, counted before parsing so that no parser or validator can be overwhelmed. */
function depth(text: string): number {
  let deepest = 0;
  let open = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (inString) {
      if (char === 0x5c) at += 1;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) deepest = Math.max(deepest, ++open);
    else if (char === 0x7d || char === 0x5d) open -= 1;
  }
  return deepest;
}
