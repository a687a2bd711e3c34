import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

test('an account is created with what is said, and found again', async () => {
  const created = await cli.json(
    ...['accounts', 'create', 'postmark', 'Acme', '--scope', '{"serverId": 4711}', '--settings', '{"contract":"2026"}'],
    ...['--no-validate', '--disable-after', '48'],
  );
  expect(created).toMatchObject({
    ...{ provider: 'postmark', name: 'Acme', scope: { serverId: 4711 }, settings: { contract: '2026' } },
    ...{ validatePayloads: false, disableAfterHours: 48, apiKey: expect.any(String) },
  });
  const { apiKey, ...account } = created;
  expect(await cli.json('accounts', 'show', created.id)).toMatchObject({
    ...account,
    keys: [{ hint: apiKey.slice(-4) }],
  });
  const { out } = await cli.pigeonpost(['accounts', 'show', created.id]);
  expect(out).toMatch(/^name +Acme$/m);
  expect(out).toMatch(/^scope +\{"serverId":4711\}$/m);
  expect(out).toMatch(/^Key +Name +Scopes +Ends with +Created +Last used +Expires$/m);
});

test('an account is edited where that is said, and deleted', async () => {
  const { id } = await cli.json('accounts', 'create', 'standard', 'Acme', '--weight', '3', '--workflows', 'always');
  const edited = await cli.json('accounts', 'edit', id, '--name', 'Acme Ltd', '--retention-days', '7', '--no-validate');
  expect(edited).toMatchObject({
    name: 'Acme Ltd',
    retentionDays: 7,
    dispatchWeight: 3,
    workflows: 'always',
    validatePayloads: false,
  });
  const again = await cli.json('accounts', 'edit', id, '--retention-days', 'none', '--validate');
  expect(again).toMatchObject({ name: 'Acme Ltd', retentionDays: null, validatePayloads: true });
  expect(await cli.pigeonpost(['accounts', 'delete', id, '--yes'], '')).toMatchObject({
    exitCode: 0,
    out: `deleted ${id}`,
  });
  expect(await cli.pigeonpost(['accounts', 'show', id])).toMatchObject({ exitCode: 1 });
});

test('accounts are listed by provider, a page at a time', async () => {
  for (const name of ['One', 'Two']) await cli.json('accounts', 'create', 'bird', name);
  await cli.json('accounts', 'create', 'standard', 'Three');
  const first = await cli.json('accounts', 'list', '--provider', 'bird', '--limit', '1');
  expect(first.data).toMatchObject([{ name: 'Two' }]);
  const second = await cli.json('accounts', 'list', '--provider', 'bird', '--cursor', first.nextCursor);
  expect(second).toMatchObject({ data: [{ name: 'One' }], nextCursor: null });
  const { out } = await cli.pigeonpost(['accounts', 'list']);
  expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(1, 3))).toEqual(
    expect.arrayContaining([
      ['Provider', 'Name'],
      ['standard', 'Three'],
    ]),
  );
});

test('keys are listed, added and revoked', async () => {
  const { id } = await cli.json('accounts', 'create', 'standard', 'Keys');
  const added = await cli.json('accounts', 'keys', id, '--add');
  expect(added.apiKey).toMatch(/^sk_/);
  const before = await cli.json('accounts', 'keys', id);
  expect(before.data).toHaveLength(2);
  const { exitCode, out } = await cli.pigeonpost(['accounts', 'keys', id, '--revoke', added.id]);
  expect([exitCode, out]).toEqual([0, `revoked ${added.id}`]);
  expect((await cli.json('accounts', 'keys', id)).data).toHaveLength(1);
});
