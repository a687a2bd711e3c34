/** Counting failures in the database; rows are dated back, so that the tests need not wait five days. */
import { FIVE_DAYS_OF_FAILURES } from '../../../../src/contract/failing.js';
import { countFailure } from '../../../../src/store/subscriptions/changes.js';
import { startApiWithDatabase } from '../../../support/api.js';

const H = 3_600_000;

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

async function subscribe(provider = 'standard', account: object = {}) {
  const created = await api.ask('POST', '/v1/accounts', { provider, name: 'Acme', ...account });
  const body = { url: 'https://hooks.example.com/in', eventTypes: [] };
  return (await api.ask('POST', `/v1/accounts/${created.body.id}/subscriptions`, body)).body.id as string;
}

const shown = async (id: string) => (await api.ask('GET', `/v1/subscriptions/${id}`)).body;

/** Records failures of some hours ago, under Svix's rule. */
async function failAt(id: string, ...hoursAgo: number[]): Promise<void> {
  for (const hours of hoursAgo) {
    const at = new Date(Date.now() - hours * H);
    await countFailure(api.database.store, id, at, FIVE_DAYS_OF_FAILURES);
  }
}

/** The waiting operational events of a subscription. */
async function facts(id: string) {
  const { rows } = await api.database.store.pool.query(
    'SELECT type, facts FROM operational_events WHERE subscription_id = $1 ORDER BY id',
    [id],
  );
  return rows;
}

test('disables a subscription after five days of failed attempts', async () => {
  const id = await subscribe();
  expect(await shown(id)).toMatchObject({ health: { failingSince: null, consecutiveFailures: 0, disablesAt: null } });
  await failAt(id, 140, 125, 10);
  const before = await shown(id);
  expect(before).toMatchObject({ enabled: true, health: { consecutiveFailures: 3 } });
  expect(Date.parse(before.health.disablesAt) - Date.parse(before.health.failingSince)).toBeCloseTo(135 * H, -3);
  await failAt(id, 4);
  expect(await shown(id)).toMatchObject({ enabled: false, disabledReason: 'every attempt has failed for 5 days' });
  expect(await facts(id)).toEqual([
    { type: 'pigeonpost.subscription.disabled', facts: { reason: 'every attempt has failed for 5 days' } },
  ]);
  await failAt(id, 1);
  expect(await facts(id)).toHaveLength(1);
});

test('starts the five days again when a subscription is enabled', async () => {
  const id = await subscribe();
  await failAt(id, 140, 125, 1);
  expect((await shown(id)).enabled).toBe(false);
  await api.ask('PATCH', `/v1/subscriptions/${id}`, { enabled: true });
  expect(await shown(id)).toMatchObject({ enabled: true, disabledReason: null, health: { failingSince: null } });
  await failAt(id, 0);
  expect(await shown(id)).toMatchObject({ enabled: true, health: { consecutiveFailures: 1 } });
  expect((await facts(id)).map(({ type }) => type)).toEqual([
    'pigeonpost.subscription.disabled',
    'pigeonpost.subscription.enabled',
  ]);
});

test('keeps the clock and emits nothing when another field is edited', async () => {
  const id = await subscribe();
  await failAt(id, 140, 125);
  await api.ask('PATCH', `/v1/subscriptions/${id}`, { description: 'new' });
  expect(await shown(id)).toMatchObject({ health: { consecutiveFailures: 2 } });
  expect(await facts(id)).toEqual([]);
});

test('counts all concurrent failures', async () => {
  const id = await subscribe();
  await Promise.all(Array.from({ length: 12 }, () => failAt(id, 1)));
  expect((await shown(id)).health.consecutiveFailures).toBe(12);
});

test('emits an event without the secret when a secret is rotated', async () => {
  const id = await subscribe();
  expect((await api.ask('POST', `/v1/subscriptions/${id}/rotate-secret`)).status).toBe(200);
  expect(await facts(id)).toEqual([{ type: 'pigeonpost.subscription.secret_rotated', facts: {} }]);
});

test("uses the account's time only when the contract has no rule", async () => {
  const refused = await api.ask('POST', '/v1/accounts', { provider: 'postack', name: 'Acme', disableAfterHours: 24 });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'disableAfterHours' }] } });
  const account = await api.ask('POST', '/v1/accounts', { provider: 'bird', name: 'Acme' });
  expect(account.body).toMatchObject({ disableAfterHours: null, receivesOperationalEvents: false });
  const path = `/v1/accounts/${account.body.id}`;
  expect((await api.ask('PATCH', path, { disableAfterHours: 48 })).body.disableAfterHours).toBe(48);
  expect((await api.ask('GET', path)).body.disableAfterHours).toBe(48);
  expect((await api.ask('PATCH', path, {})).body.disableAfterHours).toBe(48);
  expect((await api.ask('PATCH', path, { disableAfterHours: null })).body.disableAfterHours).toBeNull();
});

test('rejects operational events for a catalogue without them', async () => {
  const refused = await api.ask('POST', '/v1/accounts', {
    provider: 'bird',
    name: 'Ops',
    receivesOperationalEvents: true,
  });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'receivesOperationalEvents' }] } });
});

test('drops deliveries only of a disabled subscription', async () => {
  const id = await subscribe();
  const drop = () => api.ask('POST', `/v1/subscriptions/${id}/drop-waiting`);
  expect(await drop()).toMatchObject({ status: 409, body: { code: 'conflict' } });
  await api.ask('PATCH', `/v1/subscriptions/${id}`, { enabled: false });
  expect(await drop()).toMatchObject({ status: 202, body: { dropped: 0, more: false } });
  expect((await api.ask('POST', '/v1/subscriptions/sub_none/drop-waiting')).status).toBe(404);
});
