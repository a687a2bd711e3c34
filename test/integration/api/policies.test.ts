/** Delivery policies by their routes: who may set one, which one applies, and what is refused. */
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

async function subscribe(policy?: unknown, accountPolicy?: unknown) {
  const account = (
    await api.ask('POST', '/v1/accounts', {
      provider: 'standard',
      name: 'Acme',
      ...(accountPolicy ? { policy: accountPolicy } : {}),
    })
  ).body;
  const subscription = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: 'https://hooks.example.com/in',
    eventTypes: ['invoice.paid'],
    ...(policy ? { policy } : {}),
  });
  return { account, subscription: subscription.body };
}

test('is set, replaced and removed on subscriptions, accounts and event types', async () => {
  const { account, subscription } = await subscribe({ timeLimitS: 5, jitter: 0.1 }, { timeLimitS: 6 });
  expect(subscription.policy).toEqual({ timeLimitS: 5, jitter: 0.1 });
  expect(account.policy).toEqual({ timeLimitS: 6 });
  const path = `/v1/subscriptions/${subscription.id}`;
  expect((await api.ask('PATCH', path, { description: 'the same' })).body.policy).toEqual({
    timeLimitS: 5,
    jitter: 0.1,
  });
  expect((await api.ask('PATCH', path, { policy: { jitter: 0.2 } })).body.policy).toEqual({ jitter: 0.2 });
  expect((await api.ask('PATCH', path, { policy: null })).body.policy).toBeNull();
  expect((await api.ask('PATCH', `/v1/accounts/${account.id}`, { policy: null })).body.policy).toBeNull();
  const defined = await api.ask('PUT', '/v1/event-types/policy.set', { policy: { timeLimitS: 7 } });
  expect(defined.body.policy).toEqual({ timeLimitS: 7 });
  expect((await api.ask('PATCH', '/v1/event-types/policy.set', { policy: null })).body.policy).toBeNull();
  await api.ask('DELETE', '/v1/event-types/policy.set');
});

test('the effective policy names the level of each field', async () => {
  const { subscription } = await subscribe(
    { schedule: { waits: [1, 60] } },
    { schedule: { preset: 'shopify' }, retryAfterMaxS: 3_600 },
  );
  await api.ask('PUT', '/v1/event-types/invoice.paid', { policy: { timeLimitS: 7, jitter: 0.5 } });
  const { body } = await api.ask('GET', `/v1/subscriptions/${subscription.id}/policy?eventType=invoice.paid`);
  expect(body).toEqual({
    policy: { schedule: { waits: [1, 60] }, retryAfterMaxS: 3_600, timeLimitS: 7, jitter: 0.5 },
    sources: {
      schedule: 'subscription',
      jitter: 'eventType',
      timeLimitS: 'eventType',
      acceptedStatuses: 'contract',
      stopStatuses: 'contract',
      retryAfterMaxS: 'account',
      slowDown: 'contract',
      breaker: 'contract',
    },
    waitsS: [1, 60],
    timeLimitS: 7,
  });
  const other = await api.ask('GET', `/v1/subscriptions/${subscription.id}/policy`);
  expect(other.body).toMatchObject({ timeLimitS: 15, sources: { timeLimitS: 'contract', jitter: 'contract' } });
  await api.ask('DELETE', '/v1/event-types/invoice.paid');
});

test.each(['postmark', 'bird', 'postack', 'postpress', 'postscript'])('is refused for %s', async (provider) => {
  const refused = await api.ask('POST', '/v1/accounts', { provider, name: 'Acme', policy: { timeLimitS: 5 } });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'policy' }] } });
  expect(refused.body.detail).toMatch('defines schedule, time limit and accepted responses; remove it');
});

test.each([
  [{ schedule: { waits: [0] } }, 'policy.schedule.waits[0]'],
  [{ schedule: { waits: [1], preset: 'svix' } }, 'policy.schedule'],
  [{ timeLimit: 5 }, 'policy.timeLimit'],
  [{ acceptedStatuses: [1] }, 'policy.acceptedStatuses[0]'],
])('refuses %j and names %s', async (policy, path) => {
  const { subscription } = await subscribe();
  const refused = await api.ask('PATCH', `/v1/subscriptions/${subscription.id}`, { policy });
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path }] } });
});

test('an account sees the policy of its own subscriptions only', async () => {
  const [{ account }, { subscription }] = [await subscribe(), await subscribe()];
  const path = `/v1/subscriptions/${subscription.id}/policy`;
  expect(await api.ask('GET', path, undefined, { authorization: `Bearer ${account.apiKey}` })).toMatchObject({
    status: 404,
  });
  expect(await api.ask('GET', `${path}?eventType=no%20type`)).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'eventType' }] },
  });
});
