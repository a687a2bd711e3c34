import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let receiver: Receiver;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  [api, receiver] = await Promise.all([startApiWithDatabase(), startReceiver()]);
  cli = against(api.url);
});
afterAll(() => Promise.all([api.close(), receiver.close()]));

test('a rule is added, listed, tested and deleted', async () => {
  const webhook = `${receiver.url}/alerts`;
  const rule = await cli.json(
    ...['alerts', 'rules', 'add', '--condition', 'subscription_failing', '--minutes', '30', '--webhook', webhook],
  );
  const name = `subscription_failing: webhook ${webhook}`;
  expect(rule).toMatchObject({ name, minutes: 30, secret: expect.stringMatching(/^whsec_/) });
  const id = rule.id as string;
  expect((await cli.pigeonpost(['alerts', 'rules', 'list'])).out).toContain(`webhook ${webhook}`);
  expect((await cli.pigeonpost(['alerts', 'rules', 'test', id])).out).toBe('sent');
  receiver.reply(500, 200);
  const failed = await cli.pigeonpost(['alerts', 'rules', 'test', id]);
  expect([failed.exitCode, failed.out]).toEqual([1, 'not sent: the target responded with 500']);
  expect((await cli.json('alerts', 'list', '--rule', id, '--open')).data).toEqual([]);
  expect((await cli.pigeonpost(['alerts', 'list'])).out).toMatch(/^Alert +Rule +About/);
  expect((await cli.pigeonpost(['alerts', 'rules', 'delete', id, '--yes'])).out).toBe(`deleted ${id}`);
  expect((await cli.json('alerts', 'rules', 'list')).data).toEqual([]);
});

test('a rule has one target', async () => {
  const add = ['alerts', 'rules', 'add', '--condition', 'breaker_open'];
  for (const targets of [[], ['--mail', 'a@example.com', '--customer']]) {
    const { exitCode, err } = await cli.pigeonpost([...add, ...targets]);
    expect([exitCode, err]).toEqual([1, expect.stringContaining('exactly one of')]);
  }
});

test('an account has a contact', async () => {
  const { id } = await cli.json('accounts', 'create', 'standard', 'Acme', '--contact-email', 'kim@customer.example');
  expect(await cli.json('accounts', 'show', id as string)).toMatchObject({ contactEmail: 'kim@customer.example' });
  expect(await cli.json('accounts', 'edit', id as string, '--contact-email', 'none')).toMatchObject({
    contactEmail: null,
  });
});
