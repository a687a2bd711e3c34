/** A load balancer for the APIs: in turn, and the next one where a connection is refused. */
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { LOCALHOST } from '#src/embedded/ports.js';

export interface Balancer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Listens on a port, and forwards requests to the ports of the APIs. */
export async function startBalancer(port: number, apiPorts: readonly number[]): Promise<Balancer> {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    turn = (turn + 1) % apiPorts.length;
    const inTurn = [...apiPorts.slice(turn), ...apiPorts.slice(0, turn)];
    forward(incoming, outgoing, inTurn);
  });
  server.listen(port, LOCALHOST);
  await once(server, 'listening');
  return { url: `http://${LOCALHOST}:${port}`, stop: () => close(server) };
}

/** Tries the next API only where no connection was made: a request that may have been processed is not repeated. */
function forward(incoming: IncomingMessage, outgoing: ServerResponse, [port, ...others]: readonly number[]): void {
  const { method, url, headers } = incoming;
  const forwarded = request({ host: LOCALHOST, port, method, path: url, headers }, (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(outgoing);
    // The connection to the API broke in the middle of the response.
    response.on('error', () => outgoing.destroy());
  });
  outgoing.on('close', () => forwarded.destroy());
  forwarded.on('error', (error: NodeJS.ErrnoException) => {
    incoming.unpipe(forwarded);
    if (error.code === 'ECONNREFUSED' && others.length > 0 && !outgoing.destroyed) forward(incoming, outgoing, others);
    // As for a caller without a balancer: no response at all.
    else outgoing.destroy();
  });
  // The body is read only once there is a connection, so that it is still there for the next API.
  forwarded.once('socket', (socket) => {
    const send = () => incoming.pipe(forwarded);
    if (socket.connecting) socket.once('connect', send);
    else send();
  });
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, 'close');
}
