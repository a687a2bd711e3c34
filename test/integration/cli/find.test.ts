import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';
import { emitted, newAccount } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

test('finds by the message id that a receiver reads, and by a text', async () => {
  const { event, deliveryId, subscription } = await emitted(api.ask, 'standard');
  const { messageId } = (await api.ask('GET', `/v1/events/${event.id}`)).body;
  const byId = await cli.pigeonpost(['find', messageId]);
  expect(byId.exitCode).toBe(0);
  expect(byId.out).toMatch(new RegExp(`^${deliveryId} .* ${subscription.url.replace(/[?.]/g, '\\$&')} +Acme$`, 'm'));
  expect(byId.out).toMatch(new RegExp(`^${event.id} `, 'm'));
  expect(byId.out).not.toContain('Searched');
  const byHost = await cli.pigeonpost(['find', 'hooks.example']);
  expect(byHost.out).toMatch(/^hooks\.example\.com +1$/m);
  expect(byHost.out).toMatch(new RegExp(`^${subscription.id} `, 'm'));
  expect(byHost.out).toMatch(/^Searched the payloads of all 1 event\.$/m);
  expect((await cli.pigeonpost(['find', 'there-is-no-such'])).out).toMatch(/^Nothing found\.\n\nSearched/);
  expect(await cli.json('find', deliveryId)).toMatchObject({ deliveries: [{ id: deliveryId }], searched: null });
  const short = await cli.pigeonpost(['find', 'ab']);
  expect([short.exitCode, short.err]).toEqual([1, expect.stringContaining('at least 3 characters')]);
});

test('lists of deliveries, subscriptions and accounts take the same filters', async () => {
  const { deliveryId, subscription, account } = await emitted(api.ask, 'bird');
  const other = await newAccount(api.ask, 'bird', { name: 'Zebra' });
  await api.database.store.pool.query('UPDATE deliveries SET last_status = 503 WHERE id = $1', [deliveryId]);
  const found = await cli.json('deliveries', 'list', '--host', 'hooks.example.com', '--status', '5xx');
  expect(found.data).toMatchObject([{ id: deliveryId, accountName: 'Acme' }]);
  expect((await cli.json('deliveries', 'list', '--search', account.id)).data).toHaveLength(1);
  expect((await cli.json('deliveries', 'list', '--reason', 'timeout')).data).toEqual([]);
  const { out } = await cli.pigeonpost(['subscriptions', 'list', '--search', subscription.id]);
  expect(out).toMatch(new RegExp(`^${subscription.id} .*Acme$`, 'm'));
  expect((await cli.json('subscriptions', 'list', '--condition', 'failing')).data).toEqual([]);
  const both = await cli.pigeonpost(['subscriptions', 'list', account.id, '--host', 'a.example']);
  expect([both.exitCode, both.err]).toEqual([1, expect.stringContaining('name no account with them')]);
  expect((await cli.json('accounts', 'list', '--search', 'zeb')).data).toMatchObject([{ id: other.id }]);
});
