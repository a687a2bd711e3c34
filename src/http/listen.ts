/** Starts HTTP servers. */
import type { Express } from 'express';
import { createServer, type Server } from 'node:http';
import { errorCode, portInUse } from '../lib/errors.js';
import { drainable, type Drain } from './draining.js';

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
