/** Graceful shutdown of a server whose clients keep their connections open and continue to send requests. */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

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
