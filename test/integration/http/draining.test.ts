/** A server that ends while clients keep connections open. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { drainable } from '../../../src/http/listen.js';
import { eventually } from '../../support/eventually.js';

/** Keeps every request until it gets its response by the test. */
async function start() {
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => void waiting.push(response));
  const drain = drainable(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = async (text = ''): Promise<{ socket: Socket; received: () => string; closed: Promise<unknown> }> => {
    let received = '';
    const socket = connect(port, '127.0.0.1').on('data', (chunk) => (received += chunk.toString()));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    if (text !== '') socket.write(text);
    return { socket, received: () => received, closed: once(socket, 'close') };
  };
  return { drain, waiting, open };
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('waits for a request in flight and closes its connection', async () => {
  const { drain, waiting, open } = await start();
  const client = await open(REQUEST);
  const [response] = await eventually(
    async () => waiting,
    ({ length }) => length === 1,
  );
  const ended = drain.end(60_000);
  response!.end('done');
  await client.closed;
  expect(client.received()).toMatch(/connection: close[^]*done$/i);
  expect(await ended).toBe(0);
});

test('closes a connection whose headers were sent before the end began', async () => {
  const { drain, waiting, open } = await start();
  const client = await open(REQUEST);
  const [response] = await eventually(
    async () => waiting,
    ({ length }) => length === 1,
  );
  response!.write('begun');
  const ended = drain.end(60_000);
  response!.end();
  await client.closed;
  expect(await ended).toBe(0);
});

test('closes connections on which nothing was sent', async () => {
  const { drain, open } = await start();
  const client = await open();
  expect(await drain.end(60_000)).toBe(0);
  await client.closed;
});

test('aborts requests that take longer than the limit, and says how many', async () => {
  const { drain, waiting, open } = await start();
  const clients = [await open(REQUEST), await open(REQUEST)];
  await eventually(
    async () => waiting.length,
    (count) => count === 2,
  );
  expect(await drain.end(1)).toBe(2);
  await Promise.all(clients.map(({ closed }) => closed));
});
