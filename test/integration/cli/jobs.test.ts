/** `pigeonpost jobs`: counted first, started with --yes, paused, resumed and cancelled. Its end is in test/e2e/cli. */
import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';
import { emitted } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

async function deliveryIn(state: string) {
  const { account, deliveryId } = await emitted(api.ask, 'standard');
  await api.database.store.pool.query('UPDATE deliveries SET state = $2 WHERE id = $1', [deliveryId, state]);
  return { account: account.id as string, id: deliveryId };
}

test('start only counts without --yes', async () => {
  const { account } = await deliveryIn('failed');
  const { exitCode, out } = await cli.pigeonpost(['jobs', 'start', 'redeliver', '--account', account]);
  expect([exitCode, out]).toEqual([0, '1 in all; --yes does it.']);
  expect((await cli.pigeonpost(['jobs', 'start', 'retry', '--account', account])).out).toBe(
    'There is nothing to retry.',
  );
  expect((await cli.json('jobs', 'list')).data).toEqual([]);
});

test('a job is started, paused, resumed at another rate, listed and cancelled', async () => {
  const { account } = await deliveryIn('retrying');
  const started = await cli.json(
    ...[
      'jobs',
      'start',
      'cancel',
      '--account',
      account,
      '--rate',
      '5',
      '--reason',
      'a mistake',
      '--yes',
      '--no-follow',
    ],
  );
  expect(started).toMatchObject({ action: 'cancel', state: 'running', ratePerSecond: 5, reason: 'a mistake' });
  const { id } = started;
  expect(await cli.json('jobs', 'pause', id as string)).toMatchObject({ state: 'paused' });
  expect(await cli.json('jobs', 'resume', id as string, '--rate', '7')).toMatchObject({
    state: 'running',
    ratePerSecond: 7,
  });
  expect((await cli.pigeonpost(['jobs', 'list'])).out).toContain(id);
  const { out } = await cli.pigeonpost(['jobs', 'cancel', id as string]);
  expect(out).toBe(`${id}  cancel  cancelled  counting`);
  // Its end is not the one that was asked for.
  expect(await cli.pigeonpost(['jobs', 'follow', id as string])).toMatchObject({ exitCode: 1, out });
});

test('says which states an action accepts', async () => {
  const { exitCode, err } = await cli.pigeonpost(['jobs', 'start', 'retry', '--state', 'failed']);
  expect([exitCode, err]).toEqual([1, expect.stringContaining('only a retrying delivery can be retried')]);
  expect((await cli.pigeonpost(['jobs', 'start', 'retry', '--state', 'odd'])).err).toContain('Write one of');
  expect((await cli.pigeonpost(['jobs', 'start', 'destroy'])).err).toContain('retry, pause, resume, cancel, redeliver');
});

test('redelivering what was delivered asks first, or wants --yes where there is no terminal', async () => {
  const { id } = await deliveryIn('delivered');
  const redeliver = ['deliveries', 'redeliver', id];
  expect(await cli.pigeonpost(redeliver)).toMatchObject({ exitCode: 1, err: expect.stringContaining('--yes') });
  const refused = await cli.typing('n\n', redeliver);
  expect(refused).toMatchObject({ exitCode: 1, err: expect.stringContaining('Nothing was sent') });
  expect(refused.err).toContain('which has accepted');
  expect(await cli.typing('y\n', redeliver)).toMatchObject({ exitCode: 0 });
  expect((await api.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({ state: 'pending', redeliveries: 1 });
  const { id: failed } = await deliveryIn('failed');
  expect(await cli.pigeonpost(['deliveries', 'redeliver', failed])).toMatchObject({ exitCode: 0 });
});
