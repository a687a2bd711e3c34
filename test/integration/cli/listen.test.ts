/** `pigeonpost listen --forward-to`, with a receiver under development and requests that another library signed. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { start } from '../../support/cli';
import { createForwarder } from '../../../src/cli/forward';

const SECRET = `whsec_${Buffer.from('a secret of at least twenty-four bytes').toString('base64')}`;

let status = 200;
const received: { headers: IncomingHttpHeaders; body: string; url: string }[] = [];
const developed = createServer((request, response) => {
  void buffer(request).then((body) => {
    received.push({ headers: request.headers, body: body.toString(), url: request.url! });
    response.writeHead(status).end('a response');
  });
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => developed.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(developed.address() as AddressInfo).port}/webhooks?from=test`;
});
beforeEach(() => {
  received.length = 0;
  status = 200;
});
afterAll(() => new Promise((resolve) => developed.close(resolve)));

const listenTo = (to: string, config?: Parameters<typeof start>[1]) =>
  start(['listen', '--port', '0', '--provider', 'standard', '--secret', SECRET, '--forward-to', to, '--json'], config);

async function post(to: string, body: string, signedBody = body) {
  const now = new Date();
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': new Webhook(SECRET).sign('msg_1', now, signedBody),
    connection: 'close',
  };
  return (await fetch(to, { method: 'POST', headers, body })).status;
}

test('forwards what is genuine as it came, and responds with the status of the receiver', async () => {
  const listening = listenTo(url);
  const { listening: at } = JSON.parse((await listening.lines(1))[0]!) as { listening: string };
  const body = '{"type":"user.created", "data":{"name":"Zoë"}}';
  status = 418;
  expect(await post(at, body)).toBe(418);
  expect(await post(at, body.replace('Zoë', 'Eve'), body)).toBe(401);
  const lines = await listening.lines(3);
  expect(lines.slice(1).map((line) => JSON.parse(line))).toMatchObject([
    { number: 1, responseClass: 'genuine', status: 418 },
    { number: 2, responseClass: 'forged', status: 401 },
  ]);
  expect(received).toMatchObject([{ body, url: '/webhooks?from=test', headers: { 'webhook-id': 'msg_1' } }]);
  expect(() => new Webhook(SECRET).verify(received[0]!.body, received[0]!.headers as never)).not.toThrow();
  await listening.stop();
});

test('responds with 502 and says why when the receiver does not', async () => {
  const listening = listenTo('http://127.0.0.1:9/');
  const { listening: at } = JSON.parse((await listening.lines(1))[0]!) as { listening: string };
  expect(await post(at, '{}')).toBe(502);
  expect(JSON.parse((await listening.lines(2))[1]!)).toMatchObject({
    status: 502,
    forwardError: 'http://127.0.0.1:9/: ECONNREFUSED',
  });
  await listening.stop();
});

test('forwards one of the last hundred requests again', async () => {
  const { forward, forwardAgain } = createForwarder(url);
  const request = { method: 'POST', path: '/', headers: { 'webhook-id': 'msg_1' }, body: Buffer.from('{}') };
  for (let number = 1; number <= 101; number++) await forward({ ...request, number });
  expect(await forwardAgain(1)).toBeUndefined();
  expect(await forwardAgain(101)).toEqual({ status: 200 });
  expect(received).toHaveLength(102);
});

test('rejects what is no URL', async () => {
  const { exitCode, err } = await listenTo('localhost:3000').ended;
  expect([exitCode, err]).toEqual([1, expect.stringContaining('Write a URL such as http://localhost:3000/webhooks.')]);
});
