import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

test('a link to the customer portal is made, listed and revoked', async () => {
  const { id } = await cli.json('accounts', 'create', 'standard', 'Acme');
  expect((await cli.pigeonpost(['portal-link', id])).out).toMatch(
    new RegExp(`^${api.url}/portal#token=ppl_[\\w-]{43}$`),
  );
  const link = await cli.json('portal-link', id, '--access', 'read', '--expires', '2h', '--theme', 'dark');
  expect(link).toMatchObject({ capabilities: [], url: expect.stringMatching(/&theme=dark$/) });
  const hours = (Date.parse(link.expiresAt as string) - Date.now()) / 3_600_000;
  expect(Math.round(hours)).toBe(2);
  const some = await cli.json('portal-link', id, '--allow', 'send_again', '--allow', 'view_secrets');
  expect(some).toMatchObject({ capabilities: ['send_again', 'view_secrets'] });

  const { out } = await cli.pigeonpost(['portal-link', id, '--list']);
  expect(out).toMatch(new RegExp(`^${link.id} +read `, 'm'));
  expect(out).toMatch(/^ses_\w+ +manage_subscriptions, show_secrets, send_again /m);
  expect((await cli.pigeonpost(['portal-link', id, '--revoke', link.id as string])).out).toBe(`revoked ${link.id}`);
  expect((await cli.json('portal-link', id, '--list')).data).toHaveLength(2);
  await cli.pigeonpost(['portal-link', id, '--revoke', 'all']);
  expect((await cli.json('portal-link', id, '--list')).data).toEqual([]);
});

test('what makes no sense is refused', async () => {
  const { id } = await cli.json('accounts', 'create', 'standard', 'Acme');
  for (const [args, text] of [
    [['--access', 'some'], 'full, read'],
    [['--expires', 'soon'], 'Write a time span'],
    [['--expires', '8d'], 'expiresInS'],
    [['--access', 'read', '--allow', 'send_again'], 'capabilities'],
    [['--list', '--revoke', 'all'], 'not both'],
  ] as const) {
    const refused = await cli.pigeonpost(['portal-link', id, ...args]);
    expect([args, refused.exitCode, refused.err]).toEqual([args, 1, expect.stringContaining(text)]);
  }
});
