/** Who may be named to get callbacks. */
import { contracts } from '../../../src/providers/registry.js';
import { startApiWithDatabase } from '../../support/api.js';
import { exampleOf, newAccount, plainSubscription, sampleOf } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** An account with a subscription that takes callbacks. */
async function ready() {
  const { id: accountId } = await newAccount(api.ask, 'standard');
  const subscribe = (fields: object = {}) =>
    api.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { ...plainSubscription('standard'), ...fields });
  const emit = (fields: object) =>
    api.ask('POST', `/v1/accounts/${accountId}/events`, { type: 'user.created', data: {}, ...fields });
  const target = (await subscribe({ eventTypes: ['pigeonpost.delivery.*'] })).body.id as string;
  return { accountId: accountId as string, subscribe, emit, target };
}

const receiversOf = async (eventId: string) => {
  const { rows } = await api.database.store.pool.query(
    'SELECT on_delivered, on_exhausted FROM deliveries WHERE event_id = $1 ORDER BY id',
    [eventId],
  );
  return rows.map(({ on_delivered, on_exhausted }) => [on_delivered, on_exhausted]);
};

test('a subscription names receivers, keeps them in other edits, and removes them', async () => {
  const { subscribe, target, emit } = await ready();
  const { status, body } = await subscribe({ onDelivered: target, onExhausted: target });
  expect([status, body.onDelivered, body.onExhausted]).toEqual([201, target, target]);
  const edit = async (fields: object) => (await api.ask('PATCH', `/v1/subscriptions/${body.id}`, fields)).body;
  expect(await edit({ description: 'x' })).toMatchObject({ onDelivered: target, onExhausted: target });
  expect(await edit({ onDelivered: null })).toMatchObject({ onDelivered: null, onExhausted: target });
  const event = await emit({});
  expect(await receiversOf(event.body.id)).toEqual([[null, target]]);
  // A receiver that was deleted since does not prevent other edits.
  await api.ask('DELETE', `/v1/subscriptions/${target}`);
  expect(await edit({ description: 'y' })).toMatchObject({ description: 'y', onExhausted: target });
});

test('what an event says comes first', async () => {
  const { subscribe, target, emit } = await ready();
  await subscribe({ onExhausted: target });
  const own = (await subscribe({ eventTypes: ['pigeonpost.delivery.delivered'] })).body.id;
  expect(await receiversOf((await emit({ onDelivered: own })).body.id)).toEqual([[own, target]]);
  expect(await receiversOf((await emit({ onExhausted: null })).body.id)).toEqual([[null, null]]);
});

test('a receiver must be another subscription of the account that takes the callback', async () => {
  const { subscribe, emit, target } = await ready();
  const other = await ready();
  const plain = (await subscribe({ eventTypes: ['user.created'] })).body.id;
  const cases = [
    ['onDelivered', other.target, /a subscription of the account/],
    ['onExhausted', 'sub_x', /a subscription of the account/],
    ['onDelivered', plain, /with pigeonpost\.delivery\.delivered in its eventTypes/],
    ['onExhausted', plain, /with pigeonpost\.delivery\.exhausted in its eventTypes/],
  ] as const;
  for (const [field, value, message] of cases) {
    const problem = { status: 422, body: { errors: [{ path: field, message: expect.stringMatching(message) }] } };
    expect(await subscribe({ [field]: value })).toMatchObject(problem);
    expect(await emit({ [field]: value })).toMatchObject(problem);
  }
  expect(await api.ask('PATCH', `/v1/subscriptions/${target}`, { onDelivered: target })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'onDelivered', message: 'must be another subscription of the account' }] },
  });
});

test('callbacks need no defined event types', async () => {
  await api.ask('PUT', '/v1/event-types/user.created', {});
  const { subscribe } = await ready();
  expect((await subscribe({ eventTypes: ['pigeonpost.delivery.delivered'] })).status).toBe(201);
  await api.ask('DELETE', '/v1/event-types/user.created');
});

describe.each(contracts.filter(({ callbacks }) => !callbacks).map(({ provider }) => provider))('%s', (provider) => {
  test('refuses the fields', async () => {
    const { id } = await newAccount(api.ask, provider);
    const body = { ...plainSubscription(provider), onExhausted: 'sub_x' };
    const message = expect.stringMatching(/has no callbacks/);
    const problem = { status: 422, body: { errors: [{ path: 'onExhausted', message }] } };
    expect(await api.ask('POST', `/v1/accounts/${id}/subscriptions`, body)).toMatchObject(problem);
    const event = { type: sampleOf(provider).eventType, data: exampleOf(provider), onExhausted: 'sub_x' };
    expect(await api.ask('POST', `/v1/accounts/${id}/events`, event)).toMatchObject(problem);
  });
});
