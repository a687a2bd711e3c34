/** What clients cost that ask and do not read. */
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Server } from 'node:http';
import express from 'express';
import { limitUnreadResponses, type UnreadLimits } from '../../../src/http/unread-responses.js';

const MIB = 1_048_576;
/** More than the buffers of a connection on loopback hold. */
const RESPONSE = Buffer.alloc(16 * MIB);

const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function start(limits: UnreadLimits): Promise<{ port: number; unread: () => number }> {
  const open = new Set<express.Response>();
  const app = express();
  app.use(limitUnreadResponses(limits));
  app.get('/', (_request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    response.end(RESPONSE);
  });
  const server = app.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    unread: () => [...open].reduce((total, response) => total + response.writableLength, 0),
  };
}

/** Sends a request and reads nothing of the response until it is asked to. */
async function ask(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  sockets.push(socket);
  await once(socket, 'connect');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  return socket;
}

async function bytesOf(socket: Socket): Promise<number> {
  let bytes = 0;
  socket
    .on('data', (chunk: Buffer) => (bytes += chunk.length))
    .on('error', () => undefined)
    .resume();
  await once(socket, 'close');
  return bytes;
}

test('closes the connection that waits the longest when unread responses have too many bytes', async () => {
  const { port, unread } = await start({ idleMs: 600_000, maxBytes: 40 * MIB });
  const clients = [];
  for (let count = 0; count < 8; count += 1) {
    clients.push(await ask(port));
    await fetchOne(port);
  }
  expect(unread()).toBeLessThanOrEqual(40 * MIB);
  expect(await bytesOf(clients[0]!)).toBeLessThan(RESPONSE.length);
  expect(await bytesOf(clients.at(-1)!)).toBeGreaterThan(RESPONSE.length);
});

test('closes the connection of a client that reads nothing within the time limit', async () => {
  const { port } = await start({ idleMs: 50, maxBytes: Infinity });
  const connected = once(servers[0]!, 'connection') as Promise<[Socket]>;
  const client = await ask(port);
  const [connection] = await connected;
  await once(connection, 'close');
  expect(await bytesOf(client)).toBeLessThan(RESPONSE.length);
});

/** One whole response: by then the requests before it were responded to. */
async function fetchOne(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  await response.arrayBuffer();
}
