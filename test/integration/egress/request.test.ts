import { responding, responseOf, client, closeAll, failureOf, OK, request } from '../../support/egress.js';

afterEach(closeAll);

test('exactly the given headers are sent, in their case and order, and those of the connection', async () => {
  const target = await responding(OK);
  const headers = [
    { name: 'X-Custom-HEADER', value: 'one' },
    { name: 'content-type', value: 'application/json; charset=utf-8' },
    { name: 'User-Agent', value: 'Example/1.0 (+https://example.com)' },
    { name: 'x-custom-header', value: 'two' },
    { name: 'X-Empty', value: '' },
    { name: 'X-Latin', value: 'caf\u00e9' },
  ];
  await client().send(request(target.url('/hooks/%2F?a=1&b=%20#part'), { headers, body: '{"é":1}' }));
  expect(target.received).toEqual([
    [
      'POST /hooks/%2F?a=1&b=%20 HTTP/1.1',
      `host: 127.0.0.1:${target.port}`,
      'connection: keep-alive',
      'X-Custom-HEADER: one',
      'content-type: application/json; charset=utf-8',
      'User-Agent: Example/1.0 (+https://example.com)',
      'x-custom-header: two',
      'X-Empty: ',
      'X-Latin: caf\u00e9',
      'content-length: 8',
      '',
      Buffer.from('{"é":1}').toString('latin1'),
    ].join('\r\n'),
  ]);
});

test('without headers and body only those of the connection are sent', async () => {
  const target = await responding(OK);
  await client().send(request(target.url(), { body: '' }));
  expect(target.received).toEqual([
    `POST / HTTP/1.1\r\nhost: 127.0.0.1:${target.port}\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n`,
  ]);
});

test('a large body arrives whole', async () => {
  const target = await responding(OK);
  const body = 'x'.repeat(5 * 1024 * 1024);
  expect((await client().send(request(target.url(), { body }))).kind).toBe('response');
  expect(target.received[0]?.endsWith(`content-length: ${body.length}\r\n\r\n${body}`)).toBe(true);
});

test.each([
  ['a line break in a value', 'X-Custom', 'a\r\nX-Evil: b'],
  ['a line feed in a value', 'X-Custom', 'a\nb'],
  ['a carriage return in a value', 'X-Custom', 'a\rb'],
  ['NUL in a value', 'X-Custom', 'a\0b'],
  ['a control character in a value', 'X-Custom', 'a\x01b'],
  ['beyond Latin-1 in a value', 'X-Custom', 'a\u2713'],
  ['a character that ends in a line feed when cut to a byte', 'X-Custom', 'a\u010ab'],
  ['a line break in a name', 'X-Custom\r\nX-Evil', 'a'],
  ['a space in a name', 'X Custom', 'a'],
  ['a colon in a name', 'X-Custom:', 'a'],
  ['an empty name', '', 'a'],
  ['a name beyond ASCII', 'X-Caf\u00e9', 'a'],
  ['host', 'Host', 'example.com'],
  ['content-length', 'Content-Length', '2'],
  ['transfer-encoding', 'transfer-encoding', 'chunked'],
  ['connection', 'CONNECTION', 'close'],
  ['keep-alive', 'Keep-Alive', 'timeout=5'],
  ['upgrade', 'Upgrade', 'h2c'],
  ['expect', 'Expect', '100-continue'],
  ['te', 'TE', 'trailers'],
  ['trailer', 'Trailer', 'X-Sum'],
  ['proxy-connection', 'Proxy-Connection', 'close'],
])('%s is refused, and nothing is sent', async (_what, name, value) => {
  const target = await responding(OK);
  const failure = failureOf(await client().send(request(target.url(), { headers: [{ name, value }] })));
  expect(failure.reason).toBe('invalid_request');
  expect(failure.message).not.toMatch(/[\r\n]/);
  expect(target.connections).toBe(0);
});

test('the value of a refused header is not repeated', async () => {
  const headers = [{ name: 'Authorization', value: 'Bearer secret\n' }];
  expect(failureOf(await client().send(request('http://127.0.0.1/', { headers }))).message).not.toContain('secret');
});

describe('the response', () => {
  test('has its status, headers, body, time and URL', async () => {
    const target = await responding(
      'HTTP/1.1 410 Gone\r\nRetry-After: 5\r\nSet-Cookie: a=1\r\nX-Odd: caf\u00e9\r\nSet-Cookie: b=2\r\n__proto__: x\r\nContent-Length: 4\r\n\r\nbye!',
    );
    const response = responseOf(await client().send(request(target.url('/a#b'))));
    expect(response).toMatchObject({ status: 410, excerpt: 'bye!', truncated: false, url: target.url('/a#b') });
    expect(Object.entries(response.headers)).toEqual(
      expect.arrayContaining([
        ['retry-after', '5'],
        ['set-cookie', 'a=1, b=2'],
        ['content-length', '4'],
        ['__proto__', 'x'],
      ]),
    );
    expect(response.durationMs).toBeGreaterThanOrEqual(0);
    expect(Number.isInteger(response.durationMs)).toBe(true);
  });

  test.each([
    ['no content', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX-T: 1\r\n\r\n',
      200,
      'abcde',
    ],
    ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
    ['NUL', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na\0b\0c', 200, 'abc'],
    ['an unusual status', 'HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n', 799, ''],
    [
      'interim responses',
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`,
      200,
      'ok',
    ],
  ])('with %s', async (_what, bytes, status, excerpt) => {
    const target = await responding(bytes);
    expect(responseOf(await client().send(request(target.url())))).toMatchObject({ status, excerpt, truncated: false });
  });

  test('that ends with the connection', async () => {
    const target = await responding('', {
      onConnection: (socket) => void socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nold')),
    });
    expect(responseOf(await client().send(request(target.url()))).excerpt).toBe('old');
  });

  test('is decoded as UTF-8 with replacement characters, and not decompressed', async () => {
    const body = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff, 0x61, 0xc3, 0xa9]);
    const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`;
    const target = await responding(Buffer.concat([Buffer.from(head), body]));
    expect(responseOf(await client().send(request(target.url()))).excerpt).toBe('\u001f\ufffd\u0008\ufffdaé');
    expect(target.received[0]).not.toMatch(/accept-encoding/i);
  });

  test.each([
    ['as long as the limit', 'abcdefgh', 'abcdefgh', false],
    ['longer by one', 'abcdefghi', 'abcdefgh', true],
    ['cut in the middle of a character', 'abcdefgé', 'abcdefg', true],
  ])('is kept up to the limit: %s', async (_what, body, excerpt, truncated) => {
    const target = await responding(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    const response = responseOf(await client({ maxResponseBytes: 8 }).send(request(target.url())));
    expect(response).toMatchObject({ status: 200, excerpt, truncated });
  });

  test('can be limited to nothing', async () => {
    const target = await responding(OK);
    const response = responseOf(await client({ maxResponseBytes: 0 }).send(request(target.url())));
    expect(response).toMatchObject({ status: 200, excerpt: '', truncated: true });
  });
});
