import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { OperatorError, portInUse } from '../lib/errors.js';

/** The one address the embedded servers listen on. */
export const LOCALHOST = '127.0.0.1';

/** Below the ports that operating systems give to outgoing connections, so that a kept port stays free. */
const PICKED_FROM = 20_000;
const PICKED_BELOW = 30_000;
const TRIES = 100;

/** Whether nothing listens on this port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOCALHOST, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Fails when something listens on `port`; `variable` is the setting that changes it. */
export async function checkFree(what: string, port: number, variable: string): Promise<void> {
  if (!(await isFree(port))) throw portInUse(what, port, variable);
}

/** Some port of 127.0.0.1 that nothing listens on. */
export async function pickPort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = randomInt(PICKED_FROM, PICKED_BELOW);
    if (await isFree(port)) return port;
  }
  throw new OperatorError(`No free port was found between ${PICKED_FROM} and ${PICKED_BELOW} on ${LOCALHOST}.`);
}
