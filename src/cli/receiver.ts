/** A receiver for trying things out: records requests, verifies them, and responds as configured. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request as it came, and what became of it. */
export interface Arrival {
  /** Counted from 1. */
  readonly number: number;
  /** ISO 8601. */
  readonly at: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** `unchecked` where nothing is known to check with. */
  readonly responseClass: 'genuine' | 'forged' | 'unchecked';
  /** Why it counts as forged. */
  readonly reason?: string;
  /** The status of the response. */
  readonly status: number;
  /** Why the request could not be forwarded. */
  readonly forwardError?: string;
}

/** The part of a request that decides the response to it. */
export type ReceivedRequest = Pick<Arrival, 'number' | 'method' | 'path' | 'headers'> & { readonly body: Buffer };

export interface Behaviour {
  /** Throws an Error unless the request is genuine; undefined when there is nothing to check with. */
  readonly verify: ((request: Pick<ReceivedRequest, 'path' | 'headers' | 'body'>) => void) | undefined;
  /** The response to a request that is not forged. */
  readonly respond: (request: ReceivedRequest) => Promise<Pick<Arrival, 'status' | 'forwardError'>>;
  /** How long to wait before responding, in milliseconds. */
  readonly delayMs: number;
  /** Key and certificate, PEM, to speak https; undefined for http. */
  readonly tls: { readonly key: string; readonly cert: string } | undefined;
  readonly onArrival: (arrival: Arrival) => void;
}

/** The response to requests that are not genuine. */
const FORGED = 401;

/** Not started yet: `listen` is the caller's. */
export function createReceiver(behaviour: Behaviour): Server {
  let count = 0;
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const number = (count += 1);
    receive(behaviour, number, request, response).catch(() => response.destroy());
  };
  return behaviour.tls ? createTlsServer(behaviour.tls, take) : createServer(take);
}

async function receive(
  { verify, respond, delayMs, onArrival }: Behaviour,
  number: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const at = new Date().toISOString();
  const { method = '', url: path = '' } = request;
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const body = await buffer(request);
  const classified = classifyResponse(verify, { path, headers, body });
  const responded =
    classified.responseClass === 'forged' ? { status: FORGED } : await respond({ number, method, path, headers, body });
  if (delayMs > 0) await sleep(delayMs);
  // The sender no longer waits after its time limit, but the request has arrived.
  response.writeHead(responded.status).end();
  await finished(response).catch(() => undefined);
  onArrival({ number, at, method, path, headers, body: body.toString('utf8'), ...classified, ...responded });
}

function classifyResponse(
  verify: Behaviour['verify'],
  request: Pick<ReceivedRequest, 'path' | 'headers' | 'body'>,
): Pick<Arrival, 'responseClass' | 'reason'> {
  if (!verify) return { responseClass: 'unchecked' };
  try {
    verify(request);
    return { responseClass: 'genuine' };
  } catch (error) {
    return { responseClass: 'forged', reason: (error as Error).message };
  }
}
