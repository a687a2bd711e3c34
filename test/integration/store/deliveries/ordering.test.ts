/** Order of the deliveries of one key: against a model, with two writers, and what releases the next one. */
import * as fc from 'fast-check';
import { fanOutTo } from '../../../../src/dispatch/fan-out.js';
import { recordAttempts, type AttemptRow } from '../../../../src/store/attempts/recording.js';
import { findAccount } from '../../../../src/store/accounts/accounts.js';
import { findDelivery, type DeliveryState } from '../../../../src/store/deliveries/deliveries.js';
import {
  cancelWithoutWorkflow,
  listBlockedKeys,
  parkHead,
  releaseEnded,
} from '../../../../src/store/deliveries/ordering.js';
import { changeState, recordDelivered, reopenDelivery } from '../../../../src/store/deliveries/state-changes.js';
import { cancelTerminated } from '../../../../src/store/deliveries/sweep.js';
import { claimAny } from '../../../../src/store/direct/senders.js';
import { insertEvents } from '../../../../src/store/events/events.js';
import { findSubscription } from '../../../../src/store/subscriptions/subscriptions.js';
import { startApi, startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import '../../../support/properties.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const store = () => api.database.store;
const TYPE = 'invoice.paid';

async function subscribed(fields: object = {}): Promise<{ accountId: string; subscriptionId: string }> {
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: 'https://hooks.example.com/in', eventTypes: [TYPE], ...fields };
  const subscription = (await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body)).body;
  return { accountId: account.id, subscriptionId: subscription.id };
}

/** Commits one event per key in one statement; returns the ids of their deliveries. */
async function commit(
  { accountId, subscriptionId }: { accountId: string; subscriptionId: string },
  keys: readonly (string | undefined)[],
): Promise<string[]> {
  const account = (await findAccount(store(), accountId))!;
  const subscription = (await findSubscription(store(), subscriptionId))!;
  const planned = keys.map((orderingKey) => {
    const input = { type: TYPE, occurredAt: new Date(), text: '{}', data: {}, channels: [] };
    return fanOutTo(account, [subscription], orderingKey === undefined ? input : { ...input, orderingKey });
  });
  await insertEvents(
    store(),
    store().pool,
    planned.map(({ row }) => row),
  );
  return planned.map(({ deliveryStarts }) => deliveryStarts[0]!.deliveryId);
}

const accepted = (deliveryId: string, more: Partial<AttemptRow> = {}): AttemptRow => ({
  deliveryId,
  run: 0,
  number: 1,
  startedAt: new Date(),
  durationMs: 1,
  timings: null,
  outcome: 'accepted',
  status: 200,
  reason: null,
  message: null,
  url: null,
  requestHeaders: null,
  responseHeaders: null,
  responseExcerpt: null,
  responseTruncated: null,
  state: 'delivered',
  stateReason: null,
  disable: false,
  nextAttemptAt: null,
  schedulePosition: 0,
  recordedBy: 'run',
  isOrdered: true,
  ...more,
});
const refused = (deliveryId: string, state: 'retrying' | 'failed') =>
  accepted(deliveryId, { outcome: 'refused', status: 500, reason: 'status', state, stateReason: 'refused' });
const change = (deliveryId: string, state: DeliveryState) =>
  changeState(store(), { deliveryId, run: 0, state, reason: 'test', nextAttemptAt: null });

const blockedOf = async (ids: readonly string[]): Promise<boolean[]> =>
  Promise.all(ids.map(async (id) => (await findDelivery(store(), id))!.isBlocked));

/** Every way in which the end of a delivery is recorded. */
const ends: readonly [name: string, end: (id: string) => Promise<unknown>][] = [
  ['the first attempt is accepted', (id) => recordAttempts(store(), [accepted(id)])],
  ['a later attempt is accepted', (id) => recordAttempts(store(), [accepted(id, { number: 3 })])],
  ['it fails', (id) => recordAttempts(store(), [refused(id, 'failed')])],
  ['its workflow records the failure', (id) => change(id, 'failed')],
  ['it is cancelled', (id) => change(id, 'cancelled')],
  [
    'its end is known from its workflow only',
    (id) =>
      recordDelivered(store(), {
        deliveryId: id,
        run: 0,
        redelivery: 0,
        workflowRunId: 'run',
        closedAt: new Date(),
        attempts: 1,
        status: 200,
      }),
  ],
  [
    'its workflow is terminated',
    (id) => cancelTerminated(store(), [{ id, closedAt: new Date(Date.now() + 60_000) }], 'terminated'),
  ],
  ['it is parked while it is paused', (id) => change(id, 'paused').then(() => parkHead(store(), id))],
  ['it is parked and then paused', (id) => parkHead(store(), id).then(() => change(id, 'paused'))],
  [
    'its row is deleted and the sweep finds out',
    (id) =>
      store()
        .pool.query('DELETE FROM deliveries WHERE id = $1', [id])
        .then(() => releaseEnded(store())),
  ],
];

test.each(ends)('releases exactly the next delivery when %s', async (_, end) => {
  const owner = await subscribed();
  const [head, ...others] = await commit(owner, ['a', 'a', 'a']);
  const [other] = await commit(owner, ['b']);
  expect(await blockedOf([head!, ...others, other!])).toEqual([false, true, true, false]);
  await end(head!);
  expect(await blockedOf(others)).toEqual([false, true]);
  expect(await claimAny(store(), 'snd_test', 10)).toContain(others[0]);
});

test('does not release the next delivery while the head is retried or paused', async () => {
  const [head, next] = await commit(await subscribed(), ['a', 'a']);
  await recordAttempts(store(), [refused(head!, 'retrying')]);
  await change(head!, 'paused');
  expect(await blockedOf([next!])).toEqual([true]);
});

test('leaves nothing behind when all deliveries of a key have ended', async () => {
  const owner = await subscribed();
  const ids = await commit(owner, ['a', 'a', 'a']);
  expect(await cancelWithoutWorkflow(store(), ids[1]!, 'test')).toBe('standard');
  expect(await cancelWithoutWorkflow(store(), ids[1]!, 'test')).toBeUndefined();
  for (const id of [ids[0]!, ids[2]!]) await recordAttempts(store(), [accepted(id)]);
  for (const table of ['ordering_keys', 'ordering_waiting']) {
    const { rows } = await store().pool.query(`SELECT FROM ${table} WHERE subscription_id = $1`, [
      owner.subscriptionId,
    ]);
    expect(rows).toEqual([]);
  }
  expect(await blockedOf(await commit(owner, ['a']))).toEqual([false]);
});

test('a failed head blocks its key until it is redelivered or parked where the subscription says so', async () => {
  const owner = await subscribed({ onOrderedFailure: 'block' });
  const [head, second, third] = await commit(owner, ['a', 'a', 'a']);
  await recordAttempts(store(), [refused(head!, 'failed')]);
  expect(await blockedOf([second!, third!])).toEqual([true, true]);
  const keys = await listBlockedKeys(store(), { subscriptionId: owner.subscriptionId, after: undefined, limit: 10 });
  expect(keys).toMatchObject([{ orderingKey: 'a', head, state: 'failed', stateReason: 'refused', waiting: 2 }]);
  await reopenDelivery(store(), head!);
  await recordAttempts(store(), [accepted(head!, { run: 1, number: 2 })]);
  expect(await blockedOf([second!, third!])).toEqual([false, true]);
  await change(second!, 'failed');
  expect(await parkHead(store(), third!)).toBe(false);
  expect(await parkHead(store(), second!)).toBe(true);
  expect(await blockedOf([third!])).toEqual([false]);
});

test('the sweep releases a key whose subscription no longer blocks', async () => {
  const owner = await subscribed({ onOrderedFailure: 'block' });
  const [head, next] = await commit(owner, ['a', 'a']);
  await change(head!, 'failed');
  expect(await releaseEnded(store())).toBe(0);
  await api.ask('PATCH', `/v1/subscriptions/${owner.subscriptionId}`, { onOrderedFailure: 'continue' });
  expect(await releaseEnded(store())).toBe(1);
  expect(await blockedOf([next!])).toEqual([false]);
});

test('a redelivery of an ended delivery is not ordered', async () => {
  const owner = await subscribed();
  const [first, head, next] = await commit(owner, ['a', 'a', 'a']);
  await change(first!, 'cancelled');
  await reopenDelivery(store(), first!);
  expect(await blockedOf([first!, head!, next!])).toEqual([false, false, true]);
  await recordAttempts(store(), [accepted(first!, { run: 1 })]);
  expect(await blockedOf([next!])).toEqual([true]);
});

type Step =
  | { readonly kind: 'commit'; readonly keys: readonly (string | undefined)[] }
  | { readonly kind: 'deliver' | 'fail' | 'cancel' | 'park'; readonly pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('commit' as const),
    keys: fc.array(fc.constantFrom('a', 'b', 'c', undefined), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constantFrom('deliver' as const, 'fail' as const, 'park' as const), pick: fc.nat() }),
  fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat() }),
);

test('behaves as one list per key, whatever happens to its deliveries', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const owner = await subscribed();
      /** Open deliveries by key; the first of a list may be sent. */
      const model = new Map<string, string[]>();
      for (const each of steps) {
        if (each.kind === 'commit') {
          const ids = await commit(owner, each.keys);
          each.keys.forEach((key, index) => {
            if (key !== undefined) model.set(key, [...(model.get(key) ?? []), ids[index]!]);
          });
        } else await apply(each, [...model.values()]);
        const open = [...model.values()].flatMap((ids) => ids.map((id, index) => ({ id, blocked: index > 0 })));
        expect(await blockedOf(open.map(({ id }) => id))).toEqual(open.map(({ blocked }) => blocked));
      }
    }),
    { numRuns: 25 },
  );
}, 120_000);

/** Applies a step to the database and to the model: to a head, or for `cancel` to any open delivery. */
async function apply({ kind, pick }: Exclude<Step, { kind: 'commit' }>, lists: string[][]): Promise<void> {
  const choices = kind === 'cancel' ? lists.flat() : lists.flatMap(([head]) => head ?? []);
  const id = choices[pick % choices.length];
  if (id === undefined) return;
  if (kind === 'deliver') await recordAttempts(store(), [accepted(id)]);
  if (kind === 'fail') await recordAttempts(store(), [refused(id, 'failed')]);
  if (kind === 'park') await parkHead(store(), id).then(() => change(id, 'paused'));
  if (kind === 'cancel' && (await cancelWithoutWorkflow(store(), id, 'test')) === undefined)
    await change(id, 'cancelled');
  const list = lists.find((ids) => ids.includes(id))!;
  list.splice(list.indexOf(id), 1);
}

test('two writers and two recorders keep the sequence of acceptance and never deadlock', async () => {
  const owner = await subscribed();
  const other = await startApi({ store: store() });
  const keys = ['a', 'b', 'c', 'd'];
  /** The deliveries of each key in the sequence in which a caller, who waits for each response, had them accepted. */
  const expected = new Map<string, string[]>(keys.map((key) => [key, []]));
  const emit = async (ask: TestApi['ask'], n: number, mine: readonly string[]): Promise<void> => {
    const own = mine[n % mine.length]!;
    // In another sequence of keys each time, so that the statements would deadlock if they did not sort.
    const others = keys.filter((key) => !mine.includes(key)).map((key) => `shared-${key}`);
    const used = n % 2 === 0 ? [own, ...others, 'shared'] : ['shared', ...others.reverse(), own];
    const events = used.map((orderingKey) => ({ type: TYPE, data: { n }, orderingKey }));
    const { status, body } = await ask('POST', `/v1/accounts/${owner.accountId}/events`, { events });
    expect(status).toBe(202);
    expected.get(own)!.push(body.results[used.indexOf(own)].deliveries[0].id);
  };
  let emitting = true;
  const delivered: string[] = [];
  const record = async (): Promise<void> => {
    for (;;) {
      const last = !emitting;
      const { rows } = await store().pool.query<{ head: string }>(
        'SELECT head FROM ordering_keys WHERE subscription_id = $1 ORDER BY random() LIMIT 5',
        [owner.subscriptionId],
      );
      if (last && rows.length === 0) return;
      const heads = rows.map(({ head }) => head).filter((head) => !delivered.includes(head));
      delivered.push(...heads);
      if (heads.length > 0)
        await recordAttempts(
          store(),
          heads.map((id) => accepted(id)),
        );
    }
  };
  const emitters = [
    { ask: api.ask, mine: ['a', 'b'] },
    { ask: other.ask, mine: ['c', 'd'] },
  ].map(async ({ ask, mine }) => {
    for (let n = 0; n < 40; n += 1) await emit(ask, n, mine);
  });
  const recorders = [record(), record()];
  await Promise.all(emitters).finally(() => (emitting = false));
  await Promise.all(recorders);
  await other.close();
  for (const [key, ids] of expected) {
    expect(ids).toHaveLength(20);
    expect({ key, ids: delivered.filter((id) => ids.includes(id)) }).toEqual({ key, ids });
  }
  expect(delivered).toHaveLength(2 * 40 * 4);
}, 120_000);
