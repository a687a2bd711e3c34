/** The demo's receivers: one local server, one path per subscription, each verifying as the provider's receivers do. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';

/** A request as it reached a receiver. */
export interface Arrived {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Throws unless the request is genuine. */
export type Verify = (arrived: Arrived) => void;

export interface ReceiverPath {
  readonly verify: Verify;
  /** The statuses to respond with, in order; the last one repeats. */
  readonly statuses: number[];
  /** How the last request was found: empty before the first. */
  verification: string;
}

/** Serves receivers by path. `host` is the address they are registered under. */
export function serve(host: string, paths: ReadonlyMap<string, ReceiverPath>): RequestListener {
  return (request, response) => {
    const path = paths.get(request.url ?? '');
    if (!path) return void response.writeHead(404).end();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      path.verification = check(path, {
        url: `${host}${request.url}`,
        headers: flat(request),
        body: Buffer.concat(chunks).toString('utf8'),
      });
      const status = path.statuses.length > 1 ? path.statuses.shift()! : path.statuses[0]!;
      response.writeHead(path.verification === 'verified' ? status : 401).end();
    });
  };
}

function check({ verify }: ReceiverPath, arrived: Arrived): string {
  try {
    verify(arrived);
    return 'verified';
  } catch (error) {
    return `forged: ${(error as Error).message}`;
  }
}

function flat({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** By the public library of Standard Webhooks. */
export const verifyStandard =
  (secret: string): Verify =>
  ({ body, headers }) =>
    void new StandardWebhook(secret).verify(body, headers);

/** By Svix's public library, which Postack's documentation names. */
export const verifySvix =
  (secret: string): Verify =>
  ({ body, headers }) =>
    void new SvixWebhook(secret).verify(body, headers);

/** By the algorithm that Bird publishes: timestamp, address and the body's SHA-256 under HMAC-SHA256. */
export const verifyBird =
  (signingKey: string): Verify =>
  ({ url, headers, body }) => {
    const expected = createHmac('sha256', signingKey)
      .update(`${headers['messagebird-request-timestamp']}\n${url}\n`)
      .update(createHash('sha256').update(body).digest())
      .digest();
    const given = Buffer.from(headers['messagebird-signature'] ?? '', 'base64');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('wrong signature');
  };

/** By a header that must have this value: a token, Basic credentials or a secret of one's own. */
export const verifyHeader =
  (name: string, value: string): Verify =>
  ({ headers }) => {
    if (headers[name] !== value) throw new Error(`wrong ${name}`);
  };
