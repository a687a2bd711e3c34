/** Ending a server whose clients keep their connections open and go on sending. */
import type { Server, ServerResponse } from 'http';
import type { Socket } from 'net';

/** A server that can be ended in order. */
export interface Drain {
  /** Aborted once the server is ending. */
  readonly signal: AbortSignal;
  /** Has every response from now on close its connection, and closes connections that are idle. New ones are accepted. */
  begin(): void;
  /**
   * Accepts no more connections and waits for the requests in flight; those that take longer than `limitMs` milliseconds
   * are aborted. Returns how many these were.
   */
  end(limitMs: number): Promise<number>;
}

/** Prepares a server for its end; to be called before it listens. */
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
      // Its headers may have been sent before the end began.
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
        // Node.js counts connections on which nothing was ever sent as busy.
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
