/** Reading request bodies: JSON in UTF-8, kept as text as well, because payloads must reach receivers unchanged. */
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { duplicateKey, jsonMembers } from '../contract/json.js';
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
    const value: unknown = JSON.parse(text);
    const repeated = isObject(value) ? duplicateKey(jsonMembers(text)) : undefined;
    if (repeated !== undefined)
      throw new Problem('malformed_request', `the body names ${JSON.stringify(repeated)} twice`);
    return value;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('malformed_request', `the body is not valid JSON: ${(error as Error).message}`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
