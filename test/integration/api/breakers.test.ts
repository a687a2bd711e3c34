/** Circuit breakers by their routes: who may have one, how it is shown, and who may close it. */
import { reportAttempts } from '../../../src/store/subscriptions/breakers.js';
import { breakerRules } from '../../../src/contract/breaker.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

async function subscribe(policy: object | null = { breaker: { minAttempts: 2 } }) {
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscription = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: 'https://hooks.example.com/in',
    eventTypes: ['invoice.paid'],
    policy,
  });
  return { account, subscription: subscription.body };
}

async function open(subscriptionId: string): Promise<void> {
  const rules = breakerRules({ minAttempts: 2 });
  const now = Date.now();
  await reportAttempts(
    api.database.store,
    [{ subscriptionId, rules, counts: [{ at: now, attempts: 3, failures: 2 }] }],
    now,
  );
}

test('is shown with what waits, and an account closes its own', async () => {
  const { account, subscription } = await subscribe();
  expect(subscription.breaker).toBeNull();
  await open(subscription.id);
  const path = `/v1/subscriptions/${subscription.id}`;
  const emitted = await api.ask('POST', `/v1/accounts/${account.id}/events`, { type: 'invoice.paid', data: {} });
  const [{ id }] = emitted.body.deliveries;
  expect((await api.ask('GET', path)).body.breaker).toEqual({
    state: 'open',
    since: expect.any(String),
    attempts: 3,
    failures: 2,
    failedProbes: 0,
    nextProbeAt: expect.any(String),
    atOnce: 1,
    waiting: 1,
  });
  const listed = (await api.ask('GET', `/v1/accounts/${account.id}/subscriptions`)).body.data;
  expect(listed[0].breaker).toMatchObject({ state: 'open' });
  expect((await api.ask('GET', `/v1/deliveries/${id}`)).body).toMatchObject({
    state: 'paused',
    stateReason: 'the circuit breaker is open',
    workflowId: null,
  });
  const close = `${path}/breaker/close`;
  const own = { authorization: `Bearer ${account.apiKey}` };
  const { account: other } = await subscribe();
  expect(await api.ask('POST', close, undefined, { authorization: `Bearer ${other.apiKey}` })).toMatchObject({
    status: 404,
  });
  expect(await api.ask('POST', close, undefined, own)).toMatchObject({ status: 200, body: { breaker: null } });
  expect(await api.ask('POST', close, undefined, own)).toMatchObject({
    status: 409,
    body: { detail: 'the circuit breaker of the subscription is not open' },
  });
});

test('opening and closing it are operational events', async () => {
  const { subscription } = await subscribe();
  await open(subscription.id);
  await api.ask('POST', `/v1/subscriptions/${subscription.id}/breaker/close`);
  const { rows } = await api.database.store.pool.query(
    'SELECT type, facts FROM operational_events WHERE subscription_id = $1 ORDER BY id',
    [subscription.id],
  );
  expect(rows).toEqual([
    { type: 'pigeonpost.subscription.breaker_opened', facts: { attempts: 3, failures: 2 } },
    { type: 'pigeonpost.subscription.breaker_closed', facts: {} },
  ]);
});

test('the nearest level decides, and null switches it off', async () => {
  const { account, subscription } = await subscribe(null);
  await api.ask('PATCH', `/v1/accounts/${account.id}`, { policy: { breaker: { stages: 3 } } });
  const path = `/v1/subscriptions/${subscription.id}`;
  expect((await api.ask('GET', `${path}/policy`)).body).toMatchObject({
    policy: { breaker: { stages: 3 } },
    sources: { breaker: 'account' },
  });
  await api.ask('PATCH', path, { policy: { breaker: null } });
  expect((await api.ask('GET', `${path}/policy`)).body).toMatchObject({
    policy: { breaker: null },
    sources: { breaker: 'subscription' },
  });
});

test('is refused in the policy of an event type, which has no breaker', async () => {
  const refused = await api.ask('PUT', '/v1/event-types/invoice.paid', { policy: { breaker: {} } });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'policy.breaker' }] } });
  expect(refused.body.errors[0].message).toMatch(
    'set it in the policy of a subscription, an account or the installation',
  );
});

test.each(['postmark', 'bird', 'postack', 'postpress', 'postscript'])('is refused for %s', async (provider) => {
  const refused = await api.ask('POST', '/v1/accounts', { provider, name: 'Acme', policy: { breaker: {} } });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'policy' }] } });
});

test.each([
  [{ failureRate: 2 }, 'policy.breaker.failureRate'],
  [{ probeAfterS: 60, maxProbeAfterS: 30 }, 'policy.breaker'],
  [{ threshold: 2 }, 'policy.breaker.threshold'],
])('refuses %j and names %s', async (breaker, path) => {
  const { subscription } = await subscribe();
  const refused = await api.ask('PATCH', `/v1/subscriptions/${subscription.id}`, { policy: { breaker } });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path }] } });
});
