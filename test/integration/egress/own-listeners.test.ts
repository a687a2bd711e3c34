import { networkInterfaces } from 'node:os';
import { OwnListeners } from '../../../src/egress/own-listeners.js';
import { responding, client, closeAll, failureOf, OK, request } from '../../support/egress.js';

afterEach(closeAll);

const never = () => Promise.reject(new Error('asked for a name'));
const ownAddresses = Object.values(networkInterfaces())
  .flatMap((addresses = []) => addresses)
  .map(({ address }) => address);

describe('a port of this machine', () => {
  const own = new OwnListeners();
  own.add('127.0.0.1', 8233);

  test.each([
    ...['127.0.0.1', '127.1.2.3', '::1', '0.0.0.0', '::', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:0:0'],
    ...['64:ff9b::7f00:1', ...ownAddresses],
  ])('is not connected to at %s', async (address) => {
    expect(await own.includes(address, 8233, never)).toBe(true);
    expect(await own.includes(address, 8234, never)).toBe(false);
  });

  test('may be used by other machines', async () => {
    expect(await own.includes('192.0.2.1', 8233, never)).toBe(false);
    expect(await own.includes('2001:db8::1', 8233, never)).toBe(false);
  });
});

describe('a server elsewhere', () => {
  const own = new OwnListeners();
  own.add('db.internal', 5432);
  own.add('[2001:db8::7]', 7233);

  test('is found by all addresses that its name has now', async () => {
    let addresses = ['10.0.0.5', '10.0.0.6'];
    const resolve = async () => addresses;
    expect(await own.includes('10.0.0.6', 5432, resolve)).toBe(true);
    expect(await own.includes('::ffff:10.0.0.5', 5432, resolve)).toBe(true);
    expect(await own.includes('10.0.0.7', 5432, resolve)).toBe(false);
    expect(await own.includes('10.0.0.5', 5433, resolve)).toBe(false);
    addresses = ['10.0.0.7'];
    expect(await own.includes('10.0.0.7', 5432, resolve)).toBe(true);
    expect(await own.includes('2001:0db8:0::7', 7233, never)).toBe(true);
  });

  test('is on this machine when its name leads there', async () => {
    expect(await own.includes('127.0.0.1', 5432, async () => ['127.0.1.1'])).toBe(true);
  });
});

describe('a request', () => {
  test.each(['127.0.0.1', '[::ffff:127.0.0.1]', '0.0.0.0', 'localhost', 'hooks.test'])(
    'reaches no listener of Pigeonpost at %s, whatever networks are allowed',
    async (host) => {
      const target = await responding(OK);
      const ownListeners = new OwnListeners();
      ownListeners.add('127.0.0.1', target.port);
      const allowNetworks = ['0.0.0.0/0', '::/0'];
      const sender = client({ allowNetworks, ownListeners }, { lookup: async () => ['127.0.0.1'] });
      expect(await sender.send(request(`http://${host}:${target.port}/`))).toMatchObject({
        reason: 'blocked',
        message: expect.stringContaining('on which Pigeonpost itself listens'),
      });
      expect(target.connections).toBe(0);
      const other = await responding(OK);
      expect((await sender.send(request(`http://127.0.0.1:${other.port}/`))).kind).toBe('response');
    },
  );

  test('reaches none by a redirect, a pinned address or a proxy', async () => {
    const target = await responding(OK);
    const ownListeners = new OwnListeners();
    ownListeners.add('127.0.0.1', target.port);
    const redirect = `HTTP/1.1 307 To\r\nLocation: http://127.0.0.1:${target.port}/\r\nContent-Length: 0\r\n\r\n`;
    const first = await responding(redirect);
    const redirected = await client({ ownListeners }).send(request(first.url(), { maxRedirects: 1 }));
    expect(failureOf(redirected).reason).toBe('blocked');
    const resolve = [{ host: 'hooks.test', port: 80, address: '127.0.0.1', targetPort: target.port }];
    expect(failureOf(await client({ ownListeners, resolve }).send(request('http://hooks.test/'))).reason).toBe(
      'blocked',
    );
    const proxy = await responding(OK);
    const byProxy = client({ ownListeners, proxy: `http://127.0.0.1:${proxy.port}` });
    expect(failureOf(await byProxy.send(request(target.url()))).reason).toBe('blocked');
    expect([target.connections, proxy.connections]).toEqual([0, 0]);
  });

  test('is blocked when the name of an own server on that port cannot be resolved', async () => {
    const target = await responding(OK);
    const ownListeners = new OwnListeners();
    ownListeners.add('db.internal', target.port);
    const lookup = () => Promise.reject(Object.assign(new Error(), { code: 'ETIMEOUT' }));
    const failure = failureOf(await client({ ownListeners }, { lookup }).send(request(target.url())));
    expect(failure.reason).toBe('blocked');
    expect(failure.message).not.toContain('db.internal');
    expect(target.connections).toBe(0);
  });
});
