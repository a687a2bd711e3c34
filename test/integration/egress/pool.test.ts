import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Connection } from '../../../src/egress/connection.js';
import { Deadline } from '../../../src/egress/deadline.js';
import { exchange } from '../../../src/egress/exchange.js';
import { eventually } from '../../support/eventually.js';
import {
  responding,
  responseOf,
  client,
  closeAll,
  failureOf,
  OK,
  receiver,
  request,
  type Receiver,
} from '../../support/egress.js';

afterEach(closeAll);

test('a connection is used again', async () => {
  const target = await responding(OK);
  const sender = client();
  for (let count = 0; count < 3; count++) expect((await sender.send(request(target.url()))).kind).toBe('response');
  expect(target.connections).toBe(1);
  expect(target.received[0]?.match(/POST/g)).toHaveLength(3);
});

test('a connection belongs to one host and port', async () => {
  const [one, two] = [await responding(OK), await responding(OK)];
  const sender = client({}, { lookup: async () => ['127.0.0.1'] });
  for (const url of [one.url(), two.url(), `http://example.test:${one.port}/`]) await sender.send(request(url));
  expect([one.connections, two.connections]).toEqual([2, 1]);
});

test('a connection contains one request at a time', async () => {
  const waiting: Socket[] = [];
  const target = await receiver({
    onRequest: (socket) => {
      waiting.push(socket);
      if (waiting.length === 3) for (const each of waiting) each.write(OK);
    },
  });
  const sender = client();
  const exchanges = await Promise.all([1, 2, 3].map(() => sender.send(request(target.url()))));
  expect(exchanges.map(({ kind }) => kind)).toEqual(['response', 'response', 'response']);
  expect(target.connections).toBe(3);
});

test('a connection that the receiver closes is not used again', async () => {
  const target = await responding(OK.replace('\r\n', '\r\nConnection: close\r\n'));
  const sender = client();
  for (let count = 0; count < 2; count++) expect((await sender.send(request(target.url()))).kind).toBe('response');
  expect(target.connections).toBe(2);
});

test.each<[string, (socket: Socket) => void]>([
  ['closed', (socket) => void socket.end()],
  ['reset', (socket) => void socket.resetAndDestroy()],
])('an idle connection that is %s against its promise is replaced', async (_how, close) => {
  let last: Socket;
  const target = await receiver({ onRequest: (socket) => void (last = socket).write(OK) });
  const sender = client();
  for (let count = 0; count < 3; count++) {
    expect((await sender.send(request(target.url()))).kind).toBe('response');
    // Only now: a reset discards what the other side has not read yet.
    close(last!);
    await target.quiet();
    // The sender is in this process: it has read the end once the event loop has polled again.
    await new Promise(setImmediate);
  }
  expect(target.connections).toBe(3);
});

test('a request whose connection closes under it is not sent again', async () => {
  let requests = 0;
  const target = await receiver({
    onRequest: (socket) => void (++requests === 1 ? socket.write(OK) : socket.destroy()),
  });
  const sender = client();
  expect((await sender.send(request(target.url()))).kind).toBe('response');
  expect(failureOf(await sender.send(request(target.url()))).reason).toBe('reset');
  expect([target.connections, requests]).toEqual([1, 2]);
});

test('a connection that breaks before the request is written is not replaced again and again', async () => {
  const target = await receiver({ onConnection: (socket) => void socket.write(OK) });
  const open = jest.fn(async () => {
    const socket = connect(target.port, '127.0.0.1');
    // With a response to nothing in its buffer undici takes it for broken as soon as it has it.
    await once(socket, 'readable');
    return socket;
  });
  const deadline = new Deadline(300);
  const connection = new Connection(`http://127.0.0.1:${target.port}`, open).assignTo(deadline);
  const hop = { url: new URL(target.url()), headers: [], body: Buffer.from('{}') };
  await expect(exchange(connection.client, hop, 1024, deadline)).rejects.toMatchObject({ reason: 'reset' });
  expect(open).toHaveBeenCalledTimes(1);
  expect(target.received.join('')).toBe('');
  deadline.stop();
  await connection.client.destroy();
});

test('a failed request does not spoil the next one', async () => {
  let requests = 0;
  const target = await receiver({ onRequest: (socket) => void (++requests === 1 || socket.write(OK)) });
  const sender = client();
  expect(failureOf(await sender.send(request(target.url(), { timeLimitMs: 150 }))).reason).toBe('timeout');
  expect(responseOf(await sender.send(request(target.url()))).status).toBe(200);
  expect(target.connections).toBe(2);
});

describe('with as many requests in flight as an origin may have', () => {
  const requests: Socket[] = [];
  const fill = async (): Promise<[Receiver, ReturnType<typeof client>, Promise<unknown>[]]> => {
    requests.length = 0;
    const target = await receiver({ onRequest: (socket) => void requests.push(socket) });
    const sender = client();
    const sent = Array.from({ length: 50 }, () => sender.send(request(target.url())));
    while (requests.length < 50) await new Promise(setImmediate);
    return [target, sender, sent];
  };
  const respondToAll = (): void => {
    for (const socket of requests.splice(0)) socket.write(OK);
  };

  test('further ones wait, at most until their deadline', async () => {
    const [target, sender, sent] = await fill();
    const late = sender.send(request(target.url(), { timeLimitMs: 150 }));
    const aborted = sender.send(request(target.url(), { signal: AbortSignal.abort() }));
    const withoutTimeout = sender.send(request(target.url()));
    expect(failureOf(await aborted).reason).toBe('timeout');
    expect(await late).toMatchObject({
      reason: 'timeout',
      message: `No connection to 127.0.0.1:${target.port} was free within 150 ms`,
    });
    expect(target.connections).toBe(50);
    respondToAll();
    await Promise.all(sent);
    while (requests.length === 0) await new Promise(setImmediate);
    respondToAll();
    expect(responseOf(await withoutTimeout).status).toBe(200);
    expect(target.connections).toBe(50);
  });

  test('requests with another queue key do not wait, and have connections of their own', async () => {
    const [target, sender, sent] = await fill();
    const others = ['a', 'b'].map((pool) => sender.send(request(target.url(), { queueKey: pool })));
    while (requests.length < 52) await new Promise(setImmediate);
    respondToAll();
    await Promise.all([...sent, ...others]);
    expect(target.connections).toBe(52);
    const again = sender.send(request(target.url(), { queueKey: 'a' }));
    while (requests.length === 0) await new Promise(setImmediate);
    respondToAll();
    expect((await again).kind).toBe('response');
    expect(target.connections).toBe(52);
  });

  test('other origins do not wait', async () => {
    const [, sender, sent] = await fill();
    const other = await responding(OK);
    expect((await sender.send(request(other.url()))).kind).toBe('response');
    respondToAll();
    await Promise.all(sent);
  });
});

describe('closing', () => {
  test('waits for requests in flight and closes all connections', async () => {
    let pending: Socket | undefined;
    const target = await receiver({ onRequest: (socket) => void (pending = socket) });
    const sender = client();
    const sending = sender.send(request(target.url()));
    while (pending === undefined) await new Promise(setImmediate);
    let closed = false;
    const closing = sender.close().then(() => (closed = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(closed).toBe(false);
    pending.write(OK);
    expect((await sending).kind).toBe('response');
    await closing;
    await target.quiet();
  });

  test('is for good', async () => {
    const sender = client();
    await sender.close();
    await expect(sender.send(request('http://127.0.0.1/'))).rejects.toThrow('closed');
    await sender.close();
  });
});

test('a client says how its connections are used', async () => {
  const waiting: Socket[] = [];
  let came = (): void => undefined;
  const all = new Promise<void>((resolve) => (came = resolve));
  const target = await receiver({ onRequest: (socket) => waiting.push(socket) === 50 && came() });
  const sender = client();
  expect(sender.usage()).toEqual({ busy: 0, idle: 0, waiting: 0 });
  const exchanges = Array.from({ length: 52 }, () => sender.send(request(target.url())));
  await all;
  expect(sender.usage()).toEqual({ busy: 50, idle: 0, waiting: 2 });
  for (const socket of waiting.splice(0)) socket.write(OK);
  await eventually(
    async () => waiting.length,
    (count) => count === 2,
  );
  for (const socket of waiting) socket.write(OK);
  await Promise.all(exchanges);
  expect(sender.usage()).toEqual({ busy: 0, idle: 50, waiting: 0 });
});
