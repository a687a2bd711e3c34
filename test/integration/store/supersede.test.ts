/** Latest wins, compared with a small model over random events, and with concurrent ones. */
import * as fc from 'fast-check';
import '../../support/properties.js';
import { startApiWithDatabase } from '../../support/api.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

interface Emitted {
  readonly key: string | undefined;
  readonly type: string;
  /** The state that its deliveries get before the next event. */
  readonly becomes: 'pending' | 'retrying' | 'paused' | 'delivered' | 'failed';
}

const emitted: fc.Arbitrary<Emitted> = fc.record({
  key: fc.constantFrom('a', 'b', undefined),
  type: fc.constantFrom('user.created', 'user.deleted'),
  becomes: fc.constantFrom('pending', 'retrying', 'paused', 'delivered', 'failed'),
});

const isOpen = (state: string) => ['pending', 'retrying', 'paused'].includes(state);

async function newAccount(): Promise<string> {
  const { id } = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  for (const eventTypes of [['user.created'], ['user.created', 'user.deleted']])
    await api.ask('POST', `/v1/accounts/${id}/subscriptions`, { url: 'https://example.com/in', eventTypes });
  return id;
}

const bodyOf = ({ key, type }: Emitted) => ({ type, data: {}, ...(key === undefined ? {} : { supersedes: key }) });

const statesOf = async (accountId: string) => {
  const { rows } = await api.database.store.pool.query<{ id: string; state: string; state_reason: string | null }>(
    'SELECT id, state, state_reason FROM deliveries WHERE account_id = $1',
    [accountId],
  );
  return new Map(rows.map(({ id, state, state_reason }) => [id, { state, reason: state_reason }]));
};

test('cancels exactly the open deliveries of older events with the key to the same subscription', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(emitted, { maxLength: 8 }), async (events) => {
      const accountId = await newAccount();
      const model = new Map<
        string,
        { key: string | undefined; subscriptionId: string; state: string; reason: string | null }
      >();
      for (const event of events) {
        const { body } = await api.ask('POST', `/v1/accounts/${accountId}/events`, bodyOf(event));
        for (const { id, subscriptionId } of body.deliveries as { id: string; subscriptionId: string }[]) {
          for (const older of model.values()) {
            if (event.key === undefined || older.key !== event.key || older.subscriptionId !== subscriptionId) continue;
            if (isOpen(older.state)) Object.assign(older, { state: 'cancelled', reason: `superseded by ${body.id}` });
          }
          model.set(id, { key: event.key, subscriptionId, state: event.becomes, reason: null });
          await api.database.store.pool.query('UPDATE deliveries SET state = $2 WHERE id = $1', [id, event.becomes]);
        }
      }
      const expected = Array.from(model, ([id, { state, reason }]) => [id, { state, reason }] as const);
      expect(await statesOf(accountId)).toEqual(new Map(expected));
    }),
    { numRuns: 25 },
  );
});

test('of a batch with one key only the last event stays, and of another account everything', async () => {
  const [one, other] = [await newAccount(), await newAccount()];
  const event = { key: 'k', type: 'user.deleted', becomes: 'pending' } as const;
  await api.ask('POST', `/v1/accounts/${other}/events`, bodyOf(event));
  const { body } = await api.ask('POST', `/v1/accounts/${one}/events`, { events: [event, event, event].map(bodyOf) });
  const [first, second, third] = body.results.map(
    ({ deliveries }: { deliveries: { id: string }[] }) => deliveries[0]!.id,
  );
  const states = await statesOf(one);
  expect([first, second, third].map((id) => states.get(id)?.state)).toEqual(['cancelled', 'cancelled', 'pending']);
  expect([...(await statesOf(other)).values()].map(({ state }) => state)).toEqual(['pending']);
});

test('of concurrent events with one key exactly one stays', async () => {
  const accountId = await newAccount();
  const body = bodyOf({ key: 'k', type: 'user.deleted', becomes: 'pending' });
  const replies = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      // Half of them with a transaction of their own.
      api.ask('POST', `/v1/accounts/${accountId}/events`, body, n % 2 === 0 ? {} : { 'idempotency-key': `key-${n}` }),
    ),
  );
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
  const states = [...(await statesOf(accountId)).values()].map(({ state }) => state);
  expect(states.filter((state) => state === 'pending')).toHaveLength(1);
  expect(states.filter((state) => state === 'cancelled')).toHaveLength(11);
});
