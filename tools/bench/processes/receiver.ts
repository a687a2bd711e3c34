/** The receivers of all loads: they accept everything at once, count, and note when. */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { nowMs } from '../clock.js';
import { serve } from './remote.js';

/** What arrived since `expect`. */
export interface Arrivals {
  readonly count: number;
  /** When the last one arrived, by `nowMs`. */
  readonly lastMs: number;
  /** Each time from when an event was due to its arrival, where that was asked for. */
  readonly latenciesMs: readonly number[];
  /** The longest time in milliseconds in which nothing arrived. */
  readonly longestPauseMs: number;
}

/** TLS handshakes since `expect`. */
export interface Handshakes {
  readonly full: number;
  /** Those that resumed a session. */
  readonly resumed: number;
}

interface Expectation {
  readonly count: number;
  /** Whether bodies are read for when they were due. */
  readonly timed: boolean;
  /** Paths without a response until `letGo`, and not counted before. */
  readonly hanging: readonly string[];
  /** Whether every request gets a 503 and is not counted. */
  readonly down?: boolean;
  /** Whether connections that are idle are closed, so that the sender has to open them again. */
  readonly reconnect?: boolean;
}

/** How long nothing may arrive before the rest is given up, in milliseconds. */
const MAX_WAIT_MS = 60_000;
/** What a receiver that is down asks for: as long as any contract waits. */
const RETRY_AFTER_SECONDS = '3600';

let expected: Expectation = { count: 0, timed: false, hanging: [] };
let count = 0;
let lastMs = 0;
let latenciesMs: number[] = [];
let longestPauseMs = 0;
let handshakes = { full: 0, resumed: 0 };
let server: Server;
let onComplete = (): void => undefined;
const hangingResponses: ServerResponse[] = [];

function arrived(dueAtMs?: number): void {
  const atMs = nowMs();
  longestPauseMs = Math.max(longestPauseMs, atMs - lastMs);
  lastMs = atMs;
  count += 1;
  if (dueAtMs !== undefined) latenciesMs.push(lastMs - dueAtMs);
  if (count === expected.count) onComplete();
}

const receive: RequestListener = (request, response) => {
  const { timed, hanging, down } = expected;
  let body = '';
  if (timed) request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  else request.resume();
  request.on('end', () => {
    if (hanging.includes(request.url!)) return void hangingResponses.push(response);
    if (down) return void response.writeHead(503, { 'retry-after': RETRY_AFTER_SECONDS }).end();
    response.writeHead(200).end();
    arrived(timed ? Number(/"dueAtMs":([\d.]+)/.exec(body)?.[1]) : undefined);
  });
};

export const receiver = serve({
  /** Listens and gives its port; with a key and a certificate (PEM) by https. */
  async listen(tls: { readonly key: string; readonly cert: string } | undefined): Promise<number> {
    server = tls ? createTlsServer(tls, receive) : createServer(receive);
    server.on(
      'secureConnection',
      (socket: TLSSocket) => (handshakes[socket.isSessionReused() ? 'resumed' : 'full'] += 1),
    );
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1_024, resolve));
    return (server.address() as AddressInfo).port;
  },
  /** Counts again. */
  expect(expectation: Expectation): void {
    expected = expectation;
    count = 0;
    lastMs = nowMs();
    latenciesMs = [];
    longestPauseMs = 0;
    handshakes = { full: 0, resumed: 0 };
    if (expectation.reconnect) server.closeIdleConnections();
  },
  /** What arrived, once everything that was expected has. Rejects when nothing arrives any more. */
  async arrivals(): Promise<Arrivals> {
    await new Promise<void>((resolve, reject) => {
      const look = setInterval(() => {
        if (nowMs() - lastMs < MAX_WAIT_MS) return;
        clearInterval(look);
        reject(new Error(`only ${count} of ${expected.count} deliveries arrived`));
      }, 1_000);
      onComplete = () => {
        clearInterval(look);
        resolve();
      };
      if (count >= expected.count) onComplete();
    });
    return { count, lastMs, latenciesMs, longestPauseMs };
  },
  /** What arrived up to now. */
  soFar(): Arrivals {
    return { count, lastMs, latenciesMs, longestPauseMs };
  },
  handshakes(): Handshakes {
    return handshakes;
  },
  /** Responds to requests that hang, and to all later ones. */
  letGo(): void {
    expected = { ...expected, hanging: [] };
    for (const response of hangingResponses.splice(0)) if (!response.destroyed) response.writeHead(200).end();
  },
});
export type ReceiverMethods = typeof receiver;
