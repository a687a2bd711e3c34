/** Receivers on this machine that misbehave as a test requires, and clients that may reach them. */
import { readFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import {
  createEgressClient,
  type ObservableEgressClient,
  type EgressSettings,
  type Exchange,
  type Lookup,
  type OutgoingRequest,
} from '../../src/egress/client.js';

/** A file of test/support/certs. */
export function certificate(name: string): string {
  return readFileSync(join(__dirname, 'certs', name), 'utf8');
}

export const LOOPBACK = ['127.0.0.0/8', '::1/128'];

const cleanUps: (() => Promise<void>)[] = [];

/** Closes everything that the test has opened; clients first, so that they close connections to open receivers. */
export async function closeAll(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}

export interface Receiver {
  readonly port: number;
  /** `http://127.0.0.1:port` and the path, or `https://localhost:port`. */
  url(path?: string): string;
  /** The number of connections so far. */
  readonly connections: number;
  /** Everything that each connection has received so far, as Latin-1. */
  readonly received: readonly string[];
  /** Resolves when no connection is open. */
  quiet(): Promise<void>;
}

interface ReceiverOptions {
  /** Called when a connection is open. */
  readonly onConnection?: (socket: Socket) => void;
  /** Called with each complete request, as Latin-1. */
  readonly onRequest?: (socket: Socket, request: string) => void;
  /** A file with a server certificate; makes it a TLS server. */
  readonly certificate?: string;
}

export async function receiver(options: ReceiverOptions): Promise<Receiver> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  let onQuiet: (() => void) | undefined;
  const accept = (socket: Socket): void => {
    const number = received.push('') - 1;
    let unread = '';
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) onQuiet?.();
    });
    socket.on('data', (data) => {
      received[number] += data.toString('latin1');
      unread += data.toString('latin1');
      const [, head = '', length = ''] = /^([^]*?content-length: (\d+)\r\n\r\n)/.exec(unread) ?? [];
      const size = head.length + Number(length);
      if (head === '' || unread.length < size) return;
      const request = unread.slice(0, size);
      unread = unread.slice(size);
      options.onRequest?.(socket, request);
    });
    options.onConnection?.(socket);
  };
  const server: Server =
    options.certificate === undefined
      ? createTcpServer(accept)
      : createTlsServer({ cert: certificate(options.certificate), key: certificate('server.key') }, accept);
  // The client reports failed handshakes.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const origin = options.certificate === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  return {
    port,
    url: (path = '/') => origin + path,
    get connections() {
      return received.length;
    },
    received,
    quiet: () => new Promise((resolve) => (sockets.size === 0 ? resolve() : (onQuiet = resolve))),
  };
}

/** A receiver that responds to each request with these bytes. */
export function responding(
  response: string | Buffer,
  options: Omit<ReceiverOptions, 'onRequest'> = {},
): Promise<Receiver> {
  return receiver({ ...options, onRequest: (socket) => void socket.write(response) });
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A client that may reach this machine by http, unless specified otherwise. */
export function client(
  settings: Partial<EgressSettings> = {},
  replaced: { lookup?: Lookup } = {},
): ObservableEgressClient {
  const made = createEgressClient(
    { allowNetworks: LOOPBACK, allowHttp: true, resolve: [], maxResponseBytes: 1024, ...settings },
    replaced,
  );
  cleanUps.push(() => made.close());
  return made;
}

/** A request, by default with more than enough time. */
export function request(url: string, changes: Partial<OutgoingRequest> = {}): OutgoingRequest {
  return { url, headers: [], body: '{}', timeLimitMs: 10_000, maxRedirects: 0, ...changes };
}

export type ReceivedResponse = Extract<Exchange, { kind: 'response' }>;
export type Failure = Extract<Exchange, { kind: 'failure' }>;

export function responseOf(exchange: Exchange): ReceivedResponse {
  if (exchange.kind !== 'response') throw new Error(`Failed: ${exchange.reason}: ${exchange.message}`);
  return exchange;
}

export function failureOf(exchange: Exchange): Failure {
  if (exchange.kind !== 'failure') throw new Error(`unexpected response: ${exchange.status}`);
  return exchange;
}
