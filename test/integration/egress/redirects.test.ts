import {
  responding,
  responseOf,
  certificate,
  client,
  closeAll,
  failureOf,
  OK,
  receiver,
  request,
} from '../../support/egress.js';

afterEach(closeAll);

const redirect = (location: string, status = 307): string =>
  `HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;

/** A receiver that responds by path. */
const paths = (responses: Record<string, string>) =>
  receiver({ onRequest: (socket, text) => void socket.write(responses[text.split(' ')[1] ?? ''] ?? OK) });

const following = { maxRedirects: 3 };

test.each([301, 302, 303, 307, 308])('%d is the response when no redirects are followed', async (status) => {
  const target = await paths({ '/': redirect('/next', status) });
  const response = responseOf(await client().send(request(target.url())));
  expect(response).toMatchObject({ status, url: target.url('/'), headers: { location: '/next' } });
  expect(target.received[0]?.match(/POST/g)).toHaveLength(1);
});

test.each([301, 302, 303, 307, 308])('%d is followed with method and body', async (status) => {
  const target = await paths({ '/': redirect('next?x=1', status) });
  const response = responseOf(await client().send(request(target.url(), { ...following, body: '{"a":1}' })));
  expect(response).toMatchObject({ status: 200, url: target.url('/next?x=1') });
  expect(target.received.join('')).toMatch(/POST \/ HTTP[^]*{"a":1}POST \/next\?x=1 HTTP[^]*{"a":1}$/);
});

test.each([
  ['300', 'HTTP/1.1 300 Multiple\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n', 300],
  ['304', 'HTTP/1.1 304 Not Modified\r\nLocation: /next\r\n\r\n', 304],
  ['307 without a location', 'HTTP/1.1 307 Moved\r\nContent-Length: 0\r\n\r\n', 307],
])('%s is no redirect', async (_what, bytes, status) => {
  const target = await responding(bytes);
  expect(responseOf(await client().send(request(target.url(), following))).status).toBe(status);
});

test('chains end where they are allowed to', async () => {
  const target = await paths({ '/': redirect('/1'), '/1': redirect('/2'), '/2': redirect('/3'), '/3': OK });
  const sender = client();
  expect((await sender.send(request(target.url(), { maxRedirects: 3 }))).kind).toBe('response');
  expect(await sender.send(request(target.url(), { maxRedirects: 2 }))).toMatchObject({
    reason: 'too_many_redirects',
    message: `127.0.0.1:${target.port} redirected once more after 2 redirects`,
  });
});

test('loops end', async () => {
  const target = await paths({ '/': redirect('/') });
  const exchange = await client().send(request(target.url(), { maxRedirects: 20 }));
  expect(failureOf(exchange).reason).toBe('too_many_redirects');
  expect(target.received.join('').match(/POST/g)).toHaveLength(21);
});

test('each hop counts for the same deadline', async () => {
  const target = await receiver({
    onRequest: (socket) => void setTimeout(() => socket.write(redirect('/')), 60),
  });
  const exchange = await client().send(request(target.url(), { maxRedirects: 100, timeLimitMs: 250 }));
  expect(failureOf(exchange).reason).toBe('timeout');
  expect(exchange.durationMs).toBeLessThan(2_000);
});

describe('headers', () => {
  const headers = [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'Accept', value: '*/*' },
    { name: 'User-Agent', value: 'Example' },
    { name: 'Authorization', value: 'Bearer secret' },
    { name: 'Cookie', value: 'a=secret' },
    { name: 'X-Signature', value: 'secret' },
  ];

  test('stay within an origin', async () => {
    const target = await paths({ '/': redirect('/next') });
    await client().send(request(target.url(), { ...following, headers }));
    expect(target.received.join('').match(/secret/g)).toHaveLength(6);
  });

  test('that are or may be secrets are dropped across origins, and stay dropped', async () => {
    const other = await receiver({ onRequest: (socket) => void socket.write(redirect(`${target.url('/back')}`)) });
    const target = await paths({ '/': redirect(other.url()) });
    const response = responseOf(await client().send(request(target.url(), { ...following, headers })));
    expect(response.url).toBe(target.url('/back'));
    const stripped = (port: number): string =>
      `host: 127.0.0.1:${port}\r\nconnection: keep-alive\r\n` +
      'Content-Type: application/json\r\nAccept: */*\r\nUser-Agent: Example\r\ncontent-length: 2\r\n\r\n{}';
    expect(other.received).toEqual([`POST / HTTP/1.1\r\n${stripped(other.port)}`]);
    expect(target.received.join('').endsWith(`POST /back HTTP/1.1\r\n${stripped(target.port)}`)).toBe(true);
  });
});

describe('are refused', () => {
  test.each([
    ['to a private address', 'http://10.0.0.1/', 'blocked'],
    ['to metadata', 'http://169.254.169.254/latest/meta-data/', 'blocked'],
    ['to a decimal address', 'http://167772161/', 'blocked'],
    ['to a name of a private address', 'http://internal.example.test/', 'blocked'],
    ['to a file', 'file:///etc/passwd', 'invalid_response'],
    ['to another scheme', 'gopher://example.com/', 'invalid_response'],
    ['with credentials', 'http://user:password@127.0.0.1/', 'invalid_response'],
    ['to nowhere', 'http://[::', 'invalid_response'],
  ])('%s', async (_what, location, reason) => {
    const target = await responding(redirect(location));
    const sender = client({ allowNetworks: ['127.0.0.1'] }, { lookup: async () => ['10.0.0.1'] });
    expect(failureOf(await sender.send(request(target.url(), following))).reason).toBe(reason);
  });

  test('from https to http', async () => {
    const plain = await responding(OK);
    const target = await responding(redirect(plain.url()), { certificate: 'server.pem' });
    const sender = client({ extraCa: certificate('ca.pem') });
    expect(await sender.send(request(target.url(), following))).toMatchObject({
      reason: 'blocked',
      message: `localhost:${target.port} redirected from https to http`,
    });
    expect(plain.connections).toBe(0);
  });
});

test('from http to https are followed', async () => {
  const secure = await responding(OK, { certificate: 'server.pem' });
  const target = await responding(redirect(secure.url()));
  const exchange = await client({ extraCa: certificate('ca.pem') }).send(request(target.url(), following));
  expect(responseOf(exchange).url).toBe(secure.url('/'));
});
