import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLookup } from '../../../src/egress/dns.js';
import { candidatesFor, parseHosts, parseSearchRules } from '../../../src/egress/system-names.js';
import { nameServer, type NameServer } from '../../support/name-server.js';
import { responding, client, closeAll, failureOf, OK, request } from '../../support/egress.js';

const NOWHERE = '/no/such/file';
const servers: NameServer[] = [];
const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-names-'));

afterEach(async () => {
  await closeAll();
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serverWith(records: Record<string, string>): Promise<NameServer> {
  const server = await nameServer(records);
  servers.push(server);
  return server;
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('connects to a good name when thirty names with a silent name server are being looked up', async () => {
  const target = await responding(OK);
  const server = await serverWith({ 'good.test': '127.0.0.1' });
  const sender = client({}, { lookup: createLookup({ servers: [server.address], resolvConf: NOWHERE }) });
  const ended: string[] = [];
  const send = async (host: string, account: string) => {
    const exchange = await sender.send(request(`http://${host}:${target.port}/`, { account }));
    ended.push(host);
    return exchange;
  };
  const silent = Array.from({ length: 30 }, (_, nth) => send(`silent-${nth}.test`, 'acc_silent'));
  await server.names(16);
  expect((await send('good.test', 'acc_good')).kind).toBe('response');
  expect(ended).toEqual(['good.test']);
  const failures = (await Promise.all(silent)).map((exchange) => failureOf(exchange).reason);
  // Of those that did not begin in time nothing was tried.
  expect(failures.filter((reason) => reason === 'dns')).toHaveLength(16);
  expect(failures.filter((reason) => reason === 'busy')).toHaveLength(14);
});

test('fails for the name server when that is silent for the whole time of a lookup', async () => {
  const server = await serverWith({});
  const lookup = createLookup({ servers: [server.address], resolvConf: NOWHERE, timeoutMs: 20 });
  const exchange = await client({}, { lookup }).send(request('http://silent.test/'));
  expect(exchange).toMatchObject({
    reason: 'dns',
    message: 'The name silent.test cannot be resolved: the name server did not respond',
  });
});

test('fails for the name when that does not exist or has no address', async () => {
  const server = await serverWith({ 'none.test': 'none', 'empty.test': 'empty' });
  const lookup = createLookup({ servers: [server.address], resolvConf: NOWHERE });
  await expect(lookup('none.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(lookup('empty.test')).rejects.toMatchObject({ code: 'ENODATA' });
});

test('takes names of the hosts file from there and sees when it has changed', async () => {
  const server = await serverWith({ 'other.test': '192.0.2.9' });
  const hostsFile = file('hosts', '192.0.2.1 hooks.test # comment\n');
  const lookup = createLookup({ servers: [server.address], hostsFile, resolvConf: NOWHERE });
  expect(await lookup('Hooks.test')).toEqual(['192.0.2.1']);
  expect(await lookup('hooks.test.')).toEqual(['192.0.2.1']);
  expect(await lookup('other.test')).toEqual(['192.0.2.9']);
  file('hosts', '192.0.2.1 hooks.test\n192.0.2.22 other.test\n');
  expect(await lookup('other.test')).toEqual(['192.0.2.22']);
  expect(server.asked).toEqual(['other.test']);
});

test('completes names by the search domains', async () => {
  const server = await serverWith({
    'receiver.default.svc.test': '192.0.2.1',
    'receiver.svc.test': '192.0.2.2',
    'hooks.example.default.svc.test': 'none',
    'hooks.example.svc.test': 'none',
    'hooks.example': '192.0.2.3',
  });
  const resolvConf = file('resolv.conf', 'search default.svc.test svc.test\noptions ndots:5 timeout:1\n');
  const lookup = createLookup({ servers: [server.address], hostsFile: NOWHERE, resolvConf });
  expect(await lookup('receiver')).toEqual(['192.0.2.1']);
  expect(await lookup('hooks.example')).toEqual(['192.0.2.3']);
  expect(await lookup('hooks.example.')).toEqual(['192.0.2.3']);
});

test('localhost is this machine when no file says so', async () => {
  const lookup = createLookup({ servers: [], hostsFile: NOWHERE, resolvConf: NOWHERE });
  expect(await lookup('localhost')).toEqual(['127.0.0.1', '::1']);
});

test.each([
  ['a', { domains: ['x.test'], ndots: 1 }, ['a.x.test', 'a']],
  ['a.b', { domains: ['x.test'], ndots: 1 }, ['a.b', 'a.b.x.test']],
  ['a.b', { domains: ['x.test', 'y.test'], ndots: 2 }, ['a.b.x.test', 'a.b.y.test', 'a.b']],
  ['a.', { domains: ['x.test'], ndots: 5 }, ['a']],
  ['a', { domains: [], ndots: 1 }, ['a']],
])('%s with %j stands for %j', (name, rules, expected) => {
  expect(candidatesFor(name, rules)).toEqual(expected);
});

test('reads hosts files and resolv.conf files as the system does', () => {
  const hosts = parseHosts('127.0.0.1\tlocalhost Alias\n::1 localhost\n# 192.0.2.1 comment\nnonsense x\n\n');
  expect(Object.fromEntries(hosts)).toEqual({ localhost: ['127.0.0.1', '::1'], alias: ['127.0.0.1'] });
  expect(parseSearchRules('domain a.test\nsearch b.test. c.test\noptions rotate ndots:3\n; search d.test')).toEqual({
    domains: ['b.test', 'c.test'],
    ndots: 3,
  });
  expect(parseSearchRules('')).toEqual({ domains: [], ndots: 1 });
});
