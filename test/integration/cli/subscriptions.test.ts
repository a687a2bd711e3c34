import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';
const OTHER = 'whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
let account: string;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
  account = (await cli.json('accounts', 'create', 'standard', 'Acme')).id;
});
afterAll(() => api.close());

const create = (...args: string[]) => cli.json('subscriptions', 'create', account, 'http://127.0.0.1/in', ...args);

test('a subscription is created with every field', async () => {
  const created = await create(
    ...['--type', 'user.created', '--type', 'user.deleted', '--header', 'X-Token: a: b', '--description', 'Users'],
    ...['--max-concurrent', '5', '--rate', '0.5', '--set', `secret=${SECRET}`, '--set', 'channels:=["a","b"]'],
    '--disabled',
  );
  expect(created).toMatchObject({
    ...{ url: 'http://127.0.0.1/in', eventTypes: ['user.created', 'user.deleted'], headers: { 'X-Token': '***' } },
    ...{ description: 'Users', maxConcurrentAttempts: 5, ratePerSecond: 0.5, channels: ['a', 'b'] },
    ...{ secret: SECRET, enabled: false },
  });
  const shown = await cli.json('subscriptions', 'show', created.id);
  expect(shown).toMatchObject({ id: created.id, health: { consecutiveFailures: 0 } });
  const { out } = await cli.pigeonpost(['subscriptions', 'show', created.id]);
  expect(out).toMatch(/^eventTypes +user\.created, user\.deleted$/m);
});

test('an edit changes what it names', async () => {
  const { id } = await create('--type', 'user.created', '--rate', '5');
  const receiver = ['--receiver', 'http://127.0.0.1/other', '--rate', 'none'];
  expect(await cli.json('subscriptions', 'edit', id, ...receiver)).toMatchObject({
    ...{ url: 'http://127.0.0.1/other', eventTypes: ['user.created'], ratePerSecond: null },
  });
  expect(await cli.json('subscriptions', 'disable', id)).toMatchObject({ enabled: false });
  expect(await cli.json('subscriptions', 'enable', id)).toMatchObject({ enabled: true });
});

test('a filter and a transformation are given as text or file, and removed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pigeonpost-cli-'));
  await writeFile(join(folder, 'filter.json'), '{"data.total": {"gte": 100}}\n');
  await writeFile(join(folder, 'body.jsonata'), 'data.total\n');
  const filter = { 'data.total': { gte: 100 } };
  const created = await create('--filter', JSON.stringify(filter), '--transformation', '{"total": data.total}');
  expect(created).toMatchObject({ filter, transformation: '{"total": data.total}' });
  const { out } = await cli.pigeonpost(['subscriptions', 'show', created.id]);
  expect(out).toMatch(/^filter +\{"data.total":\{"gte":100\}\}$/m);
  const edit = (...args: string[]) => cli.json('subscriptions', 'edit', created.id, ...args);
  expect(await edit('--filter', 'none', '--transformation', 'none')).toMatchObject({
    filter: null,
    transformation: null,
  });
  const files = [`--filter=@${join(folder, 'filter.json')}`, `--transformation=@${join(folder, 'body.jsonata')}`];
  expect(await edit(...files)).toMatchObject({ filter, transformation: 'data.total' });
  const missing = await cli.pigeonpost(['subscriptions', 'edit', created.id, '--filter', `@${join(folder, 'none')}`]);
  expect(missing.err).toMatch(/The file cannot be read: ENOENT/);
  await rm(folder, { recursive: true });
});

test('subscriptions are listed until they are deleted', async () => {
  const { id } = await create();
  const { out } = await cli.pigeonpost(['subscriptions', 'list', account]);
  expect(out.split('\n')[0]).toMatch(/^Subscription +Receiver +Event types +Enabled +Failing since$/);
  expect(out).toMatch(new RegExp(`^${id} +http://127.0.0.1/in +all +yes +–$`, 'm'));
  expect(await cli.pigeonpost(['subscriptions', 'delete', id, '--yes'])).toMatchObject({
    exitCode: 0,
    out: `deleted ${id}`,
  });
  const ids = (await cli.json('subscriptions', 'list', account)).data.map((row: { id: string }) => row.id);
  expect(ids).not.toContain(id);
});

test('a test event goes out, and the secret is rotated', async () => {
  const { id } = await create('--type', 'user.created');
  const event = await cli.json('subscriptions', 'test', id, '--type', 'user.created');
  expect(event).toMatchObject({ type: 'user.created', deliveries: [{ subscriptionId: id }] });
  const { out } = await cli.pigeonpost(['subscriptions', 'test', id]);
  expect(out).toMatch(/^user\.created is sent as delivery dlv_\w+$/);
  const rotated = await cli.json('subscriptions', 'rotate-secret', id, '--secret', OTHER, '--overlap', '1');
  expect(rotated).toMatchObject({ secret: OTHER, overlapEndsAt: expect.any(String) });
});

test('what the API finds wrong is said field by field', async () => {
  const { exitCode, err } = await cli.pigeonpost([
    'subscriptions',
    'create',
    account,
    'nowhere',
    '--set',
    'colour=red',
  ]);
  expect(exitCode).toBe(1);
  expect(err).toBe('pigeonpost: colour: is not a known field; remove it');
  const twice = ['--set', 'colour=red', '--set', 'channels=a'];
  const several = await cli.pigeonpost(['subscriptions', 'create', account, 'http://127.0.0.1', ...twice]);
  expect(several.err).toMatch(/^pigeonpost: the API refused:\n {2}\w+: .+\n {2}\w+: .+$/);
});

test('a subscription and an account are paused and resumed', async () => {
  const { id } = await create('--type', 'user.created');
  expect(await cli.json('subscriptions', 'pause', id, '--reason', 'maintenance')).toMatchObject({
    pausedAt: expect.any(String),
    pausedReason: 'maintenance',
  });
  expect(await cli.json('subscriptions', 'resume', id, '--rate', '5')).toMatchObject({
    pausedAt: null,
    resumeRatePerSecond: 5,
  });
  expect(await cli.json('accounts', 'pause', account)).toMatchObject({ pausedAt: expect.any(String) });
  expect(await cli.json('accounts', 'resume', account)).toMatchObject({ pausedAt: null, resumeRatePerSecond: 100 });
});
