import {
  responseOf,
  client,
  closeAll,
  failureOf,
  LOOPBACK,
  OK,
  responding,
  receiver,
  request,
} from '../../support/egress.js';

afterEach(closeAll);

describe('addresses in URLs', () => {
  test.each([
    ['dotted', '127.0.0.1', '127.0.0.1'],
    ['decimal', '2130706433', '127.0.0.1'],
    ['hexadecimal', '0x7f000001', '127.0.0.1'],
    ['hexadecimal parts', '0x7f.0x0.0x0.0x1', '127.0.0.1'],
    ['octal', '0177.0.0.1', '127.0.0.1'],
    ['octal all over', '017700000001', '127.0.0.1'],
    ['short', '127.1', '127.0.0.1'],
    ['trailing dot', '127.0.0.1.', '127.0.0.1'],
    ['full-width', '１２７.0.0.1', '127.0.0.1'],
    ['ideographic full stops', '127。0。0。1', '127.0.0.1'],
    ['percent-encoded', '%31%32%37.0.0.1', '127.0.0.1'],
    ['unspecified', '0.0.0.0', '0.0.0.0'],
    ['unspecified, short', '0', '0.0.0.0'],
    ['metadata', '169.254.169.254', '169.254.169.254'],
    ['loopback v6', '[::1]', '::1'],
    ['loopback v6, long', '[0:0:0:0:0:0:0:1]', '::1'],
    ['unspecified v6', '[::]', '::'],
    ['mapped', '[::ffff:127.0.0.1]', '::ffff:7f00:1'],
    ['mapped, hexadecimal', '[::FFFF:7F00:1]', '::ffff:7f00:1'],
    ['compatible', '[::127.0.0.1]', '::7f00:1'],
    ['NAT64', '[64:ff9b::127.0.0.1]', '64:ff9b::7f00:1'],
    ['6to4', '[2002:7f00:1::]', '2002:7f00:1::'],
    ['link-local v6', '[fe80::1]', 'fe80::1'],
    ['metadata v6', '[fd00:ec2::254]', 'fd00:ec2::254'],
  ])('%s: %s is blocked', async (_spelling, host, shown) => {
    const lookup = jest.fn();
    const target = await responding(OK);
    const sender = client({ allowNetworks: [] }, { lookup });
    for (const url of [`http://${host}:${target.port}/`, `https://${host}:${target.port}/`]) {
      expect(await sender.send(request(url))).toMatchObject({
        kind: 'failure',
        reason: 'blocked',
        message: `${shown} is not a public address (PIGEONPOST_ALLOW_NETWORKS allows networks)`,
      });
    }
    expect(lookup).not.toHaveBeenCalled();
    expect(target.connections).toBe(0);
  });

  test.each([
    ['zone id', 'http://[fe80::1%25lo]/'],
    ['bare zone id', 'http://[::1%lo]/'],
    ['double brackets', 'http://[[::1]]/'],
    ['too large', 'http://4294967296/'],
    ['credentials', 'http://user:secret@127.0.0.1/'],
    ['credentials before an address', 'http://a@[::1]/'],
    ['a line break in the host', 'http://127.0\n.0.1/'],
    ['a space in front', ' http://127.0.0.1/'],
    ['a relative URL', '/hooks'],
    ['nothing', ''],
    ['a file', 'file:///etc/passwd'],
    ['another scheme', 'gopher://127.0.0.1/'],
    ['data', 'data:text/plain,hello'],
  ])('%s is no request', async (_what, url) => {
    const failure = failureOf(await client().send(request(url)));
    expect(failure.reason).toBe('invalid_request');
    expect(failure.message).not.toContain('secret');
  });

  test('plain http needs to be allowed', async () => {
    const target = await responding(OK);
    const exchange = await client({ allowHttp: false }).send(request(target.url()));
    expect(exchange).toMatchObject({ reason: 'blocked', message: expect.stringContaining('PIGEONPOST_ALLOW_HTTP') });
    expect(target.connections).toBe(0);
  });

  test('an allowed network is reached', async () => {
    const target = await responding(OK);
    expect(responseOf(await client({ allowNetworks: ['127.0.0.1'] }).send(request(target.url()))).status).toBe(200);
  });

  test('what the socket is connected to has the last word', async () => {
    // The system takes 0.0.0.0 for loopback.
    const target = await responding(OK);
    const sender = client({ allowNetworks: ['0.0.0.0/32'] });
    expect(failureOf(await sender.send(request(`http://0.0.0.0:${target.port}/`))).reason).toBe('blocked');
    await target.quiet();
    expect(target.received.join('')).toBe('');
  });
});

describe('names', () => {
  const blocked = {
    kind: 'failure',
    reason: 'blocked',
    message: 'hooks.example.test resolves to an address that is not public (PIGEONPOST_ALLOW_NETWORKS allows networks)',
  };

  test.each([
    ['loopback', ['127.0.0.1']],
    ['loopback v6', ['::1']],
    ['mapped loopback', ['::ffff:127.0.0.1']],
    ['compatible', ['::8.8.8.8']],
    ['metadata', ['169.254.169.254']],
    ['a zone', ['fe80::1%eth0']],
    ['public and loopback', ['8.8.8.8', '127.0.0.1']],
    ['loopback and public', ['127.0.0.1', '8.8.8.8']],
    ['public v4 and forbidden v6', ['8.8.8.8', 'fd00::1']],
    ['no address at all', ['evil.example.test']],
  ])('with %s are blocked', async (_what, addresses) => {
    const target = await responding(OK);
    const sender = client({ allowNetworks: [] }, { lookup: async () => addresses });
    expect(await sender.send(request(`http://hooks.example.test:${target.port}/`))).toMatchObject(blocked);
    expect(await sender.send(request(`https://hooks.example.test:${target.port}/`))).toMatchObject(blocked);
    expect(target.connections).toBe(0);
  });

  test('with allowed addresses and one that is not are blocked, without reporting which', async () => {
    const target = await responding(OK);
    const sender = client({ allowNetworks: ['127.0.0.1'] }, { lookup: async () => ['127.0.0.1', '10.1.2.3'] });
    const failure = failureOf(await sender.send(request(`http://hooks.example.test:${target.port}/`)));
    expect(failure).toMatchObject(blocked);
    expect(target.connections).toBe(0);
  });

  test('with several allowed addresses are tried in turn', async () => {
    const target = await responding(OK);
    // Nothing listens at ::1 on that port.
    const sender = client({}, { lookup: async () => ['::1', '127.0.0.1'] });
    expect(responseOf(await sender.send(request(`http://hooks.example.test:${target.port}/`))).status).toBe(200);
  });

  test('that change are checked again at each connection, and looked up once', async () => {
    const target = await responding(OK.replace('\r\n', '\r\nConnection: close\r\n'));
    const responses = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1', '::1']];
    const lookup = jest.fn(async () => responses.shift() ?? []);
    const sender = client({ allowNetworks: ['127.0.0.1'] }, { lookup });
    const send = () => sender.send(request(`http://hooks.example.test:${target.port}/`));
    expect((await send()).kind).toBe('response');
    expect(lookup).toHaveBeenCalledTimes(1);
    expect(await send()).toMatchObject(blocked);
    expect(await send()).toMatchObject(blocked);
    expect(lookup).toHaveBeenCalledTimes(3);
    expect(lookup).toHaveBeenCalledWith('hooks.example.test');
    expect(target.connections).toBe(1);
  });

  test('of this machine are looked up by the system', async () => {
    const target = await responding(OK);
    expect(
      failureOf(await client({ allowNetworks: [] }).send(request(`http://localhost:${target.port}/`))).reason,
    ).toBe('blocked');
    expect((await client().send(request(`http://localhost:${target.port}/`))).kind).toBe('response');
  });

  test.each([
    ['ENOTFOUND', 'there is no such name or it has no address'],
    ['EAI_AGAIN', 'the name server did not respond'],
    ['EAI_FAIL', 'EAI_FAIL'],
  ])('that fail with %s', async (code, why) => {
    const lookup = async () => {
      throw Object.assign(new Error('getaddrinfo by 10.0.0.53'), { code });
    };
    expect(await client({}, { lookup }).send(request('https://hooks.example.test/'))).toMatchObject({
      reason: 'dns',
      message: `The name hooks.example.test cannot be resolved: ${why}`,
    });
  });

  test('without addresses', async () => {
    const exchange = await client({}, { lookup: async () => [] }).send(request('https://hooks.example.test/'));
    expect(failureOf(exchange).reason).toBe('dns');
  });
});

describe('resolve rules', () => {
  const lookup = jest.fn(async () => ['127.0.0.1']);
  const rule = { host: 'Hooks.example.test', port: 80, address: '127.0.0.1' };
  beforeEach(() => lookup.mockClear());

  test('send a host and port to an address and port, and the host header stays', async () => {
    const target = await responding(OK);
    const sender = client({ resolve: [{ ...rule, targetPort: target.port }] }, { lookup });
    const response = responseOf(await sender.send(request('http://HOOKS.example.test/a?b')));
    expect(response).toMatchObject({ status: 200, url: 'http://hooks.example.test/a?b' });
    expect(target.received[0]).toMatch(/^POST \/a\?b HTTP\/1.1\r\nhost: hooks\.example\.test\r\n/);
    expect(lookup).not.toHaveBeenCalled();
  });

  test('keep the port unless they name one', async () => {
    const target = await responding(OK);
    const sender = client({ resolve: [{ ...rule, port: target.port }] }, { lookup });
    expect((await sender.send(request(`http://hooks.example.test:${target.port}/`))).kind).toBe('response');
    expect(lookup).not.toHaveBeenCalled();
  });

  test('apply to their host and port only', async () => {
    const target = await responding(OK);
    const sender = client({ resolve: [{ ...rule, targetPort: 1 }] }, { lookup });
    expect((await sender.send(request(`http://hooks.example.test:${target.port}/`))).kind).toBe('response');
    expect((await sender.send(request(`http://example.test:${target.port}/`))).kind).toBe('response');
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  test('do not get around the guard', async () => {
    const target = await responding(OK);
    const sender = client({ allowNetworks: [], resolve: [{ ...rule, targetPort: target.port }] }, { lookup });
    expect(await sender.send(request('http://hooks.example.test/'))).toMatchObject({
      reason: 'blocked',
      message:
        'PIGEONPOST_RESOLVE sends hooks.example.test to an address that is not public (PIGEONPOST_ALLOW_NETWORKS allows networks)',
    });
    expect(target.connections).toBe(0);
  });

  test('apply to addresses in URLs as well', async () => {
    const target = await responding(OK);
    const resolve = [{ host: '192.0.2.1', port: 80, address: '127.0.0.1', targetPort: target.port }];
    expect((await client({ resolve }).send(request('http://192.0.2.1/'))).kind).toBe('response');
  });
});

test('settings that cannot be read are refused at once', () => {
  expect(() => client({ allowNetworks: ['10.0.0.0/99'] })).toThrow('Not a network');
});

test('a refused connection names what was asked for and no address', async () => {
  const target = await receiver({});
  await closeAll();
  const lookup = async () =>
    LOOPBACK.map((network) => network.replace(/0\/8|\/128/, '').replace('127.0.0.', '127.0.0.1'));
  const exchange = await client({}, { lookup }).send(request(`http://hooks.example.test:${target.port}/`));
  expect(exchange).toMatchObject({
    reason: 'refused',
    message: `hooks.example.test:${target.port} refused the connection; nothing listens there`,
  });
});
