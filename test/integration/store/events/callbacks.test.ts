/** Which statements record a callback, and how they are claimed. */
import { fanOutTo } from '../../../../src/dispatch/fan-out.js';
import { findAccount } from '../../../../src/store/accounts/accounts.js';
import { recordAttempts, type AttemptRow } from '../../../../src/store/attempts/recording.js';
import { changeState, recordDelivered, reopenDelivery } from '../../../../src/store/deliveries/state-changes.js';
import { claimCallbacks, hasCallbacks } from '../../../../src/store/events/callbacks.js';
import { insertEvents } from '../../../../src/store/events/events.js';
import { inTransaction } from '../../../../src/store/store.js';
import { findSubscription } from '../../../../src/store/subscriptions/subscriptions.js';
import { startApi, type TestApi } from '../../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../../support/database.js';

let database: TestDatabase;
let api: TestApi;
beforeEach(async () => {
  database = await openTestDatabase();
  api = await startApi({ store: database.store });
});
afterEach(async () => {
  await api.close();
  await database.close();
});

/** An account with a subscription whose deliveries have both callbacks. */
async function subscribed() {
  const { id } = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscribe = async (fields: object) => {
    const body = { url: 'https://hooks.example.com/in', eventTypes: ['pigeonpost.delivery.*'], ...fields };
    return (await api.ask('POST', `/v1/accounts/${id}/subscriptions`, body)).body.id as string;
  };
  const target = await subscribe({});
  const subscriptionId = await subscribe({ eventTypes: ['a'], onDelivered: target, onExhausted: target });
  return { accountId: id as string, subscriptionId };
}
type Owner = Awaited<ReturnType<typeof subscribed>>;

async function commit({ accountId, subscriptionId }: Owner, count = 1): Promise<string[]> {
  const account = (await findAccount(database.store, accountId))!;
  const subscription = (await findSubscription(database.store, subscriptionId))!;
  const input = { type: 'a', occurredAt: new Date(), text: '{}', data: {}, channels: [] };
  const planned = Array.from({ length: count }, () => fanOutTo(account, [subscription], input));
  await insertEvents(
    database.store,
    database.store.pool,
    planned.map(({ row }) => row),
  );
  return planned.map(({ deliveryStarts }) => deliveryStarts[0]!.deliveryId);
}

const attempt = (deliveryId: string, more: Partial<AttemptRow> = {}): AttemptRow => ({
  ...{ deliveryId, run: 0, number: 1, startedAt: new Date(), durationMs: 1, timings: null, outcome: 'accepted' },
  ...{ status: 200, reason: null, message: null, url: null, requestHeaders: null, responseHeaders: null },
  ...{ responseExcerpt: null, responseTruncated: null, state: 'delivered', stateReason: null, disable: false },
  ...{ nextAttemptAt: null, schedulePosition: 0, recordedBy: 'run-1' },
  ...more,
});
const refused = { outcome: 'refused', status: 500, reason: 'status', state: 'retrying' } as const;
const failed = { ...refused, state: 'failed', stateReason: 'exhausted' } as const;
const end = { run: 0, reason: 'expired', nextAttemptAt: null };

const waiting = async () => {
  const { rows } = await database.store.pool.query<{ facts: { state: string; attempts: number; redelivery: number } }>(
    'SELECT facts FROM callbacks ORDER BY id',
  );
  return rows.map(({ facts: { state, attempts, redelivery } }) => [state, attempts, redelivery]);
};

test.each<[what: string, record: (id: string) => Promise<unknown>, callbacks: unknown[]]>([
  ['an accepted first attempt', (id) => recordAttempts(database.store, [attempt(id)]), [['delivered', 1, 0]]],
  ['a refused one', (id) => recordAttempts(database.store, [attempt(id, refused)]), []],
  ['the last refused one', (id) => recordAttempts(database.store, [attempt(id, failed)]), [['failed', 1, 0]]],
  [
    'an accepted one that is recorded twice',
    async (id) => {
      await recordAttempts(database.store, [attempt(id)]);
      await recordAttempts(database.store, [attempt(id)]);
    },
    [['delivered', 1, 0]],
  ],
  [
    'an accepted one that comes after the end',
    async (id) => {
      await recordAttempts(database.store, [attempt(id, failed)]);
      await recordAttempts(database.store, [attempt(id, { recordedBy: 'run-2' })]);
    },
    [
      ['failed', 1, 0],
      ['delivered', 1, 0],
    ],
  ],
  [
    'a redelivery that ends again',
    async (id) => {
      await recordAttempts(database.store, [attempt(id, failed)]);
      await reopenDelivery(database.store, id);
      await recordAttempts(database.store, [attempt(id, { ...failed, run: 1, number: 2 })]);
    },
    [
      ['failed', 1, 0],
      ['failed', 2, 1],
    ],
  ],
  ['an expiry', (id) => changeState(database.store, { ...end, deliveryId: id, state: 'failed' }), [['failed', 0, 0]]],
  ['a cancellation', (id) => changeState(database.store, { ...end, deliveryId: id, state: 'cancelled' }), []],
  [
    'the end of its workflow, after a restored backup',
    (id) =>
      recordDelivered(database.store, {
        ...{
          deliveryId: id,
          run: 0,
          redelivery: 0,
          workflowRunId: 'r',
          closedAt: new Date(),
          attempts: 3,
          status: 200,
        },
      }),
    [['delivered', 3, 0]],
  ],
])('%s', async (_what, record, callbacks) => {
  const [id] = await commit(await subscribed());
  await record(id!);
  expect(await waiting()).toEqual(callbacks);
});

test('an account with many does not delay the others, and none is claimed twice', async () => {
  const [busy, other] = [await subscribed(), await subscribed()];
  for (const [owner, count] of [
    [busy, 70],
    [other, 2],
  ] as const)
    await recordAttempts(
      database.store,
      (await commit(owner, count)).map((id) => attempt(id)),
    );
  const { store } = database;
  const countBy = (callbacks: readonly { accountId: string }[]) =>
    [busy, other].map((owner) => callbacks.filter(({ accountId }) => accountId === owner.accountId).length);
  await inTransaction(store, async (client) => {
    const first = await claimCallbacks(client, '');
    expect(countBy(first.callbacks)).toEqual([50, 2]);
    expect(first.nextAfter).toBe([busy.accountId, other.accountId].sort().at(-1));
    // At the same time, in another process.
    const second = await inTransaction(store, (another) => claimCallbacks(another, ''));
    expect(countBy(second.callbacks)).toEqual([20, 0]);
    expect((await claimCallbacks(client, first.nextAfter)).callbacks).toEqual([]);
  });
  expect(await hasCallbacks(store)).toBe(false);
});
