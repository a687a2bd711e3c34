/** Fields of events with times and a priority, and the pauses, over the API. */
import { startApiWithDatabase } from '../../support/api.js';
import type { DeliveryStart } from '../../../src/store/deliveries/delivery-starts.js';
import { countFinished, databaseTime } from '../../../src/store/recovery/finished.js';
import { pausedOfEnabled } from '../../../src/store/subscriptions/waiting.js';
import { ACCOUNT_PAUSED, SUBSCRIPTION_DISABLED, SUBSCRIPTION_PAUSED } from '../../../src/workflows/types.js';
import { stubDispatcher } from '../../support/dispatcher.js';
import { exampleOf, messages, newAccount, paths, plainSubscription, sampleOf, samples } from '../../support/samples.js';

const started: DeliveryStart[] = [];
let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase({ dispatcher: stubDispatcher((more) => void started.push(...more)) });
});
afterAll(() => api.close());
beforeEach(() => void started.splice(0));

async function ready(provider = 'standard') {
  const account = await newAccount(api.ask, provider);
  const { body } = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, plainSubscription(provider));
  return { accountId: account.id as string, apiKey: account.apiKey as string, subscriptionId: body.id as string };
}

const emit = (accountId: string, fields: object, provider = 'standard') =>
  api.ask('POST', `/v1/accounts/${accountId}/events`, { ...eventOf(provider), ...fields });
const eventOf = (provider: string) => ({ type: sampleOf(provider).eventType, data: exampleOf(provider) });
const providers = [...new Set(samples.map(({ provider }) => provider))];
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
const show = async (id: string) => (await api.ask('GET', `/v1/deliveries/${id}`)).body;

test('an event keeps its times, key and priority, and its start has them', async () => {
  const { accountId } = await ready();
  const fields = { deliverAt: inHours(2), expiresAt: inHours(3), supersedes: 'user-1', priority: 'low' };
  const { status, body } = await emit(accountId, fields);
  expect(status).toBe(202);
  expect(await show(body.deliveries[0].id)).toMatchObject({
    ...fields,
    state: 'pending',
    nextAttemptAt: fields.deliverAt,
  });
  expect(started).toMatchObject([
    {
      priority: 'low',
      expiresAt: new Date(fields.expiresAt),
      resumeFrom: { kind: 'scheduled', position: 0, at: Date.parse(fields.deliverAt) },
    },
  ]);
});

test('the attempts to come end when the event expires', async () => {
  const { accountId } = await ready();
  const { body } = await emit(accountId, { expiresAt: inHours(1) });
  const { schedule } = await show(body.deliveries[0].id);
  expect(schedule.map(({ position }: { position: number }) => position)).toEqual([0, 1, 2, 3]);
});

test('an event without them has none', async () => {
  const { accountId } = await ready();
  const { body } = await emit(accountId, {});
  expect(await show(body.deliveries[0].id)).toMatchObject({
    ...{ deliverAt: null, expiresAt: null, supersedes: null, priority: 'normal', nextAttemptAt: null },
  });
});

test('a batch says which event has a wrong time', async () => {
  const { accountId } = await ready();
  const event = eventOf('standard');
  const { body } = await api.ask('POST', `/v1/accounts/${accountId}/events`, {
    events: [
      { ...event, deliverAt: inHours(24 * 31) },
      { ...event, deliverAt: inHours(-1) },
    ],
  });
  expect(body.results[0]).toMatchObject({ errors: [{ path: 'deliverAt', message: expect.stringMatching(/30 days/) }] });
  // A time in the past means at once.
  expect(await show(body.results[1].deliveries[0].id)).toMatchObject({ deliverAt: null, state: 'pending' });
});

test.each([
  ['deliverAt', 'tomorrow'],
  ['expiresAt', inHours(-1)],
  ['supersedes', ''],
  ['priority', 'urgent'],
])('refuses %s = %j and names the field', async (field, value) => {
  const { accountId } = await ready();
  const refused = await emit(accountId, { [field]: value });
  expect(refused.status).toBe(422);
  expect(paths(refused)).toEqual([field]);
});

test.each(providers.filter((provider) => provider !== 'standard'))(
  '%s has no times, key and priority',
  async (provider) => {
    const { accountId } = await ready(provider);
    for (const fields of [
      { deliverAt: inHours(1) },
      { expiresAt: inHours(1) },
      { supersedes: 'k' },
      { priority: 'high' },
    ]) {
      const refused = await emit(accountId, fields, provider);
      expect(refused.status).toBe(422);
      expect(paths(refused)).toEqual(Object.keys(fields));
      expect(messages(refused)).toMatch(/leave it out/);
    }
    expect(started).toEqual([]);
  },
);

test.each(providers)('%s: events during a pause have deliveries that wait and are not started', async (provider) => {
  const { accountId, subscriptionId } = await ready(provider);
  await api.ask('POST', `/v1/accounts/${accountId}/pause`, { reason: 'unpaid' });
  const first = (await emit(accountId, {}, provider)).body.deliveries[0].id;
  await api.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`);
  const second = (await emit(accountId, {}, provider)).body.deliveries[0].id;
  expect(await show(first)).toMatchObject({ state: 'paused', stateReason: 'the account is paused' });
  expect(await show(second)).toMatchObject({ state: 'paused', stateReason: 'the subscription is paused' });
  expect(started).toEqual([]);
});

test('a resume without Temporal is kept for the sweep', async () => {
  const { accountId, subscriptionId } = await ready();
  await api.ask('POST', `/v1/subscriptions/${subscriptionId}/pause`, { reason: 'maintenance' });
  expect((await api.ask('GET', `/v1/subscriptions/${subscriptionId}`)).body).toMatchObject({
    pausedReason: 'maintenance',
    enabled: true,
  });
  const { status, body } = await api.ask('POST', `/v1/subscriptions/${subscriptionId}/resume`, { ratePerSecond: 7 });
  expect([status, body.pausedAt, body.resumeRatePerSecond]).toEqual([200, null, 7]);
  await emit(accountId, {});
  expect(started).toHaveLength(1);
});

test('an account pauses its own subscriptions, not those of others, and not itself', async () => {
  const [own, other] = [await ready(), await ready()];
  const key = { authorization: `Bearer ${own.apiKey}` };
  const ask = (path: string) => api.ask('POST', path, undefined, key);
  expect((await ask(`/v1/subscriptions/${own.subscriptionId}/pause`)).status).toBe(200);
  expect((await ask(`/v1/subscriptions/${own.subscriptionId}/resume`)).status).toBe(200);
  expect((await ask(`/v1/subscriptions/${other.subscriptionId}/pause`)).status).toBe(404);
  expect((await ask(`/v1/subscriptions/${other.subscriptionId}/resume`)).status).toBe(404);
  expect((await ask(`/v1/accounts/${own.accountId}/pause`)).status).toBe(403);
});

test('what is not paused cannot be resumed, and an expired delivery not redelivered', async () => {
  const { accountId, subscriptionId } = await ready();
  expect((await api.ask('POST', `/v1/subscriptions/${subscriptionId}/resume`)).status).toBe(409);
  expect((await api.ask('POST', `/v1/accounts/${accountId}/resume`)).status).toBe(409);
  expect((await api.ask('POST', `/v1/accounts/acc_none/pause`)).status).toBe(404);
  const { id } = (await emit(accountId, { expiresAt: inHours(1) })).body.deliveries[0];
  await api.database.store.pool.query(
    `UPDATE deliveries SET state = 'failed', state_reason = 'expired', expires_at = now() WHERE id = $1`,
    [id],
  );
  const redelivered = await api.ask('POST', `/v1/deliveries/${id}/redeliver`);
  expect(redelivered).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/expired/) } });
});

test('a subscription that is polled cannot be paused', async () => {
  const { accountId } = await ready();
  const polled = { receivesBy: 'poll', eventTypes: [] };
  const { id } = (await api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, polled)).body;
  expect(await api.ask('POST', `/v1/subscriptions/${id}/pause`)).toMatchObject({
    status: 409,
    body: { detail: expect.stringMatching(/polled/) },
  });
});

test('the sweep finds what waits for no resume, beside what does', async () => {
  const { accountId, subscriptionId } = await ready();
  const { store } = api.database;
  await api.ask('POST', `/v1/accounts/${accountId}/pause`);
  const waiting: string[] = [];
  for (const reason of [ACCOUNT_PAUSED, SUBSCRIPTION_PAUSED, SUBSCRIPTION_DISABLED]) {
    const { id } = (await emit(accountId, {})).body.deliveries[0];
    await store.pool.query('UPDATE deliveries SET state_reason = $2 WHERE id = $1', [id, reason]);
    waiting.push(id);
  }
  const find = async () => {
    const reasons = [ACCOUNT_PAUSED, SUBSCRIPTION_PAUSED, SUBSCRIPTION_DISABLED];
    const found = await pausedOfEnabled(store, { reasons, after: '', limit: 1_000 });
    return waiting.flatMap((id, index) => (found.includes(id) ? [index] : []));
  };
  expect(await find()).toEqual([]);
  // What waits for the account is sent at a rate; the others do not wait for that.
  await store.pool.query('UPDATE accounts SET paused_at = NULL, resume_rate = 1 WHERE id = $1', [accountId]);
  expect(await find()).toEqual([1, 2]);
  await store.pool.query('UPDATE accounts SET resume_rate = NULL WHERE id = $1', [accountId]);
  await store.pool.query('UPDATE subscriptions SET resume_rate = 1 WHERE id = $1', [subscriptionId]);
  expect(await find()).toEqual([0, 2]);
  await store.pool.query('UPDATE subscriptions SET resume_rate = NULL, enabled = false WHERE id = $1', [
    subscriptionId,
  ]);
  expect(await find()).toEqual([]);
});

test('a recovery leaves out what a newer event superseded, not what was cancelled by hand', async () => {
  const { accountId, subscriptionId } = await ready();
  const { store } = api.database;
  for (const reason of ['superseded by evt_2', 'by hand']) {
    const { id } = (await emit(accountId, { supersedes: 'k' })).body.deliveries[0];
    await store.pool.query(
      `UPDATE deliveries SET state = 'cancelled', state_reason = $2, settled_at = now() WHERE id = $1`,
      [id, reason],
    );
  }
  // A date has no microseconds, so the time may be before that of the last cancellation.
  const asOf = new Date((await databaseTime(store)).getTime() + 1);
  const all = { fromId: '', beforeId: '~', types: [], asOf, states: ['cancelled' as const] };
  expect(await countFinished(store, { subscriptionId, ...all })).toMatchObject([{ state: 'cancelled', count: 1 }]);
});
