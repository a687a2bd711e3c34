import {
  responding,
  responseOf,
  certificate,
  client,
  closeAll,
  failureOf,
  LOOPBACK,
  OK,
  receiver,
  request,
  type Receiver,
} from '../../support/egress.js';

afterEach(closeAll);

const trusting = { extraCa: certificate('ca.pem') };
const byName = { lookup: async () => ['127.0.0.1'] };

test('an authority of the settings is trusted', async () => {
  const target = await responding(OK, { certificate: 'server.pem' });
  expect(responseOf(await client(trusting).send(request(target.url())))).toMatchObject({ status: 200, excerpt: 'ok' });
});

test('addresses in URLs are checked against the certificate', async () => {
  const target = await responding(OK, { certificate: 'server.pem' });
  expect((await client(trusting).send(request(`https://127.0.0.1:${target.port}/`))).kind).toBe('response');
});

test('with a resolve rule the certificate and the host header are those of the URL', async () => {
  const target = await responding(OK, { certificate: 'server.pem' });
  const to = { port: 443, address: '127.0.0.1', targetPort: target.port };
  const sender = client({
    ...trusting,
    resolve: [
      { ...to, host: 'hooks.example.test' },
      { ...to, host: 'hooks.other.test' },
    ],
  });
  expect((await sender.send(request('https://hooks.example.test/'))).kind).toBe('response');
  expect(target.received[0]).toContain('\r\nhost: hooks.example.test\r\n');
  expect(failureOf(await sender.send(request('https://hooks.other.test/'))).reason).toBe('tls');
});

test('a name with a full stop at its end is the same name', async () => {
  const target = await responding(OK, { certificate: 'server.pem' });
  expect((await client(trusting, byName).send(request(`https://example.test.:${target.port}/`))).kind).toBe('response');
});

describe('failures', () => {
  test.each([
    ['an unknown authority', {}, 'server.pem', 'example.test', 'comes without the certificates of its authority'],
    ['another host name', trusting, 'server.pem', 'example.com', 'is for another host name'],
    ['too deep a host name', trusting, 'server.pem', 'a.b.example.test', 'is for another host name'],
    ['an expired certificate', trusting, 'expired.pem', 'example.test', 'has expired'],
  ])('%s', async (_what, settings, file, host, why) => {
    const target = await responding(OK, { certificate: file });
    const failure = failureOf(await client(settings, byName).send(request(`https://${host}:${target.port}/`)));
    expect(failure.reason).toBe('tls');
    expect(failure.message).toContain(`The certificate of ${host}:${target.port} ${why}`);
    expect(target.received.join('')).toBe('');
  });

  test('a server that responds in plain HTTP', async () => {
    const target = await receiver({ onConnection: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') });
    const exchange = await client().send(request(`https://127.0.0.1:${target.port}/`));
    expect(exchange).toMatchObject({
      reason: 'tls',
      message: expect.stringMatching(/^The TLS handshake with 127\.0\.0\.1:\d+ failed \(ERR_SSL_[A-Z_]+\)$/),
    });
  });

  test('a server that hangs up at the handshake', async () => {
    const target = await receiver({ onConnection: (socket) => void socket.once('data', () => socket.destroy()) });
    expect(await client().send(request(`https://127.0.0.1:${target.port}/`))).toMatchObject({
      reason: 'reset',
      message: `127.0.0.1:${target.port} closed the connection during the TLS handshake`,
    });
  });

  test('a server that never says anything', async () => {
    const target: Receiver = await receiver({});
    const exchange = await client().send(request(`https://127.0.0.1:${target.port}/`, { timeLimitMs: 150 }));
    expect(exchange).toMatchObject({
      reason: 'timeout',
      message: `127.0.0.1:${target.port} did not complete the TLS handshake within 150 ms`,
    });
    await target.quiet();
  });

  test('a body that never ends', async () => {
    const target = await responding('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', { certificate: 'server.pem' });
    const exchange = await client(trusting).send(request(target.url(), { timeLimitMs: 300 }));
    expect(failureOf(exchange).reason).toBe('timeout');
    await target.quiet();
  });
});

test('connections are kept over TLS, and TLS sessions are not', async () => {
  const target = await responding(OK, { certificate: 'server.pem' });
  const sender = client({ ...trusting, allowNetworks: LOOPBACK });
  for (let count = 0; count < 3; count++) expect((await sender.send(request(target.url()))).kind).toBe('response');
  expect(target.connections).toBe(1);
});
