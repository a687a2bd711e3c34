/** A receiver of webhooks on 127.0.0.1 that records requests and responds as scripted. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values alternating, exactly as received. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly at: number;
}

/** The response: a status, or a function that writes it. */
export type Reply = number | ((response: ServerResponse, request: Received) => void);

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** Responses in sequence; the last one is repeated. */
  reply(...responses: Reply[]): void;
  /** Waits until this many requests have arrived in total, and returns them. */
  waitFor(count: number, timeoutMs?: number): Promise<readonly Received[]>;
  clear(): void;
  close(): Promise<void>;
}

/** With a key and a certificate (PEM) it uses https. */
export async function startReceiver({ tls }: { tls?: { key: string; cert: string } } = {}): Promise<Receiver> {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  let responses: Reply[] = [200];

  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const note = toReceived(request, Buffer.concat(chunks).toString('utf8'));
      received.push(note);
      const reply = responses.length > 1 ? responses.shift()! : responses[0]!;
      if (typeof reply === 'number') response.writeHead(reply).end();
      else reply(response, note);
      for (const wake of waiting) wake();
    });
  };
  const server = tls ? createTlsServer(tls, take) : createServer(take);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    received,
    reply: (...next) => void (responses = next),
    clear: () => void received.splice(0),
    async waitFor(count, timeoutMs = 20_000) {
      if (received.length >= count) return received;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`${received.length} of ${count} requests came within ${timeoutMs} ms`));
        }, timeoutMs);
        const look = (): void => {
          if (received.length < count) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
      });
      return received;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toReceived(request: IncomingMessage, body: string): Received {
  const { method = '', url = '', headers, rawHeaders } = request;
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  return { method, path: url, headers: flat, rawHeaders, body, at: Date.now() };
}
