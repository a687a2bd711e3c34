/** Starts HTTP servers, and stops them while clients keep their connections open and continue to send requests. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Express } from 'express';
import { errorCode, portInUse } from '../lib/errors.js';

/** A listening server. */
export interface Listening {
  readonly url: string;
  readonly drain: Drain;
}

/** Starts a server. Throws an OperatorError when the port is in use; `variable` is the setting that changes it. */
export function listen(
  handler: (drain: Drain) => Express,
  { host, port }: { host: string; port: number },
  what: string,
  variable: string,
): Promise<Listening> {
  const server = createServer();
  const drain = drainable(server);
  server.on('request', handler(drain));
  return new Promise((resolve, reject) => {
    server.once('listening', () => resolve({ url: urlOf(server, host), drain }));
    server.once('error', (error) => {
      reject(errorCode(error) === 'EADDRINUSE' ? portInUse(what, port, variable) : error);
    });
    server.listen(port, host);
  });
}

/** The URL of a listening server. */
function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}

/** Controls the shutdown of a server. */
export interface Drain {
  /** Aborted when the shutdown begins. */
  readonly signal: AbortSignal;
  /** Closes idle connections, and every other one after its next response. New connections are still accepted. */
  begin(): void;
  /**
   * Accepts no more connections and waits for the requests in flight. Requests that take longer than `limitMs`
   * milliseconds are aborted. Returns the number of aborted requests.
   */
  end(limitMs: number): Promise<number>;
}

/** Prepares a server for graceful shutdown; call it before the server listens. */
export function drainable(server: Server): Drain {
  const ending = new AbortController();
  const sockets = new Set<Socket>();
  const inFlight = new Set<ServerResponse>();

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.prependListener('request', (_request, response: ServerResponse) => {
    if (ending.signal.aborted) closeAfter(response);
    inFlight.add(response);
    response.once('close', () => {
      inFlight.delete(response);
      // Its headers may have been sent before the shutdown began.
      if (ending.signal.aborted) setImmediate(() => server.closeIdleConnections());
    });
  });

  const begin = (): void => {
    ending.abort();
    for (const response of inFlight) closeAfter(response);
    server.closeIdleConnections();
  };
  return {
    signal: ending.signal,
    begin,
    async end(limitMs) {
      begin();
      let aborted = 0;
      const limit = setTimeout(() => {
        aborted = inFlight.size;
        server.closeAllConnections();
      }, limitMs);
      await new Promise((resolve) => {
        server.close(resolve);
        // Node.js counts connections without any request as busy.
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      });
      clearTimeout(limit);
      return aborted;
    },
  };
}

function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
