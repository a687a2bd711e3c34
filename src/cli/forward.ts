/** Forwards requests to a receiver under development, as they came. */
import { request } from 'undici';
import type { Arrival, ReceivedRequest } from './receiver.js';

/** Headers of one connection, and those that the client writes itself. */
const OF_THE_CONNECTION = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
]);

/** Longer than any contract waits for a response, in milliseconds. */
const MAX_WAIT_MS = 60_000;

/** The response where the receiver under development gives none, so that the delivery is retried. */
const BAD_GATEWAY = 502;

/** Requests that can be forwarded again. */
const MAX_KEPT = 100;

type Forwarded = Pick<Arrival, 'status' | 'forwardError'>;

/** Forwards to one URL, and keeps the last requests in memory. */
export function createForwarder(url: string) {
  const kept = new Map<number, ReceivedRequest>();

  async function forward(received: ReceivedRequest): Promise<Forwarded> {
    kept.set(received.number, received);
    if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
    return send(url, received);
  }

  return {
    forward,
    /** Undefined when the request is none of the last ones. */
    forwardAgain: async (number: number): Promise<Forwarded | undefined> => {
      const received = kept.get(number);
      return received && send(url, received);
    },
  };
}

async function send(url: string, { method, headers, body }: ReceivedRequest): Promise<Forwarded> {
  try {
    const response = await request(url, {
      method,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name))),
      body,
      headersTimeout: MAX_WAIT_MS,
      bodyTimeout: MAX_WAIT_MS,
    });
    await response.body.dump();
    return { status: response.statusCode };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { status: BAD_GATEWAY, forwardError: `${url}: ${code ?? message}` };
  }
}
