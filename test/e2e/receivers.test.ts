/** Receivers of every kind, on real sockets, and the attempt that is recorded for each, with its reason. */
import type { Socket } from 'node:net';
import { samples } from '../support/samples.js';
import { certificate, closeAll, receiver as rawReceiver, type Receiver as RawReceiver } from '../support/egress.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { emitExample } from '../support/subscriptions.js';
import { startSystem, type TestSystem } from '../support/system.js';

/** Maximum size of a stored response excerpt, in bytes. */
const EXCERPT = 16_384;

let system: TestSystem;
let receiver: Receiver;
let raw: RawReceiver;
let secure: RawReceiver;
let reply: (socket: Socket) => void;

beforeAll(async () => {
  const onRequest = (socket: Socket): void => reply(socket);
  [receiver, raw, secure] = await Promise.all([
    startReceiver(),
    rawReceiver({ onRequest }),
    rawReceiver({ onRequest, certificate: 'server.pem' }),
  ]);
  system = await startSystem({
    extraCa: certificate('ca.pem'),
    maxResponseBytes: EXCERPT,
    resolve: [
      { host: 'hooks.example.test', port: 443, address: '127.0.0.1', targetPort: secure.port },
      { host: 'inside.example.test', port: 80, address: '10.1.2.3' },
      { host: 'other.invalid', port: 443, address: '127.0.0.1', targetPort: secure.port },
    ],
  });
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
  await closeAll();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

/** Deliveries whose schedule would continue during other tests. */
const open: string[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((id) => system.ask('POST', `/v1/deliveries/${id}/cancel`)));
});

interface Setup {
  readonly provider?: string;
  readonly eventType?: string;
  readonly settings?: object;
}

/** Delivers the documented example of an event; the delivery, once its first attempt is recorded. */
async function deliver(url: string, { provider = 'standard', eventType = 'user.created', settings = {} }: Setup = {}) {
  const { deliveryId } = await emitExample(system.ask, provider, eventType, { url, settings });
  const delivery = await system.settled(deliveryId, 'delivered', 'retrying', 'failed');
  if (delivery.state === 'retrying') open.push(deliveryId);
  return delivery;
}

/** Responds to each connection with these bytes and closes it. */
function saying(...parts: (string | Buffer)[]): void {
  reply = (socket) => {
    for (const part of parts) socket.write(part);
    socket.end();
  };
}

const respondedWith = (head: string, body = '') =>
  `HTTP/1.1 ${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe('a receiver that responds', () => {
  test.each([200, 201, 202, 204, 299])('with %i accepts', async (status) => {
    receiver.reply(status);
    const delivery = await deliver(`${receiver.url}/in?x=1`);
    expect(delivery).toMatchObject({ state: 'delivered', attemptCount: 1, lastStatus: status, lastReason: null });
    expect(delivery.attempts).toMatchObject([
      { number: 1, run: 0, outcome: 'accepted', status, reason: null, message: null, url: `${receiver.url}/in?x=1` },
    ]);
  });

  test.each([300, 304, 400, 401, 404, 409, 418, 429, 500, 502, 503, 599])('with %i refuses', async (status) => {
    receiver.reply(status);
    const delivery = await deliver(receiver.url);
    expect(delivery).toMatchObject({ state: 'retrying', lastStatus: status, lastReason: 'status' });
    expect(delivery.attempts).toMatchObject([
      { number: 1, outcome: 'refused', status, reason: 'status', message: `the receiver responded with ${status}` },
    ]);
    expect(Date.parse(delivery.nextAttemptAt as string)).toBeGreaterThan(Date.now() - 1_000);
  });

  test.each([
    ['postmark', 'Open', {}],
    ['postpress', 'message_received', {}],
  ])('with 204 refuses when %s requires 200', async (provider, eventType, settings) => {
    receiver.reply(204);
    const delivery = await deliver(receiver.url, { provider, eventType, settings });
    expect(delivery).toMatchObject({ state: 'retrying', lastStatus: 204 });
    expect(delivery.attempts).toMatchObject([{ outcome: 'refused', status: 204, reason: 'status' }]);
  });

  test('with 204 accepts when the contract of 2026 does', async () => {
    receiver.reply(204);
    const delivery = await deliver(receiver.url, {
      provider: 'postmark',
      eventType: 'Open',
      settings: { contract: '2026' },
    });
    expect(delivery).toMatchObject({ state: 'delivered', lastStatus: 204 });
  });

  test.each([301, 302, 303, 307, 308])('with %i to another URL is refused and not followed', async (status) => {
    receiver.reply((response) => void response.writeHead(status, { location: `${receiver.url}/elsewhere` }).end());
    const delivery = await deliver(`${receiver.url}/in`);
    expect(delivery.attempts).toMatchObject([
      { outcome: 'refused', status, reason: 'status', responseHeaders: { location: `${receiver.url}/elsewhere` } },
    ]);
    expect(receiver.received.map(({ path }) => path)).toEqual(['/in']);
  });

  test('with 302 to another URL is followed when the contract does', async () => {
    receiver.reply((response) => void response.writeHead(302, { location: '/elsewhere' }).end(), 200);
    const setup = { provider: 'postmark', eventType: 'Open', settings: { contract: '2026' } };
    const delivery = await deliver(`${receiver.url}/in`, setup);
    expect(delivery).toMatchObject({ state: 'delivered', lastStatus: 200 });
    expect(receiver.received.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /in', 'POST /elsewhere']);
    expect(receiver.received[1]!.body).toBe(receiver.received[0]!.body);
  });

  test('with a body has an excerpt and all headers stored', async () => {
    receiver.reply((response) => void response.writeHead(500, { 'X-Trace': 'a b' }).end('out of order: größer'));
    const { attempts } = await deliver(receiver.url);
    expect(attempts).toMatchObject([
      {
        responseExcerpt: 'out of order: größer',
        responseTruncated: false,
        responseHeaders: { 'x-trace': 'a b' },
        requestHeaders: expect.arrayContaining([{ name: 'Content-Type', value: 'application/json' }]),
      },
    ]);
  });

  test('with an endless body accepts, and only an excerpt is stored', async () => {
    receiver.reply((response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(65_536, 'x');
      const more = (): void => {
        while (!response.destroyed) if (!response.write(chunk)) return void response.once('drain', more);
      };
      more();
    });
    const { attempts, state } = await deliver(receiver.url);
    expect(state).toBe('delivered');
    expect(attempts).toMatchObject([{ outcome: 'accepted', status: 200, responseTruncated: true }]);
    expect((attempts[0] as unknown as { responseExcerpt: string }).responseExcerpt).toBe('x'.repeat(EXCERPT));
  });

  test('with bytes that are no text has the storable part stored', async () => {
    const text = 'HTTP/1.1 500 Oops\r\nX-Odd: caf\xe9\r\n__proto__: x\r\nContent-Length: 7\r\n\r\na\0b\xff\xfe\x01c';
    saying(Buffer.from(text, 'latin1'));
    const { attempts } = await deliver(raw.url());
    expect(attempts).toMatchObject([
      {
        outcome: 'refused',
        status: 500,
        responseExcerpt: 'ab\ufffd\ufffd\x01c',
        responseHeaders: { 'x-odd': 'caf\xe9' },
      },
    ]);
  });
});

describe('a receiver without a valid response', () => {
  test.each<[string, () => void, string, RegExp]>([
    ['hangs up at once', () => (reply = (socket) => void socket.destroy()), 'reset', /closed the connection/],
    [
      'hangs up in the middle of its headers',
      () => saying('HTTP/1.1 200 OK\r\nContent-Le'),
      'reset',
      /closed the connection/,
    ],
    [
      'hangs up in the middle of its body',
      () => saying('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
      'reset',
      /closed the connection/,
    ],
    [
      'hangs up in the middle of a chunk',
      () => saying('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf'),
      'reset',
      /closed the connection/,
    ],
    ['speaks another protocol', () => saying('SSH-2.0-OpenSSH_9.6\r\n'), 'invalid_response', /HTTP/],
    ['responds without a status', () => saying('HTTP/1.1 OK\r\n\r\n'), 'invalid_response', /HTTP/],
    [
      'responds with two lengths',
      () => saying('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
      'invalid_response',
      /Content-Length/,
    ],
    [
      'switches protocols',
      () => saying('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      'invalid_response',
      /./,
    ],
    [
      'sends headers without end',
      () => saying(`HTTP/1.1 200 OK\r\n${`X-A: ${'x'.repeat(1_000)}\r\n`.repeat(100)}`),
      'invalid_response',
      /headers/,
    ],
  ])('%s', async (_what, prepare, reason, message) => {
    prepare();
    const delivery = await deliver(raw.url('/in'));
    expect(delivery).toMatchObject({ state: 'retrying', lastStatus: null, lastReason: reason });
    expect(delivery.attempts).toMatchObject([
      { number: 1, outcome: 'failed', status: null, reason, message: expect.stringMatching(message) },
    ]);
  });
});

describe('a receiver that cannot be reached', () => {
  test('because nothing listens there', async () => {
    const gone = await startReceiver();
    await gone.close();
    const { attempts } = await deliver(gone.url);
    expect(attempts).toMatchObject([{ outcome: 'failed', reason: 'refused', status: null, url: gone.url }]);
  });

  test('because its name does not exist', async () => {
    const { attempts } = await deliver('http://does-not-exist.invalid/');
    expect(attempts).toMatchObject([
      { outcome: 'failed', reason: 'dns', message: expect.stringMatching('does-not-exist.invalid') },
    ]);
  });

  test('because its name resolves to a private address, which is not reported', async () => {
    const { attempts } = await deliver('http://inside.example.test/');
    expect(attempts).toMatchObject([{ outcome: 'failed', reason: 'blocked' }]);
    expect(JSON.stringify(attempts)).not.toContain('10.1.2.3');
  });

  test.each([
    ['because its certificate is for another name', () => 'https://other.invalid/', /another host name/],
    ['because it speaks no TLS', () => `https://127.0.0.1:${receiver.port}/`, /TLS/],
  ])('%s', async (_why, url, message) => {
    const { attempts } = await deliver(url());
    expect(attempts).toMatchObject([{ outcome: 'failed', reason: 'tls', message: expect.stringMatching(message) }]);
  });

  test('because its certificate has expired', async () => {
    const expired = await rawReceiver({ certificate: 'expired.pem' });
    const { attempts } = await deliver(`https://127.0.0.1:${expired.port}/`);
    expect(attempts).toMatchObject([{ outcome: 'failed', reason: 'tls', message: expect.stringMatching('expired') }]);
  });
});

test.each(samples)('$provider delivers to a receiver with a valid certificate', async ({ provider, eventType }) => {
  saying(respondedWith('200 OK', 'thanks'));
  const before = secure.received.length;
  const delivery = await deliver('https://hooks.example.test/in', { provider, eventType });
  expect(delivery).toMatchObject({ state: 'delivered', lastStatus: 200, attemptCount: 1 });
  expect(delivery.attempts).toMatchObject([{ outcome: 'accepted', responseExcerpt: 'thanks' }]);
  const request = secure.received.slice(before).join('');
  expect(request).toMatch(/^POST \/in HTTP\/1\.1\r\nhost: hooks\.example\.test\r\n/i);
  const { rows } = await system.database.store.pool.query<{ body: string }>(
    'SELECT body FROM event_bodies WHERE event_id = $1',
    [delivery.eventId],
  );
  expect(Buffer.from(request, 'latin1').toString('utf8')).toContain(`\r\n\r\n${rows[0]!.body}`);
});

test('masks secrets of a request in the stored request', async () => {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'postmark', name: 'Acme' })).body;
  const { body } = await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: `http://kim:password-4711@127.0.0.1:${receiver.port}/in`,
    eventTypes: ['Open'],
    headers: { 'X-Token': 'header-4712' },
  });
  await system.ask('POST', `/v1/subscriptions/${body.id}/test`);
  const [request] = await receiver.waitFor(1);
  expect(request!.headers).toMatchObject({
    authorization: `Basic ${Buffer.from('kim:password-4711').toString('base64')}`,
    'x-token': 'header-4712',
  });
  const [{ id }] = (await system.ask('GET', `/v1/deliveries?subscriptionId=${body.id}`)).body.data;
  const { attempts } = await system.settled(id, 'delivered');
  expect(attempts).toMatchObject([
    {
      url: `${receiver.url}/in`,
      requestHeaders: expect.arrayContaining([
        { name: 'Authorization', value: '***' },
        { name: 'X-Token', value: '***' },
      ]),
    },
  ]);
  const { rows } = await system.database.store.pool.query('SELECT * FROM attempts WHERE delivery_id = $1', [id]);
  expect(JSON.stringify(rows)).not.toMatch(/4711|4712|a2ltOnBhc3N3b3Jk/);
});
