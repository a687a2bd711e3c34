import fc from 'fast-check';
import { BlockList } from 'node:net';
import { createAddressGuard, isPublicAddress } from '../../../src/egress/address.js';

describe('public addresses', () => {
  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.1.0',
    '192.167.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82a::200e',
    '3ffe:ffff::1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
    '2a00:1450::5efe:8.8.8.8',
    '2A00:1450:4001:082A:0000:0000:0000:200E',
  ])('%s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('addresses that are not public', () => {
  test.each([
    ['this network', '0.0.0.0'],
    ['this network', '0.255.255.255'],
    ['private', '10.0.0.0'],
    ['private', '10.255.255.255'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.0.1'],
    ['private', '192.168.255.255'],
    ['shared, carrier-grade NAT', '100.64.0.0'],
    ['shared, carrier-grade NAT', '100.127.255.255'],
    ['metadata in the shared range', '100.100.100.200'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.255'],
    ['link-local', '169.254.0.1'],
    ['metadata', '169.254.169.254'],
    ['metadata of containers', '169.254.170.2'],
    ["a platform's agent", '168.63.129.16'],
    ['protocol assignments', '192.0.0.1'],
    ['metadata among protocol assignments', '192.0.0.192'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['AS112', '192.31.196.1'],
    ['AS112', '192.175.48.1'],
    ['multicast tunnels', '192.52.193.1'],
    ['6to4 relays', '192.88.99.1'],
    ['benchmarking', '198.18.0.1'],
    ['benchmarking', '198.19.255.255'],
    ['multicast', '224.0.0.1'],
    ['multicast', '239.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['loopback', '0:0:0:0:0:0:0:1'],
    ['IPv4-mapped', '::ffff:127.0.0.1'],
    ['IPv4-mapped', '::ffff:7f00:1'],
    ['IPv4-mapped', '::FFFF:10.0.0.1'],
    ['IPv4-mapped metadata', '::ffff:a9fe:a9fe'],
    ['IPv4-mapped unspecified', '::ffff:0.0.0.0'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['IPv4-compatible', '::7f00:1'],
    ['IPv4-compatible, of a public address', '::8.8.8.8'],
    ['IPv4-compatible, of a public address', '::808:808'],
    ['SIIT', '::ffff:0:127.0.0.1'],
    ['SIIT, of a public address', '::ffff:0:8.8.8.8'],
    ['NAT64', '64:ff9b::127.0.0.1'],
    ['NAT64', '64:ff9b::a00:1'],
    ['NAT64 metadata', '64:ff9b::a9fe:a9fe'],
    ['beside NAT64', '64:ff9b::1:808:808'],
    ['local NAT64', '64:ff9b:1::8.8.8.8'],
    ['local NAT64', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
    ['discard-only', '100::1'],
    ['dummy prefix', '100:0:0:1::1'],
    ['protocol assignments', '2001:1::1'],
    ['Teredo', '2001::1'],
    ['Teredo, of public addresses', '2001:0:808:808:0:0:f7f7:f7f7'],
    ['benchmarking', '2001:2::1'],
    ['multicast tunnels', '2001:3::1'],
    ['AS112', '2001:4:112::1'],
    ['ORCHID', '2001:10::1'],
    ['ORCHIDv2', '2001:20::1'],
    ['drone tags', '2001:30::1'],
    ['last of the protocol assignments', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['documentation', '2001:db8::1'],
    ['6to4', '2002:7f00:1::1'],
    ['6to4, of a public address', '2002:808:808::1'],
    ['AS112', '2620:4f:8000::1'],
    ['documentation', '3fff::1'],
    ['documentation', '3fff:fff:ffff::1'],
    ['not assigned', '4000::1'],
    ['segment routing', '5f00::1'],
    ['unique local', 'fc00::1'],
    ['metadata in unique local', 'fd00:ec2::254'],
    ['metadata in unique local', 'fd20:ce::254'],
    ['unique local', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['link-local', 'fe80::1'],
    ['link-local', 'febf::1'],
    ['site-local', 'fec0::1'],
    ['site-local', 'feff::1'],
    ['multicast', 'ff02::1'],
    ['ISATAP', 'fe80::5efe:10.0.0.1'],
    ['ISATAP in a public prefix', '2a00:1450::5efe:10.0.0.1'],
    ['ISATAP in a public prefix', '2a00:1450::200:5efe:7f00:1'],
    ['ISATAP of a group', '2a00:1450::300:5efe:a9fe:a9fe'],
    ['zone', 'fe80::1%eth0'],
    ['zone on a public address', '2a00:1450::1%eth0'],
    ['decimal', '2130706433'],
    ['decimal of a public address', '134744072'],
    ['hexadecimal', '0x7f.0.0.1'],
    ['octal', '0177.0.0.1'],
    ['short', '127.1'],
    ['short public', '8.8'],
    ['with brackets', '[::1]'],
    ['with a port', '8.8.8.8:80'],
    ['a name', 'localhost'],
    ['a public name', 'example.com'],
    ['with a space', ' 8.8.8.8'],
    ['with a line break', '8.8.8.8\n'],
    ['nothing', ''],
  ])('%s: %s', (_kind, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
const dotted = (parts: readonly number[]): string => parts.join('.');
const hex = ([a, b, c, d]: readonly [number, number, number, number]): string =>
  `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;

/** A second opinion that shares no code with the first: Node's own block list, of IANA's registries. */
function special(kind: 'ipv4' | 'ipv6', networks: string): BlockList {
  const list = new BlockList();
  for (const network of networks.trim().split(/\s+/)) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), kind);
  }
  return list;
}

const special4 = special(
  'ipv4',
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
   192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15
   198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`,
);
const special6 = special(
  'ipv6',
  `::/3 2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 4000::/2 8000::/1`,
);

/** Addresses that lie in, at the edges of and all over the blocks that matter. */
const interesting4 = fc.oneof(
  octets,
  fc
    .tuple(fc.constantFrom(0, 10, 100, 127, 168, 169, 172, 192, 198, 203, 224, 240, 255), octets)
    .map(([first, [, b, c, d]]): [number, number, number, number] => [first, b, c, d]),
  fc
    .tuple(fc.constantFrom([192, 0], [192, 168], [198, 51], [203, 0], [168, 63], [192, 88], [192, 31]), octets)
    .map(([[a = 0, b = 0], [, , c, d]]): [number, number, number, number] => [a, b, c, d]),
);

describe('properties', () => {
  const runs = { numRuns: 5_000 };

  test('agrees with a second opinion on IPv4', () => {
    fc.assert(
      fc.property(interesting4, (parts) => {
        const address = dotted(parts);
        return isPublicAddress(address) === !special4.check(address, 'ipv4');
      }),
      runs,
    );
  });

  test('agrees with a second opinion on IPv6', () => {
    const start = fc.constantFrom(
      0,
      0x64,
      0x100,
      0x2000,
      0x2001,
      0x2002,
      0x2620,
      0x3ffe,
      0x3fff,
      0x4000,
      0xfe80,
      0xff02,
    );
    const interesting6 = fc.oneof(
      groups,
      fc.tuple(start, groups).map(([first, [, ...rest]]) => [first, ...rest]),
      fc.tuple(start, fc.nat(0x300), groups).map(([first, second, [, , ...rest]]) => [first, second, ...rest]),
    );
    fc.assert(
      fc.property(interesting6, (parts) => {
        // Those with IPv4 inside have properties of their own.
        fc.pre(parts[5] !== 0x5efe && parts[5] !== 0xffff && parts[0] !== 0x64);
        const address = parts.map((part) => part.toString(16)).join(':');
        return isPublicAddress(address) === !special6.check(address, 'ipv6');
      }),
      runs,
    );
  });

  test('IPv4-mapped and NAT64 addresses get the classification of the IPv4 address, in either spelling', () => {
    fc.assert(
      fc.property(
        interesting4,
        fc.constantFrom('::ffff:', '0:0:0:0:0:FFFF:', '64:ff9b::', '64:ff9b:0:0:0:0:'),
        (v4, prefix) => {
          const isPublic = isPublicAddress(dotted(v4));
          return isPublicAddress(prefix + dotted(v4)) === isPublic && isPublicAddress(prefix + hex(v4)) === isPublic;
        },
      ),
      runs,
    );
  });

  test('other ways to put IPv4 into IPv6 never pass', () => {
    const prefixes = fc.constantFrom('::', '::ffff:0:', '64:ff9b:1::', '2001::', '100::', 'fe80::5efe:', '::5efe:');
    fc.assert(
      fc.property(octets, prefixes, (v4, prefix) =>
        [prefix + dotted(v4), prefix + hex(v4), `2002:${hex(v4)}::1`].every((address) => !isPublicAddress(address)),
      ),
      runs,
    );
  });

  test('ISATAP addresses in a public prefix get the classification of the IPv4 address', () => {
    fc.assert(
      fc.property(interesting4, fc.constantFrom('0', '100', '200', '300'), (v4, bits) => {
        return isPublicAddress(`2a00:1450:0:0:${bits}:5efe:${hex(v4)}`) === isPublicAddress(dotted(v4));
      }),
      runs,
    );
  });

  test('text that is no address never passes and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-fx:.%[\]/]{0,40}$/)), (text) => {
        return typeof isPublicAddress(text) === 'boolean';
      }),
      runs,
    );
  });
});

describe('allowed networks', () => {
  test.each([
    ['127.0.0.0/8', '127.0.0.1', true],
    ['127.0.0.0/8', '::ffff:127.0.0.1', true],
    ['127.0.0.0/8', '::127.0.0.1', false],
    ['127.0.0.0/8', '128.0.0.1', true],
    ['127.0.0.0/8', '10.0.0.1', false],
    ['127.0.0.0/8', '::1', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.3/8', '10.255.0.1', true],
    ['0.0.0.0/0', '169.254.169.254', true],
    ['0.0.0.0/0', '::1', false],
    ['::1/128', '::1', true],
    ['::1', '::1', true],
    ['::1', '127.0.0.1', false],
    ['fd00::/8', 'fd12::1', true],
    ['fd00::/8', 'fd12::1%eth0', false],
    ['fd00::/8', 'fc00::1', false],
    ['::/0', 'fe80::1', true],
    ['::/0', '::ffff:127.0.0.1', false],
    ['::ffff:10.0.0.0/104', '10.2.3.4', true],
    ['::ffff:10.0.0.0/104', '::ffff:10.2.3.4', true],
    ['::ffff:10.0.0.0/104', '11.2.3.4', true],
    ['::ffff:10.0.0.0/104', '127.0.0.1', false],
  ])('%s and %s: %s', (network, address, permitted) => {
    expect(createAddressGuard([network])(address)).toBe(permitted);
  });

  test('any of several networks is enough', () => {
    const permits = createAddressGuard(['10.0.0.0/8', 'fd00::/8']);
    expect([permits('10.1.1.1'), permits('fd00::1'), permits('192.168.1.1')]).toEqual([true, true, false]);
  });

  test.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10/8',
    '::1/129',
    '10.0.0.0/8/8',
    'fe80::%1/64',
    '0x0a.0.0.0/8',
  ])('refuses to read %j', (network) => {
    expect(() => createAddressGuard([network])).toThrow('Not a network');
  });
});
