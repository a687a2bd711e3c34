/** Listening for HTTP requests. */
import type { Express } from 'express';
import type { Server } from 'http';
import { errorCode, portInUse } from '../errors.js';

/** Listens. Throws an OperatorError when the port is in use; `variable` is the setting that changes it. */
export function listen(
  app: Express,
  { host, port }: { host: string; port: number },
  what: string,
  variable: string,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = app.listen(port, host);
    server.once('listening', () => resolve(server));
    server.once('error', (error) => {
      reject(errorCode(error) === 'EADDRINUSE' ? portInUse(what, port, variable) : error);
    });
  });
}

/** Where a server that listens is found. */
export function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}

/** Takes no more requests and waits for those under way. */
export async function stopListening(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
  });
}
