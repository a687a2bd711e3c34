/** The load balancer of `npm run cluster`: what callers see while APIs die behind it. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pickPort } from '../../../src/embedded/ports.js';
import { startBalancer, type Balancer } from '../../../tools/cluster/balancer.js';

let servers: Server[];
let balancer: Balancer;

/** Starts an API that responds so, and returns its port. */
async function listen(handle: RequestListener): Promise<number> {
  const server = createServer(handle);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Responds with its name and the body of the request. */
const echo =
  (name: string): RequestListener =>
  (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => response.writeHead(202, { 'x-api': name }).end(body));
  };

async function post(body: string): Promise<{ status: number; api: string | null; text: string }> {
  const response = await fetch(`${balancer.url}/v1/events?a=1`, { method: 'POST', body });
  return { status: response.status, api: response.headers.get('x-api'), text: await response.text() };
}

beforeEach(() => {
  servers = [];
});
afterEach(async () => {
  await balancer.stop();
  for (const server of servers) server.close().closeAllConnections();
});

test('requests go to the APIs in turn', async () => {
  balancer = await startBalancer(await pickPort(), [await listen(echo('a')), await listen(echo('b'))]);
  const names = [await post('1'), await post('2'), await post('3')].map(({ api }) => api);
  expect(new Set(names.slice(0, 2))).toEqual(new Set(['a', 'b']));
  expect(names[2]).toBe(names[0]);
});

test('a request goes to the next API with its body when the first one does not run', async () => {
  balancer = await startBalancer(await pickPort(), [await pickPort(), await listen(echo('b'))]);
  for (const text of ['x'.repeat(100_000), 'y']) expect(await post(text)).toEqual({ status: 202, api: 'b', text });
});

test('there is no response when no API runs, or when one dies with the request', async () => {
  balancer = await startBalancer(await pickPort(), [await pickPort(), await pickPort()]);
  await expect(post('1')).rejects.toThrow('fetch failed');
  await balancer.stop();

  let requests = 0;
  const dies: RequestListener = (request) => {
    requests += 1;
    request.socket.destroy();
  };
  balancer = await startBalancer(await pickPort(), [await listen(dies), await listen(dies)]);
  await expect(post('1')).rejects.toThrow('fetch failed');
  // It may have been processed, so it is not repeated.
  expect(requests).toBe(1);
});
