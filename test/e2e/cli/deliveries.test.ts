/** Deliveries, recoveries and the receiver, with everything running. */
import { eventually } from '../../support/eventually.js';
import { join } from 'node:path';
import { pickPort } from '../../../src/embedded/ports.js';
import { certificate } from '../../support/egress.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { startSystem, type TestSystem } from '../../support/system.js';
import { against } from '../../support/cli.js';

const HOST = 'hooks.example.test';
const certificates = join(__dirname, '../../support/certs');

/** Where the https receiver will listen. */
let securePort: number;
let system: TestSystem;
let receiver: Receiver;
let cli: ReturnType<typeof against>;
let account: string;
let subscription: string;
beforeAll(async () => {
  receiver = await startReceiver();
  securePort = await pickPort();
  system = await startSystem({
    extraCa: certificate('ca.pem'),
    resolve: [{ host: HOST, port: 443, address: '127.0.0.1', targetPort: securePort }],
  });
  cli = against(system.url);
  account = (await cli.json('accounts', 'create', 'standard', 'Acme')).id;
  const created = await cli.json('subscriptions', 'create', account, receiver.url, '--type', 'user.created');
  subscription = created.id;
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

async function emit(data = '{}'): Promise<string> {
  return (await cli.json('emit', account, 'user.created', '--data', data)).deliveries[0].id;
}

test('deliveries are listed by what they are about', async () => {
  const id = await emit();
  await system.settled(id, 'delivered');
  const filters = ['--account', account, '--subscription', subscription, '--type', 'user.created', '--from', '1h'];
  const { data } = await cli.json('deliveries', 'list', ...filters, '--state', 'delivered', '--limit', '1');
  expect(data).toMatchObject([{ id, state: 'delivered', lastStatus: 200 }]);
  expect(await cli.json('deliveries', 'list', ...filters, '--state', 'failed')).toMatchObject({ data: [] });
  expect(await cli.json('deliveries', 'list', '--to', '1h')).toMatchObject({ data: [] });
  const { out } = await cli.pigeonpost(['deliveries', 'list', ...filters]);
  expect(out.split('\n')[1]).toMatch(
    new RegExp(`^${id} +user.created +delivered +1 +200 accepted by the receiver +– +20\\S+Z +http\\S+ +\\S+`),
  );
});

test('a delivery is shown with its attempts and the last response', async () => {
  receiver.reply((response) => void response.writeHead(503).end('try later'));
  const id = await emit();
  await system.settled(id, 'retrying');
  const { out } = await cli.pigeonpost(['deliveries', 'show', id]);
  expect(out).toMatch(/^state +retrying$/m);
  expect(out).toMatch(/^1 +0 +20\S+Z +.+503 refused by the receiver +the receiver responded with 503$/m);
  expect(out).toMatch(/^To come +Unless accepted before\n20\S+Z +5 s after the attempt before$/m);
  expect(out).toMatch(/\n\nThe last response:\ntry later$/);
  expect((await cli.json('deliveries', 'show', id)).attempts).toHaveLength(1);
});

test('a delivery is paused, resumed, retried, cancelled and redelivered', async () => {
  receiver.reply(503);
  const id = await emit();
  await system.settled(id, 'retrying');
  const { out } = await cli.pigeonpost(['deliveries', 'pause', id, '--reason', 'lunch']);
  expect(out).toMatch(new RegExp(`  ${id}  user.created  \\w+  \\(1 attempt, 503 refused by the receiver`));
  expect(await system.settled(id, 'paused')).toMatchObject({ stateReason: 'lunch' });
  await cli.json('deliveries', 'resume', id);
  await system.settled(id, 'retrying');
  await cli.json('deliveries', 'retry', id);
  await receiver.waitFor(2);
  await system.settled(id, 'retrying');
  await cli.json('deliveries', 'cancel', id);
  await system.settled(id, 'cancelled');
  receiver.reply(200);
  await cli.json('deliveries', 'redeliver', id);
  expect(await system.settled(id, 'delivered')).toMatchObject({ redeliveries: 1 });
  const again = await cli.pigeonpost(['deliveries', 'cancel', id]);
  expect(again).toMatchObject({
    exitCode: 1,
    err: 'pigeonpost: this delivery is delivered; redeliver sends it again',
  });
});

test('tail prints deliveries as they change, until it is stopped', async () => {
  const before = await emit();
  await system.settled(before, 'delivered');
  const filters = ['--subscription', subscription, '--from', '1h'];
  const tail = cli.start(['deliveries', 'tail', ...filters, '--last', '1', '--every', '20ms', '--json']);
  const [first] = await tail.lines(1);
  expect(JSON.parse(first!)).toMatchObject({ id: before, state: 'delivered' });
  const id = await emit();
  await system.settled(id, 'delivered');
  await tail.lines(2);
  const { exitCode, out } = await tail.stop();
  expect(exitCode).toBe(0);
  const changes = out.split('\n').map((line) => JSON.parse(line));
  expect(changes.slice(1).every((change) => change.id === id)).toBe(true);
});

test('recover counts first, and then sends again what was missed', async () => {
  receiver.reply(503);
  const id = await emit();
  await system.settled(id, 'retrying');
  await cli.json('deliveries', 'cancel', id);
  await system.settled(id, 'cancelled');
  receiver.reply(200);
  const what = ['recover', subscription, '--from', '1h', '--state', 'failed', '--state', 'cancelled'];
  expect(await cli.json(...what)).toMatchObject({ dryRun: true, total: 1 });
  const counted = await cli.pigeonpost([...what, '--type', 'user.created']);
  expect(counted.out).toMatch(/^cancelled +user\.created +1\n\n1 in all; --yes sends them again\.$/m);
  const done = await cli.pigeonpost([...what, '--yes', '--rate', '100', '--every', '20ms']);
  expect(done.exitCode).toBe(0);
  expect(done.out.split('\n').at(-1)).toMatch(/^rec_\w+ {2}completed {2}1 of 1 recovered$/);
  expect(await system.settled(id, 'delivered')).toMatchObject({ redeliveries: 1 });
  expect(await cli.pigeonpost(what)).toMatchObject({ exitCode: 0, out: 'There is nothing to recover.' });
});

test('recover attempts now what waits for its next attempt', async () => {
  receiver.reply(503);
  const { id: own } = await cli.json('subscriptions', 'create', account, receiver.url, '--type', 'user.deleted');
  const { deliveries } = await cli.json('emit', account, 'user.deleted', '--data', '{}');
  const { id } = deliveries[0];
  await system.settled(id, 'retrying');
  receiver.reply(200);
  const what = ['recover', own, '--from', '1h'];
  expect((await cli.pigeonpost(what)).out).toMatch(/^retrying +user\.deleted +1$/m);
  const done = await cli.pigeonpost([...what, '--yes', '--rate', '100', '--every', '20ms']);
  expect(done.exitCode).toBe(0);
  expect(await system.settled(id, 'delivered')).toMatchObject({ attemptCount: 2, redeliveries: 0 });
});

test('recoveries are listed, and one that runs is ended', async () => {
  for (const id of [await emit(), await emit(), await emit()]) await system.settled(id, 'delivered');
  const again = [
    'recover',
    subscription,
    '--from',
    '1h',
    '--state',
    'delivered',
    '--yes',
    '--rate',
    '1',
    '--no-follow',
  ];
  const { id } = await cli.json(...again);
  const running = await cli.pigeonpost(['recoveries', 'cancel', id]);
  expect(running.out).toMatch(new RegExp(`^${id} {2}running {2}`));
  const rows = await eventually(
    async () => (await cli.pigeonpost(['recoveries', 'list', subscription])).out,
    (out) => new RegExp(`^${id} +cancelled`, 'm').test(out),
  );
  expect(rows).toMatch(/^Recovery +State +Since +Progress\n/);
});

describe('listen', () => {
  test('verifies by the subscription, fails as configured and prints what comes', async () => {
    const at = await cli.json('subscriptions', 'create', account, 'http://127.0.0.1:1/', '--type', 'order.paid');
    const args = ['listen', '--port', '0', '--subscription', at.id, '--status', '502', '--fail-first', '1'];
    const listening = cli.start([...args, '--delay', '1ms', '--count', '2', '--json']);
    const { listening: url } = JSON.parse((await listening.lines(1))[0]!);
    await cli.json('subscriptions', 'edit', at.id, '--receiver', `${url}/hooks?a=1`);
    const event = await cli.json('emit', account, 'order.paid', '--data', '{"total": 1e400}');
    const [{ id }] = event.deliveries;
    await system.settled(id, 'retrying');
    await cli.json('deliveries', 'retry', id);
    const { exitCode, out } = await listening.ended;
    expect(exitCode).toBe(0);
    const [, first, second] = out.split('\n').map((line) => JSON.parse(line));
    expect(first).toMatchObject({ method: 'POST', path: '/hooks?a=1', responseClass: 'genuine', status: 502 });
    expect(first.body).toContain('"total":1e400');
    expect(second).toMatchObject({ responseClass: 'genuine', status: 200 });
    await system.settled(id, 'delivered');
  });

  test('responds to forgeries with 401 and says why', async () => {
    const secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';
    const listening = cli.start(['listen', '--port', '0', '--provider', 'standard', '--secret', secret]);
    const [said = ''] = await listening.lines(1);
    expect(said).toMatch(
      /^Listening at http:\/\/127\.0\.0\.1:\d+; requests are verified as receivers of standard do\.$/,
    );
    const [url = ''] = /http:\S+\d/.exec(said) ?? [];
    expect((await fetch(url, { method: 'POST', body: 'hello' })).status).toBe(401);
    await listening.lines(2);
    const { out } = await listening.stop();
    expect(out).toMatch(/POST \/ {2}forged: the header webhook-id is missing {2}responded 401\n/);
    expect(out).toMatch(/\n {2}content-length: 5\n\n {2}hello$/);
  });

  test('speaks https, where the address is signed as registered', async () => {
    const [tlsKey, tlsCert] = ['server.key', 'server.pem'].map((name) => join(certificates, name));
    const args = ['listen', '--port', String(securePort), '--provider', 'bird', '--secret', 'key', '--count', '1'];
    const tls = ['--tls-key', tlsKey!, '--tls-cert', tlsCert!, '--address', `https://${HOST}/bird`];
    const listening = cli.start([...args, ...tls, '--json']);
    await listening.lines(1);
    const bird = (await cli.json('accounts', 'create', 'bird', 'Bird')).id;
    const own = ['--type', 'sms.inbound', '--set', 'service=channels', '--set', 'signingKey=key'];
    const { id } = await cli.json('subscriptions', 'create', bird, `https://${HOST}/bird`, ...own);
    await cli.json('subscriptions', 'test', id);
    const { out } = await listening.ended;
    expect(JSON.parse(out.split('\n')[1]!)).toMatchObject({ path: '/bird', responseClass: 'genuine', status: 200 });
  });

  test('checks nothing where nothing is known, and says what it would need', async () => {
    const postmark = (await cli.json('accounts', 'create', 'postmark', 'Mail')).id;
    const { id } = await cli.json('subscriptions', 'create', postmark, 'http://127.0.0.1:1/', '--type', 'Open');
    const listening = cli.start(['listen', '--port', '0', '--subscription', id]);
    const [said = ''] = await listening.lines(1);
    expect(said).toMatch(/; nothing is verified: give --secret with Basic credentials as user:password, or /);
    await fetch(/http:\S+\d/.exec(said)![0], { method: 'POST', body: '{}' });
    await listening.lines(2);
    expect((await listening.stop()).out).toMatch(/POST \/ {2}unchecked {2}responded 200/);
  });

  test.each([
    [['--secret', 'x'], '--secret needs --provider'],
    [['--provider', 'standard', '--secret', 'x'], '--secret cannot be used: the secret must begin with whsec_'],
    [['--tls-key', 'x'], '--tls-key and --tls-cert belong together'],
    [['--provider', 'none'], "argument 'none' is invalid. Allowed choices are postscript, postack"],
    [['--subscription', 'sub_none'], 'there is no such subscription'],
  ])('%j is refused', async (args, message) => {
    const { exitCode, err } = await cli.pigeonpost(['listen', '--port', '0', ...args]);
    expect(exitCode).toBe(1);
    expect(err).toContain(message);
  });

  test('a port that is taken is said so', async () => {
    const { exitCode, err } = await cli.pigeonpost(['listen', '--port', String(receiver.port)]);
    expect(exitCode).toBe(1);
    expect(err).toContain(`Cannot listen at 127.0.0.1:${receiver.port}: listen EADDRINUSE`);
  });
});
