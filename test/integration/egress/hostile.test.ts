import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { responding, responseOf, client, closeAll, failureOf, OK, receiver, request } from '../../support/egress.js';

afterEach(closeAll);

/** Writes a piece of text again and again until the connection closes. */
function drip(socket: Socket, text: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.once('close', () => clearInterval(timer));
}

/** Writes as fast as it is read until the connection closes. */
function flood(socket: Socket, text: string): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on('drain', write);
  write();
}

describe('time', () => {
  const limit = { timeLimitMs: 200 };

  /** The failure of a request to a receiver that does this with its connections. */
  async function timedOut(onConnection: (socket: Socket) => void): Promise<string> {
    const target = await receiver({ onConnection });
    const exchange = await client().send(request(target.url(), limit));
    expect(failureOf(exchange).reason).toBe('timeout');
    expect(exchange.durationMs).toBeGreaterThanOrEqual(195);
    expect(exchange.durationMs).toBeLessThan(2_000);
    // The connection does not outlive the request.
    await target.quiet();
    expect(target.connections).toBe(1);
    return failureOf(exchange).message.replace(`127.0.0.1:${target.port}`, 'HOST');
  }

  test('runs out in silence', async () => {
    expect(await timedOut(() => undefined)).toBe('HOST did not respond within 200 ms');
  });

  test('runs out while headers drip', async () => {
    const message = await timedOut((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
      drip(socket, 'a', 20);
    });
    expect(message).toBe('HOST did not respond within 200 ms');
  });

  test('runs out while interim responses drip', async () => {
    const message = await timedOut((socket) => drip(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n', 50));
    expect(message).toBe('HOST did not respond within 200 ms');
  });

  test('runs out while the body drips, although the status came in time', async () => {
    const message = await timedOut((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n');
        drip(socket, 'a', 20);
      });
    });
    expect(message).toBe('HOST began its response and did not complete it within 200 ms');
  });

  test('runs out when the body never ends', async () => {
    const message = await timedOut((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'));
    });
    expect(message).toBe('HOST began its response and did not complete it within 200 ms');
  });

  test('runs out while chunk extensions, which are no body, drip', async () => {
    const message = await timedOut((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;');
        drip(socket, 'a=b;', 20);
      });
    });
    expect(message).toBe('HOST began its response and did not complete it within 200 ms');
  });

  test('runs out while no one reads the request', async () => {
    const target = await receiver({ onConnection: (socket) => socket.pause() });
    const exchange = await client().send(request(target.url(), { ...limit, body: 'x'.repeat(20 * 1024 * 1024) }));
    expect(failureOf(exchange).reason).toBe('timeout');
  });

  test('runs out while the name is looked up', async () => {
    const sender = client({}, { lookup: () => new Promise(() => undefined) });
    expect(await sender.send(request('https://hooks.example.test/', limit))).toMatchObject({
      reason: 'timeout',
      message: 'The name of hooks.example.test was not resolved within 200 ms',
    });
  });

  test('runs out while the connection is not accepted', async () => {
    const [port, stop] = await fullListener();
    try {
      expect(await client().send(request(`http://127.0.0.1:${port}/`, limit))).toMatchObject({
        reason: 'timeout',
        message: `127.0.0.1:${port} did not accept the connection within 200 ms`,
      });
    } finally {
      await stop();
    }
  });

  test('is up early when the caller gives up', async () => {
    const target = await receiver({});
    const controller = new AbortController();
    const sending = client().send(request(target.url(), { signal: controller.signal }));
    setTimeout(() => controller.abort(), 50);
    expect(await sending).toMatchObject({
      reason: 'timeout',
      message: 'The request was aborted before its response was complete',
    });
    await target.quiet();
  });

  test('is up before anything is sent when the caller has given up already', async () => {
    const target = await responding(OK);
    const exchange = await client().send(request(target.url(), { signal: AbortSignal.abort() }));
    expect(failureOf(exchange).reason).toBe('timeout');
    expect(target.connections).toBe(0);
  });

  test('that is very long does not run out at once', async () => {
    const target = await responding(OK);
    expect((await client().send(request(target.url(), { timeLimitMs: 1e12 }))).kind).toBe('response');
  });
});

describe('floods', () => {
  test.each([
    ['an endless body', 'HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(65_536)],
    ['endless chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `ffff\r\n${'x'.repeat(0xffff)}\r\n`],
    ['a body of 10 GB', 'HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n', 'x'.repeat(65_536)],
  ])('%s is cut, and the response counts', async (_what, head, rest) => {
    const target = await receiver({
      onRequest: (socket) => {
        socket.write(head);
        flood(socket, rest);
      },
    });
    const response = responseOf(await client().send(request(target.url())));
    expect(response).toMatchObject({ status: 200, truncated: true, excerpt: 'x'.repeat(1024) });
    await target.quiet();
    expect(target.connections).toBe(1);
  });

  test.each([
    ['one huge header', 'HTTP/1.1 200 OK\r\nX-Huge: ', 'x'.repeat(4096)],
    ['endless headers', 'HTTP/1.1 200 OK\r\n', 'X-Many: x\r\n'.repeat(100)],
    ['endless names', 'HTTP/1.1 200 OK\r\n', 'x'.repeat(4096)],
    ['interim responses', '', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
    ['trailers', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', 'X-Many: x\r\n'.repeat(100)],
  ])('%s are an invalid response', async (_what, head, rest) => {
    const target = await receiver({
      onRequest: (socket) => {
        socket.write(head);
        flood(socket, rest);
      },
    });
    expect(failureOf(await client().send(request(target.url()))).reason).toBe('invalid_response');
    await target.quiet();
    expect(target.connections).toBe(1);
  });

  test('headers of 15 KiB are read', async () => {
    const target = await responding(OK.replace('\r\n', `\r\nX-Large: ${'x'.repeat(15 * 1024)}\r\n`));
    expect(responseOf(await client().send(request(target.url()))).headers['x-large']).toHaveLength(15 * 1024);
  });
});

describe('responses that are none', () => {
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['no protocol', '\0\0\0\0'],
    ['a broken status', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['HTTP/0.9', '<html></html>'],
    ['a version to come', 'HTTP/4.0 200 OK\r\n\r\n'],
    ['NUL in a header', 'HTTP/1.1 200 OK\r\nX-Odd: a\0b\r\n\r\n'],
    ['a header without a name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['a space in a name', 'HTTP/1.1 200 OK\r\nX Odd: x\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['switching protocols', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['bare line feeds in chunks', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n'],
    ['two lengths with bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 1\nContent-Length: 2\n\nab'],
  ])('%s', async (_what, bytes) => {
    const target = await responding(bytes);
    const failure = failureOf(await client().send(request(target.url())));
    expect(failure).toMatchObject({ reason: 'invalid_response', message: expect.stringContaining('127.0.0.1') });
    await target.quiet();
    expect(target.connections).toBe(1);
  });
});

describe('responses that other senders take', () => {
  const EVIL = 'HTTP/1.1 500 Evil\r\nContent-Length: 0\r\n\r\n';

  test.each([
    ['an unasked continue', `HTTP/1.1 100 Continue\r\n\r\n${OK}`, 200, 'ok', 1],
    ['equal lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length:2\r\n\r\nok', 200, 'ok', 2],
    ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\nX-A: b\n\nok', 200, 'ok', 2],
    ['no content with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok', 204, '', 2],
    ['no content with a body', `HTTP/1.1 204 No Content\r\n\r\nok`, 204, '', 2],
    [
      'no content with chunks',
      'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      204,
      '',
      2,
    ],
    ['no content with another response', `HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n${EVIL}`, 204, '', 2],
  ])('%s', async (_what, bytes, status, excerpt, connections) => {
    const target = await responding(bytes);
    const sender = client();
    for (let count = 0; count < 2; count += 1)
      expect(responseOf(await sender.send(request(target.url())))).toMatchObject({ status, excerpt });
    // A response that had to be corrected is the last one of its connection.
    expect(target.connections).toBe(connections);
  });

  test('byte by byte', async () => {
    const bytes = 'HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 2\n\nok';
    const target = await receiver({
      onRequest: (socket) => {
        socket.setNoDelay(true);
        let written = 0;
        const next = (): void => {
          if (written < bytes.length) socket.write(bytes.charAt(written++), () => setImmediate(next));
        };
        next();
      },
    });
    expect(responseOf(await client().send(request(target.url())))).toMatchObject({ status: 200, excerpt: 'ok' });
  });
});

describe('hanging up', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['at once', (socket) => socket.destroy()],
    ['at the request', (socket) => void socket.once('data', () => socket.destroy())],
    ['politely at the request', (socket) => void socket.once('data', () => socket.end())],
    ['with a reset', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
    ['in the status', (socket) => void socket.once('data', () => socket.end('HTTP/1.'))],
    ['in the headers', (socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nX-'))],
    [
      'in the body',
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok')),
    ],
    [
      'in a chunk',
      (socket) =>
        void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok')),
    ],
    [
      'with a reset in the body',
      (socket) =>
        void socket.once('data', () =>
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok', () => socket.resetAndDestroy()),
        ),
    ],
    [
      'in the last chunk, as announced',
      (socket) =>
        void socket.once('data', () =>
          socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok'),
        ),
    ],
  ])('%s', async (_when, onConnection) => {
    const target = await receiver({ onConnection });
    expect(failureOf(await client().send(request(target.url()))).reason).toBe('reset');
    // Whether the request was processed no one knows, so it is not sent again.
    expect(target.connections).toBe(1);
  });

  test('before the length that was announced', async () => {
    const target = await receiver({
      onRequest: (socket) => void socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nok'),
    });
    expect(await client().send(request(target.url()))).toMatchObject({
      reason: 'invalid_response',
      message: `The response body of 127.0.0.1:${target.port} does not have the length in its Content-Length header`,
    });
  });
});

test('a response that comes before the request does not make us dial again and again', async () => {
  const target = await receiver({ onConnection: (socket) => void socket.write(OK) });
  const exchange = await client().send(request(target.url()));
  expect(exchange.kind === 'response' || ['reset', 'invalid_response'].includes(exchange.reason)).toBe(true);
  expect(target.connections).toBe(1);
});

test('a second response belongs to no one', async () => {
  const target = await responding(OK + OK.replace('200 OK', '500 Evil'));
  const sender = client();
  for (let count = 0; count < 2; count++) {
    expect(responseOf(await sender.send(request(target.url()))).status).toBe(200);
    await target.quiet();
  }
  expect(target.connections).toBe(2);
});

/** A port whose queue of connections is full, so that further ones get no response, as behind a firewall. */
async function fullListener(): Promise<[port: number, stop: () => Promise<void>]> {
  // The listening thread stops for good before it accepts anything.
  const worker = new Worker(
    `const { createServer } = require('node:net');
     const { parentPort } = require('node:worker_threads');
     const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const sockets: Socket[] = [];
  const accepted = (socket: Socket): Promise<boolean> =>
    new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      setTimeout(() => resolve(false), 100);
    });
  for (let full = false; !full;) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    full = !(await accepted(socket));
  }
  return [
    port,
    async () => {
      for (const socket of sockets) socket.destroy();
      await worker.terminate();
    },
  ];
}
