import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

test('an operator’s key is created for a time, used, listed and revoked', async () => {
  const key = await cli.json('keys', 'create', 'CI', '--scope', 'publish', '--scope', 'read', '--expires', '30d');
  expect(key).toMatchObject({ name: 'CI', scopes: ['publish', 'read'], apiKey: expect.stringMatching(/^ppk_/) });
  const days = (Date.parse(key.expiresAt as string) - Date.now()) / 86_400_000;
  expect(Math.round(days)).toBe(30);
  expect((await cli.pigeonpost(['accounts', 'list', '--key', key.apiKey as string])).exitCode).toBe(0);
  const refused = await cli.pigeonpost(['keys', 'list', '--key', key.apiKey as string]);
  expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('this needs the scope admin')]);
  expect((await cli.pigeonpost(['keys', 'list'])).out).toMatch(/^key_\w+ +CI +publish, read /m);
  expect((await cli.pigeonpost(['keys', 'revoke', key.id as string], '')).err).toContain('Give --yes');
  expect((await cli.pigeonpost(['keys', 'revoke', key.id as string, '--yes'])).out).toBe(`revoked ${key.id}`);
  expect((await cli.json('keys', 'list')).data).toEqual([]);
});

test('a key of an account has a name and scopes too', async () => {
  const { id } = await cli.json('accounts', 'create', 'standard', 'Acme');
  const key = await cli.json('accounts', 'keys', id, '--add', '--name', 'support', '--scope', 'read');
  expect(key).toMatchObject({ name: 'support', scopes: ['read'] });
  const refused = await cli.pigeonpost(['accounts', 'keys', id, '--add', '--scope', 'publish']);
  expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('scopes[0]')]);
});
