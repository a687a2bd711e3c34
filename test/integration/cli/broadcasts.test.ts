import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

test('a broadcast is counted first, created while Temporal is unavailable, paused, resumed and cancelled', async () => {
  const account = { provider: 'standard', name: 'Acme', metadata: { plan: 'pro' }, environment: 'test' };
  await api.ask('POST', '/v1/accounts', account);
  await api.ask('POST', '/v1/accounts', { ...account, environment: 'live' });
  const command = ['broadcasts', 'create', 'standard', 'terms.changed', '--data', '{"n": 12345678901234567890}'];
  const options = ['--metadata', 'plan=pro', '--environment', 'test', '--rate', '7', '--channel', 'legal'];
  expect((await cli.pigeonpost([...command, '--metadata', 'plan=pro'])).out).toBe(
    '2 accounts, 0 with an enabled subscription; --yes emits the event to them.',
  );
  expect(await cli.json('broadcasts', 'list')).toMatchObject({ data: [] });
  const created = await cli.json(...command, ...options, '--idempotency-key', 'k', '--yes');
  expect(created).toMatchObject({
    ...{ provider: 'standard', type: 'terms.changed', channels: ['legal'], environment: 'test', state: 'running' },
    ...{ metadata: { plan: 'pro' }, ratePerSecond: 7, total: 1, emitted: 0 },
  });
  expect(await cli.json(...command, ...options, '--idempotency-key', 'k', '--yes')).toEqual(created);
  const { rows } = await api.database.store.pool.query('SELECT payload FROM broadcasts');
  expect(api.database.store.box.open(rows[0].payload, created.id)).toBe('{"n":12345678901234567890}');
  const line = (state: string) => ({ exitCode: 0, out: `${created.id}  ${state}  0 of 1 accounts, 0 deliveries` });
  expect(await cli.pigeonpost(['broadcasts', 'pause', created.id])).toMatchObject(line('paused'));
  expect(await cli.pigeonpost(['broadcasts', 'resume', created.id])).toMatchObject(line('running'));
  expect(await cli.pigeonpost(['broadcasts', 'cancel', created.id])).toMatchObject(line('cancelled'));
  expect(await cli.pigeonpost(['broadcasts', 'cancel', created.id])).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('this broadcast is cancelled'),
  });
  expect((await cli.pigeonpost(['broadcasts', 'show', created.id])).out).toMatch(/^state +cancelled$/m);
  const listed = (await cli.pigeonpost(['broadcasts', 'list'])).out.split('\n');
  expect(listed[0]).toMatch(/^Broadcast +Event type +State +Progress +Created$/);
  expect(listed).toHaveLength(2);
});

test('data that are no JSON are refused before the request', async () => {
  const command = ['broadcasts', 'create', 'standard', 'terms.changed', '--data', '{n: 1}'];
  expect(await cli.pigeonpost(command)).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('--data does not hold JSON'),
  });
});
