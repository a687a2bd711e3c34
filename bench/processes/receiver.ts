/** The receivers of all loads: they accept everything at once, count, and note when. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { nowMs } from '../clock.js';
import { serve } from './remote.js';

/** What arrived since `expect`. */
export interface Arrivals {
  readonly count: number;
  /** When the last one arrived, by `nowMs`. */
  readonly lastMs: number;
  /** Each time from when an event was due to its arrival, where that was asked for. */
  readonly latenciesMs: readonly number[];
}

interface Expectation {
  readonly count: number;
  /** Whether bodies are read for when they were due. */
  readonly timed: boolean;
  /** Paths that are never answered, and not counted. */
  readonly hanging: readonly string[];
}

let expected: Expectation = { count: 0, timed: false, hanging: [] };
let count = 0;
let lastMs = 0;
let latenciesMs: number[] = [];
let onComplete = (): void => undefined;
let closeConnections = (): void => undefined;
let complete: Promise<void> = Promise.resolve();

function arrived(dueAtMs?: number): void {
  lastMs = nowMs();
  count += 1;
  if (dueAtMs !== undefined) latenciesMs.push(lastMs - dueAtMs);
  if (count === expected.count) onComplete();
}

const receive: RequestListener = (request, response) => {
  if (expected.hanging.includes(request.url!)) return void request.resume();
  const { timed } = expected;
  let body = '';
  if (timed) request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  else request.resume();
  request.on('end', () => {
    response.writeHead(200).end();
    arrived(timed ? Number(/"dueAtMs":([\d.]+)/.exec(body)?.[1]) : undefined);
  });
};

export const receiver = serve({
  /** Listens and gives its port; with a key and a certificate (PEM) by https. */
  async listen(tls: { readonly key: string; readonly cert: string } | undefined): Promise<number> {
    const server = tls ? createTlsServer(tls, receive) : createServer(receive);
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1_024, resolve));
    closeConnections = () => server.closeAllConnections();
    return (server.address() as AddressInfo).port;
  },
  /** Counts anew. */
  expect(expectation: Expectation): void {
    expected = expectation;
    count = 0;
    latenciesMs = [];
    complete = new Promise((resolve) => (onComplete = resolve));
  },
  /** What arrived, once everything that was expected has. */
  async arrivals(): Promise<Arrivals> {
    await complete;
    return { count, lastMs, latenciesMs };
  },
  /** Breaks off what hangs and answers everything from now on. */
  letGo(): void {
    expected = { ...expected, hanging: [] };
    closeConnections();
  },
});
export type ReceiverMethods = typeof receiver;
