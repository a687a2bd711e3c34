/**
 * Verification inside the web frameworks of receivers. Each reads the body before anything parses it, as signatures are
 * made of its bytes, and leaves the check to a function such as `(received) => verifyStandard(received, secret)`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { VerificationError, type Received } from './verification.js';

/** Throws a VerificationError unless the request is genuine. */
export type Check = (received: Received) => void;

/** Maximum size of a body in bytes, unless the caller says otherwise. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The body of a Fetch request, verified: for route handlers of Next.js, Hono, Remix, Deno and Cloudflare Workers.
 *
 * @throws VerificationError when the request is not genuine; respond with 401
 */
export async function verifiedBody(request: Request, check: Check): Promise<string> {
  const body = await request.text();
  check({ headers: request.headers, body });
  return body;
}

/** A request of Express or Connect with what the verifier adds. */
export interface VerifiedRequest extends IncomingMessage {
  /** The parsed JSON; the text where it is none. */
  body?: unknown;
  /** The bytes as they were signed. */
  rawBody?: Buffer;
}

/**
 * Middleware for Express and Connect that responds with 401 to requests that are not genuine. It reads the body, so it
 * stands before any parser of the same route; `request.body` is the parsed JSON afterwards, `request.rawBody` its bytes.
 *
 * @param maxBytes the largest body that is read; a larger one gets 413
 */
export function expressVerifier(check: Check, maxBytes = MAX_BODY_BYTES) {
  return (request: VerifiedRequest, response: ServerResponse, next: (error?: unknown) => void): void => {
    if (request.readableEnded) {
      return next(new Error('the body was read already: use the verifier before express.json() and other parsers'));
    }
    const parts: Buffer[] = [];
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= maxBytes) parts.push(part);
      else if (!response.headersSent) respond(response, 413, `the body has more than ${maxBytes} bytes`);
    });
    request.once('error', next);
    request.once('end', () => {
      if (size > maxBytes) return;
      const body = Buffer.concat(parts);
      try {
        check({ headers: request.headers, body });
      } catch (error) {
        return error instanceof VerificationError ? respond(response, 401, error.message) : next(error);
      }
      request.rawBody = body;
      request.body = parsed(body);
      next();
    });
  };
}

function respond(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

/** As much of Fastify as the plugin uses. */
interface Fastify {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    options: { parseAs: 'buffer' },
    parser: (request: unknown, body: Buffer, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  addHook(name: 'preValidation', hook: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown;
}
interface FastifyRequest {
  readonly headers: IncomingMessage['headers'];
  body: unknown;
}
interface FastifyReply {
  code(status: number): FastifyReply;
  send(payload: string): unknown;
}

/**
 * A plugin for Fastify that responds with 401 to requests that are not genuine. It holds for the routes that are
 * registered in the same plugin or scope; `request.body` is the parsed JSON in their handlers.
 */
export function fastifyVerifier(app: Fastify, { check }: { readonly check: Check }, done: () => void): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
  app.addHook('preValidation', async (request, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    try {
      check({ headers: request.headers, body });
    } catch (error) {
      if (error instanceof VerificationError) return reply.code(401).send(`${error.message}\n`);
      throw error;
    }
    request.body = parsed(body);
    return undefined;
  });
  done();
}
/** Fastify gives each plugin a scope of its own, except for those with this mark. */
Object.assign(fastifyVerifier, { [Symbol.for('skip-override')]: true });

function parsed(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
