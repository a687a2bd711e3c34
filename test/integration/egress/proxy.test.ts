/** Through an operator's proxy: the guard holds as it does without one, and the proxy's fault are distinguished from receivers'. */
import { connect } from 'node:net';
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

const OPEN = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** A proxy that tunnels, or gives this response. */
async function startProxy(response?: string) {
  const heads: string[] = [];
  const proxy = await receiver({
    onConnection: (socket) => {
      let head = '';
      socket.on('data', function read(chunk: Buffer) {
        head += chunk.toString('latin1');
        if (!head.includes('\r\n\r\n')) return;
        socket.off('data', read);
        heads.push(head);
        if (response !== undefined) return void socket.end(response);
        const [, address = '', port = ''] = /^CONNECT ([\d.]+):(\d+) HTTP/.exec(head) ?? [];
        const onward = connect(Number(port), address, () => {
          socket.write(OPEN);
          socket.pipe(onward).pipe(socket);
        });
        onward.on('error', () => socket.destroy());
        socket.on('close', () => onward.destroy());
      });
    },
  });
  return { heads, url: `http://127.0.0.1:${proxy.port}`, connections: () => proxy.connections };
}

test('a name is looked up here, and the proxy gets its address', async () => {
  const [proxy, target] = [await startProxy(), await responding(OK)];
  const sender = client({ proxy: proxy.url }, { lookup: async () => ['127.0.0.1'] });
  for (let count = 0; count < 2; count += 1) {
    expect(responseOf(await sender.send(request(`http://example.test:${target.port}/in`)))).toMatchObject({
      status: 200,
    });
  }
  expect(proxy.heads).toEqual([`CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\n\r\n`]);
  expect(target.received[0]).toContain(`\r\nhost: example.test:${target.port}\r\n`);
});

test('TLS is with the receiver, for the name in the URL', async () => {
  const [proxy, target] = [await startProxy(), await responding(OK, { certificate: 'server.pem' })];
  const settings = { proxy: proxy.url, extraCa: certificate('ca.pem') };
  const sender = client(settings, { lookup: async () => ['127.0.0.1'] });
  expect((await sender.send(request(`https://example.test:${target.port}/`))).kind).toBe('response');
  const other = failureOf(await sender.send(request(`https://example.com:${target.port}/`)));
  expect(other).toMatchObject({ reason: 'tls', message: expect.stringContaining('is for another host name') });
});

test('credentials go to the proxy and nowhere else', async () => {
  const [proxy, target] = [await startProxy(), await responding(OK)];
  const sender = client({ proxy: proxy.url.replace('//', '//user:p%40ss@') });
  expect((await sender.send(request(target.url()))).kind).toBe('response');
  const expected = `Proxy-Authorization: Basic ${Buffer.from('user:p@ss').toString('base64')}\r\n`;
  expect(proxy.heads[0]).toContain(expected);
  expect(target.received[0]?.toLowerCase()).not.toContain('proxy-authorization');
});

test.each([
  ['an address', 'http://127.0.0.1:9/', ['127.0.0.1']],
  ['a name', 'http://example.test:9/', ['10.0.0.1']],
  ['a name of good and bad addresses', 'http://example.test:9/', ['192.0.0.9', '127.0.0.1']],
])('the guard holds: %s', async (_what, url, addresses) => {
  const proxy = await startProxy();
  const sender = client({ proxy: proxy.url, allowNetworks: [] }, { lookup: async () => addresses });
  expect(failureOf(await sender.send(request(url))).reason).toBe('blocked');
  expect(proxy.connections()).toBe(0);
});

test.each([
  ['refuses', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'The proxy responded with 407 to CONNECT'],
  ['is no proxy', 'SSH-2.0-OpenSSH\r\n\r\n', 'a response that is not HTTP/1.1'],
  ['hangs up', '', 'The proxy closed the connection'],
  ['never ends its response', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}`, 'a response that is not HTTP/1.1'],
])('a proxy that %s is not the receiver’s fault', async (_what, response, message) => {
  const [proxy, target] = [await startProxy(response), await responding(OK)];
  const failure = failureOf(await client({ proxy: proxy.url }).send(request(target.url())));
  expect(failure).toMatchObject({ reason: 'proxy', message: expect.stringContaining(message) });
  expect(target.connections).toBe(0);
});

test('a proxy that is not there', async () => {
  const target = await responding(OK);
  const failure = failureOf(await client({ proxy: 'http://127.0.0.1:1' }).send(request(target.url())));
  expect(failure).toMatchObject({ reason: 'proxy', message: 'The proxy cannot be reached (ECONNREFUSED)' });
});

test('a receiver that the proxy does not reach in time is the receiver’s fault', async () => {
  const [proxy, target] = [await receiver({}), await responding(OK)];
  const sender = client({ proxy: `http://127.0.0.1:${proxy.port}` });
  expect(failureOf(await sender.send(request(target.url(), { timeLimitMs: 150 }))).reason).toBe('timeout');
  await proxy.quiet();
});
