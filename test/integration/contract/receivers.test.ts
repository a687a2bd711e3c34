/** The verifiers for web frameworks, with real Express and Fastify, and requests that another library signed. */
import express from 'express';
import fastify from 'fastify';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import {
  expressVerifier,
  fastifyVerifier,
  verifiedBody,
  VerificationError,
  verifyStandard,
  type Check,
  type VerifiedRequest,
} from '../../../src/providers/verify';

const SECRET = `whsec_${Buffer.from('a secret of at least twenty-four bytes').toString('base64')}`;
const check: Check = (received) => verifyStandard(received, SECRET);
const BODY = '{"type":"user.created",  "data":{"name":"Zoë"}}';

function signed(body: string, now = new Date()): Record<string, string> {
  return {
    'content-type': 'application/json',
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': new Webhook(SECRET).sign('msg_1', now, body),
  };
}

const close: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(close.map((each) => each())));

async function expressApp(): Promise<string> {
  const app = express();
  app.post('/hook', expressVerifier(check, 1_000), (request: VerifiedRequest, response) => {
    response.json({ body: request.body, bytes: request.rawBody!.length });
  });
  app.post('/late', express.json(), expressVerifier(check), (_request, response) => void response.end());
  app.use((error: Error, _request: unknown, response: express.Response, _next: unknown) => {
    response.status(500).send(error.message);
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  close.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function fastifyApp(): Promise<string> {
  const app = fastify({ bodyLimit: 1_000 });
  await app.register(async (scope) => {
    await scope.register(fastifyVerifier, { check });
    scope.post('/hook', async (request) => ({ body: request.body }));
  });
  app.post('/other', async (request) => ({ body: request.body }));
  close.push(() => app.close());
  return app.listen({ port: 0, host: '127.0.0.1' });
}

const post = (url: string, headers: Record<string, string>, body = BODY) =>
  fetch(url, { method: 'POST', headers: { connection: 'close', ...headers }, body });

describe.each([
  ['Express', expressApp],
  ['Fastify', fastifyApp],
])('%s', (_name, start) => {
  let url: string;
  beforeAll(async () => void (url = await start()));

  test('gives the handler the parsed body of a genuine request', async () => {
    const response = await post(`${url}/hook`, signed(BODY));
    expect([response.status, await response.json()]).toMatchObject([200, { body: JSON.parse(BODY) }]);
  });

  test('rejects a changed body, a missing header and an old time with 401 and the reason', async () => {
    const changed = await post(`${url}/hook`, signed(BODY), BODY.replace('Zoë', 'Eve'));
    expect([changed.status, await changed.text()]).toEqual([401, expect.stringContaining('no signature')]);
    const missing = await post(`${url}/hook`, { 'content-type': 'application/json' });
    expect([missing.status, await missing.text()]).toEqual([401, 'the header webhook-id is missing\n']);
    const old = await post(`${url}/hook`, signed(BODY, new Date(Date.now() - 3_600_000)));
    expect([old.status, await old.text()]).toEqual([401, 'the request is older than 300 s\n']);
  });

  test('rejects a body that is too large', async () => {
    const large = JSON.stringify({ text: 'x'.repeat(5_000) });
    expect((await post(`${url}/hook`, signed(large), large)).status).toBe(413);
  });
});

test('Express: says that a parser stands before the verifier', async () => {
  const response = await post(`${await expressApp()}/late`, signed(BODY));
  expect([response.status, await response.text()]).toEqual([500, expect.stringContaining('before express.json()')]);
});

test('Fastify: routes of other scopes keep their parsers', async () => {
  const response = await post(`${await fastifyApp()}/other`, { 'content-type': 'application/json' });
  expect(await response.json()).toEqual({ body: JSON.parse(BODY) });
});

test('Fetch: the body of a genuine request, and an error for another', async () => {
  const request = (body: string) => new Request('https://example.com', { method: 'POST', headers: signed(BODY), body });
  await expect(verifiedBody(request(BODY), check)).resolves.toBe(BODY);
  await expect(verifiedBody(request('{}'), check)).rejects.toThrow(VerificationError);
});
