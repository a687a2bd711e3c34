/** The field `batch` of subscriptions, over the API. */
import { startApiWithDatabase } from '../../../support/api.js';
import { emitted, expectStatus, newAccount, paths, plainSubscription, samples } from '../../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const batch = { maxEvents: 50, maxWaitMs: 2_000 };
const create = async (provider: string, fields: object) => {
  const { id } = await newAccount(api.ask, provider);
  return api.ask('POST', `/v1/accounts/${id}/subscriptions`, { ...plainSubscription(provider), ...fields });
};

test.each(samples.map(({ provider }) => provider).filter((provider) => provider !== 'standard'))(
  '%s has no batches',
  async (provider) => {
    const response = await create(provider, { batch });
    expect([response.status, paths(response)]).toEqual([422, ['batch']]);
    expect(response.text).toContain('has no batches; remove the field');
  },
);

test('it is shown, changed and removed', async () => {
  const { body } = expectStatus(await create('standard', { batch }), 201);
  expect(body.batch).toEqual(batch);
  const edit = async (fields: object) => (await api.ask('PATCH', `/v1/subscriptions/${body.id}`, fields)).body;
  expect((await edit({ description: 'x' })).batch).toEqual(batch);
  expect((await edit({ batch: { maxEvents: 2, maxWaitMs: 1_000 } })).batch).toEqual({ maxEvents: 2, maxWaitMs: 1_000 });
  expect((await edit({ batch: null })).batch).toBeNull();
});

test.each([
  [{ maxEvents: 1, maxWaitMs: 1_000 }, ['batch.maxEvents']],
  [{ maxEvents: 101, maxWaitMs: 1_000 }, ['batch.maxEvents']],
  [{ maxEvents: 2, maxWaitMs: 999 }, ['batch.maxWaitMs']],
  [{ maxEvents: 2, maxWaitMs: 3_600_001 }, ['batch.maxWaitMs']],
  [{ maxEvents: 2 }, ['batch.maxWaitMs']],
  [{ ...batch, other: 1 }, ['batch.other']],
])('%j is refused', async (wrong, expected) => {
  const response = await create('standard', { batch: wrong });
  expect([response.status, paths(response)]).toEqual([422, expected]);
});

test('a subscription that is polled has none', async () => {
  const { id } = await newAccount(api.ask, 'standard');
  const response = await api.ask('POST', `/v1/accounts/${id}/subscriptions`, {
    receivesBy: 'poll',
    eventTypes: [],
    batch,
  });
  expect([response.status, paths(response)]).toEqual([422, ['batch']]);
});

test('a list of the members of a batch has only what the caller may see', async () => {
  const { deliveryId, account } = await emitted(api.ask, 'standard');
  await api.database.store.pool.query('UPDATE deliveries SET batch_id = $2 WHERE id = $1', [deliveryId, deliveryId]);
  const list = async (key?: string) =>
    (
      await api.ask(
        'GET',
        `/v1/deliveries?batchId=${deliveryId}`,
        undefined,
        key === undefined ? {} : { authorization: `Bearer ${key}` },
      )
    ).body.data.length;
  const other = await newAccount(api.ask, 'standard');
  expect([await list(), await list(account.apiKey), await list(other.apiKey)]).toEqual([1, 1, 0]);
});
