/** Listening for HTTP requests. */
import type { Express } from 'express';
import { createServer, type Server } from 'http';
import { errorCode, portInUse } from '../lib/errors.js';
import { drainable, type Drain } from './draining.js';

/** A server that listens. */
export interface Listening {
  readonly url: string;
  readonly drain: Drain;
}

/** Listens. Throws an OperatorError when the port is in use; `variable` is the setting that changes it. */
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

/** Where a server that listens is found. */
function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}
