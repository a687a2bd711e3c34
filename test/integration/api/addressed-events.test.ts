/** Events that are emitted to one subscription. */
import { contracts } from '../../../src/providers/registry.js';
import { startApiWithDatabase } from '../../support/api.js';
import { exampleOf, newAccount, plainSubscription, sampleOf } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** An account with two equal subscriptions. */
async function ready(provider: string) {
  const { id } = await newAccount(api.ask, provider);
  const subscribe = async (fields: object = {}) => {
    const body = { ...plainSubscription(provider), ...fields };
    return (await api.ask('POST', `/v1/accounts/${id}/subscriptions`, body)).body.id as string;
  };
  return { accountId: id as string, subscribe, subscriptionIds: [await subscribe(), await subscribe()] as const };
}

const eventOf = (provider: string) => ({ type: sampleOf(provider).eventType, data: exampleOf(provider) });
const emit = (accountId: string, body: object) => api.ask('POST', `/v1/accounts/${accountId}/events`, body);
const receivers = (body: { deliveries: { subscriptionId: string }[] }) =>
  body.deliveries.map(({ subscriptionId }) => subscriptionId);

describe.each(contracts.map(({ provider }) => provider))('with an account of %s', (provider) => {
  test('an event goes to the subscription that it names only, and counts as addressed', async () => {
    const { accountId, subscriptionIds } = await ready(provider);
    const { status, body } = await emit(accountId, { ...eventOf(provider), subscriptionId: subscriptionIds[1] });
    expect([status, receivers(body)]).toEqual([202, [subscriptionIds[1]]]);
    const { rows } = await api.database.store.pool.query('SELECT addressed FROM events WHERE id = $1', [body.id]);
    expect(rows).toEqual([{ addressed: true }]);
  });
});

test('events of a batch name different subscriptions, or none', async () => {
  const { accountId, subscriptionIds } = await ready('standard');
  const event = eventOf('standard');
  const { body } = await emit(accountId, {
    events: [{ ...event, subscriptionId: subscriptionIds[0] }, event, { ...event, subscriptionId: 'sub_x' }, event],
  });
  expect(receivers(body.results[0])).toEqual([subscriptionIds[0]]);
  expect(receivers(body.results[1]).sort()).toEqual([...subscriptionIds].sort());
  expect(body.results[2]).toMatchObject({
    status: 422,
    errors: [{ path: 'subscriptionId', message: expect.stringMatching(/a subscription of the account/) }],
  });
  expect(receivers(body.results[3])).toHaveLength(2);
});

test('a subscription of another account, a disabled one, and one without the event type are refused', async () => {
  const { accountId, subscribe } = await ready('standard');
  const other = await ready('standard');
  const cases = [
    [other.subscriptionIds[0], /a subscription of the account/],
    [await subscribe({ enabled: false }), /is disabled/],
    [await subscribe({ eventTypes: ['invoice.paid'] }), /does not receive this event of the type "user.created"/],
  ] as const;
  for (const [subscriptionId, message] of cases) {
    const { status, body } = await emit(accountId, { type: 'user.created', data: {}, subscriptionId });
    expect([status, body.errors]).toEqual([422, [{ path: 'subscriptionId', message: expect.stringMatching(message) }]]);
  }
  const { rowCount } = await api.database.store.pool.query('SELECT FROM events WHERE account_id = $1', [accountId]);
  expect(rowCount).toBe(0);
});

test('the filter of the subscription is ignored', async () => {
  const { accountId, subscribe } = await ready('standard');
  const subscriptionId = await subscribe({ filter: { type: 'something.else' } });
  const { body } = await emit(accountId, { type: 'user.created', data: {}, subscriptionId });
  expect(receivers(body)).toEqual([subscriptionId]);
});
