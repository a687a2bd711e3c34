/** Collecting deliveries into batches on a real PostgreSQL: against a model, with processes that die, and how members end. */
import * as fc from 'fast-check';
import { collectNext } from '../../../src/dispatch/batches.js';
import { fanOutTo } from '../../../src/dispatch/fan-out.js';
import { findAccount } from '../../../src/store/accounts/accounts.js';
import { loadAttemptMaterial } from '../../../src/store/attempts/attempts.js';
import { recordAttempts, type AttemptRow } from '../../../src/store/attempts/recording.js';
import { cancelCollected } from '../../../src/store/batches.js';
import { findDelivery, listDeliveries } from '../../../src/store/deliveries/deliveries.js';
import { changeState, reopenDelivery } from '../../../src/store/deliveries/state-changes.js';
import { ownerlessDeliveries } from '../../../src/store/deliveries/sweep.js';
import { claimAny } from '../../../src/store/direct/senders.js';
import { eraseContent, insertErasure } from '../../../src/store/erasures.js';
import { insertEvents } from '../../../src/store/events/events.js';
import { findEvent } from '../../../src/store/events/stored-events.js';
import type { Store } from '../../../src/store/store.js';
import { findSubscription } from '../../../src/store/subscriptions/subscriptions.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import '../../support/properties.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const store = (): Store => api.database.store;
const TYPE = 'invoice.paid';

interface Receiver {
  readonly accountId: string;
  readonly subscriptionId: string;
}

async function subscribed(batch: object = { maxEvents: 3, maxWaitMs: 60_000 }): Promise<Receiver> {
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: 'https://hooks.example.com/in', eventTypes: [], batch };
  const { body: subscription } = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  return { accountId: account.id, subscriptionId: subscription.id };
}

/** Commits one event per key in one statement; returns the ids of their deliveries. */
async function commit({ accountId, subscriptionId }: Receiver, keys: readonly (string | undefined)[]) {
  const account = (await findAccount(store(), accountId))!;
  const subscription = (await findSubscription(store(), subscriptionId))!;
  const planned = keys.map((orderingKey, n) => {
    const text = JSON.stringify({ n, orderingKey });
    const input = { type: TYPE, occurredAt: new Date(), text, data: JSON.parse(text) as unknown, channels: [] };
    return fanOutTo(account, [subscription], orderingKey === undefined ? input : { ...input, orderingKey });
  });
  expect(planned.flatMap(({ deliveryStarts }) => deliveryStarts)).toEqual([]);
  await insertEvents(
    store(),
    store().pool,
    planned.map(({ row }) => row),
  );
  return planned.map(({ row }) => row.deliveries[0]!.id);
}

/** As if the first event had waited long enough. */
const makeDue = ({ subscriptionId }: Receiver) =>
  store().pool.query('UPDATE open_batches SET due_at = now() WHERE subscription_id = $1', [subscriptionId]);

async function collectAll(): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const collected = await collectNext(store());
    if (!collected) return ids;
    ids.push(...collected.deliveryStarts.map(({ deliveryId }) => deliveryId));
  }
}

/** Collects everything that waits, as if it had waited long enough. */
async function collectRest(receiver: Receiver): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const { rowCount } = await makeDue(receiver);
    if (rowCount === 0) return ids;
    ids.push(...(await collectAll()));
  }
}

const batchesOf = async ({ subscriptionId }: Receiver) =>
  (await listDeliveries(store(), { subscriptionId, limit: 1_000 }))
    .filter(({ batchEvents }) => batchEvents !== null)
    .reverse();
const membersOf = async (batchId: string): Promise<string[]> =>
  (await listDeliveries(store(), { batchId, limit: 1_000 })).map(({ id }) => id).reverse();
const statesOf = (ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await findDelivery(store(), id))!.state));

const attempt = (deliveryId: string, more: Partial<AttemptRow> = {}): AttemptRow => ({
  ...{ deliveryId, run: 0, number: 1, startedAt: new Date(), durationMs: 1, timings: null, outcome: 'accepted' },
  ...{ status: 200, reason: null, message: null, url: null, requestHeaders: null, responseHeaders: null },
  ...{ responseExcerpt: null, responseTruncated: null, state: 'delivered', stateReason: null, disable: false },
  ...{ nextAttemptAt: null, schedulePosition: 0, recordedBy: 'run-a' },
  ...more,
});
const failure: Partial<AttemptRow> = {
  ...{ outcome: 'refused', status: 500, reason: 'status', state: 'failed', stateReason: 'every attempt failed' },
};

test('deliveries wait, without a sender or a workflow, until there are enough or the first has waited long enough', async () => {
  const receiver = await subscribed();
  const [first, second] = await commit(receiver, [undefined, undefined]);
  expect(await collectAll()).toEqual([]);
  expect(await claimAny(store(), 'snd_test', 10)).toEqual([]);
  expect(await ownerlessDeliveries(store(), { olderThan: -60, limit: 10 })).toEqual([]);
  expect(await findDelivery(store(), first!)).toMatchObject({ state: 'pending', isCollected: true, isDirect: true });
  const [third, fourth] = await commit(receiver, [undefined, undefined]);
  const [batch] = await collectAll();
  expect(await membersOf(batch!)).toEqual([first, second, third]);
  expect(await findDelivery(store(), batch!)).toMatchObject({ batchEvents: 3, eventType: 'pigeonpost.batch' });
  expect(await collectAll()).toEqual([]);
  // A single one is sent as it is, as its body is a batch of one already.
  await makeDue(receiver);
  expect(await collectAll()).toEqual([fourth]);
  expect((await loadAttemptMaterial(store(), fourth!))!.body).toMatch(
    /^\{"type":"batch","timestamp":"[^[]*","data":\[\{"id":"msg_/,
  );
  expect(new Set(await claimAny(store(), 'snd_test', 10))).toEqual(new Set([batch, fourth]));
});

test('the body has the events of the members in their sequence, and does not change', async () => {
  const receiver = await subscribed();
  const ids = await commit(receiver, [undefined, undefined, undefined]);
  const [batch] = await collectAll();
  const material = (await loadAttemptMaterial(store(), batch!))!;
  const body = JSON.parse(material.body) as { type: string; data: { id: string; data: { n: number } }[] };
  expect(body).toMatchObject({ type: 'batch', timestamp: expect.any(String) });
  expect(body.data.map(({ data }) => data.n)).toEqual([0, 1, 2]);
  const events = await Promise.all(ids.map(async (id) => (await findDelivery(store(), id))!.eventId));
  expect(body.data.map(({ id }) => id.replace('msg_', 'evt_'))).toEqual(events);
  expect((await findEvent(store(), material.event.id))!.text).toBe(JSON.stringify({ events }));
});

test('events of an ordering key have batches of their own, one after the other', async () => {
  const receiver = await subscribed();
  const ids = await commit(receiver, ['a', undefined, 'a', 'b', 'a', 'a', undefined]);
  const now = await collectRest(receiver);
  const batches = await batchesOf(receiver);
  const byKey = async (key: string | null) =>
    Promise.all(batches.filter(({ orderingKey }) => orderingKey === key).map(({ id }) => membersOf(id)));
  expect(await byKey('a')).toEqual([[ids[0], ids[2], ids[4]]]);
  expect(await byKey(null)).toEqual([[ids[1], ids[6]]]);
  // Single ones are sent as they are, after those of their key.
  expect(now).toEqual(expect.arrayContaining([...batches.map(({ id }) => id), ids[3]]));
  expect(now).toHaveLength(3);
  const last = ids[5]!;
  expect(await findDelivery(store(), last)).toMatchObject({ isBlocked: true, isCollected: false, batchId: null });
  const first = batches.find(({ orderingKey }) => orderingKey === 'a');
  await recordAttempts(store(), [attempt(first!.id, { isOrdered: true })]);
  expect(await findDelivery(store(), last)).toMatchObject({ isBlocked: false });
  expect(await statesOf([ids[0]!, ids[4]!, last])).toEqual(['delivered', 'delivered', 'pending']);
});

test.each([
  ['is delivered', 'delivered', (id: string) => recordAttempts(store(), [attempt(id)])],
  ['is delivered later', 'delivered', (id: string) => recordAttempts(store(), [attempt(id, { number: 3 })])],
  ['fails', 'failed', (id: string) => recordAttempts(store(), [attempt(id, failure)])],
  [
    'is cancelled',
    'cancelled',
    (id: string) =>
      changeState(store(), { deliveryId: id, run: 0, state: 'cancelled', reason: 'no', nextAttemptAt: null }),
  ],
])('when a batch %s its members are %s, and a redelivery opens them again', async (_how, state, end) => {
  const receiver = await subscribed();
  const ids = await commit(receiver, [undefined, undefined, undefined]);
  const [batch] = await collectAll();
  await end(batch!);
  const ended = (await findDelivery(store(), batch!))!;
  for (const id of ids)
    expect(await findDelivery(store(), id)).toMatchObject({
      ...{ state, stateReason: ended.stateReason, attempts: ended.attempts, lastStatus: ended.lastStatus },
      settledAt: ended.settledAt,
    });
  // One of them is sent alone, and does not follow the batch any more.
  await reopenDelivery(store(), ids[1]!);
  await reopenDelivery(store(), batch!);
  expect(await statesOf(ids)).toEqual(['pending', 'pending', 'pending']);
  await recordAttempts(store(), [attempt(batch!, { run: 1, number: 9 })]);
  expect(await statesOf(ids)).toEqual(['delivered', 'pending', 'delivered']);
  expect(await findDelivery(store(), ids[1]!)).toMatchObject({ batchId: null, isCollected: false, run: 1 });
});

test('a batch that ends while one of its events is being erased leaves nothing open', async () => {
  const receiver = await subscribed();
  const ids = await commit(receiver, [undefined, undefined, undefined]);
  const [batch] = await collectAll();
  // The batch is cancelled before the erasure is committed, so that all its events are collected again.
  await changeState(store(), { deliveryId: batch!, run: 0, state: 'cancelled', reason: 'erased', nextAttemptAt: null });
  const { eventId } = (await findDelivery(store(), ids[1]!))!;
  const { accountId } = receiver;
  const request = { accountId, eventId, reason: 'asked', erasedBy: 'operator', address: null };
  await eraseContent(store(), await insertErasure(store(), request), [eventId]);
  const [again] = await collectAll();
  expect(await membersOf(again!)).toEqual([ids[0], ids[2]]);
  expect(await findDelivery(store(), ids[1]!)).toMatchObject({ state: 'cancelled', stateReason: 'erased' });
});

test('a batch that is made while its process dies is there as a whole, or made again', async () => {
  const receiver = await subscribed();
  for (let statement = 1; ; statement += 1) {
    const ids = await commit(receiver, [undefined, undefined, undefined]);
    const before = await batchesOf(receiver);
    const died = await collectNext(dyingAt(store(), statement)).then(
      () => false,
      () => true,
    );
    if (!died) break;
    expect(statement).toBeLessThan(30);
    // PostgreSQL notices a moment later that the process is gone, and only then releases what it had locked.
    const made = await eventually(
      async () => {
        await collectAll();
        return (await batchesOf(receiver)).slice(before.length);
      },
      ({ length }) => length > 0,
    );
    expect(made.map(({ batchEvents }) => batchEvents)).toEqual([3]);
    expect(await membersOf(made[0]!.id)).toEqual(ids);
  }
});

/** A store whose process dies before its n-th statement. */
function dyingAt(alive: Store, statement: number): Store {
  let remaining = statement;
  const connect = async () => {
    const client = await alive.pool.connect();
    const query = (...args: Parameters<typeof client.query>) => {
      if (--remaining === 0) {
        client.release(true);
        throw new Error('killed');
      }
      return client.query(...args);
    };
    return { query, release: (broken?: Error) => (remaining > 0 ? client.release(broken) : undefined) };
  };
  return { ...alive, pool: { connect } as unknown as Store['pool'] };
}

type Step =
  | { readonly kind: 'emit'; readonly keys: readonly (string | undefined)[] }
  | { readonly kind: 'collect' }
  | { readonly kind: 'due' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'end'; readonly state: 'delivered' | 'failed' };

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('emit' as const),
      keys: fc.array(fc.constantFrom(undefined, 'a', 'b'), { minLength: 1, maxLength: 5 }),
    }),
    fc.constant({ kind: 'collect' } as const),
    fc.constant({ kind: 'due' } as const),
    fc.constant({ kind: 'cancel' } as const),
    fc.record({ kind: fc.constant('end' as const), state: fc.constantFrom('delivered' as const, 'failed' as const) }),
  ),
  { maxLength: 14 },
);

test('whatever happens, every event is sent or cancelled once, in the sequence of its key, within the limits', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 2, max: 4 }), async (script: readonly Step[], maxEvents) => {
      const receiver = await subscribed({ maxEvents, maxWaitMs: 60_000 });
      const accepted = new KeyedIds();
      const sent = new KeyedIds();
      const cancelled = new Set<string>();
      /** Ends the first delivery that may be sent; false when there is none. */
      const endOne = async (state: 'delivered' | 'failed'): Promise<boolean> => {
        const open = (await listDeliveries(store(), { ...receiver, state: 'pending', limit: 1_000 }))
          .reverse()
          .find(({ isBlocked, isCollected, batchId }) => !isBlocked && !isCollected && batchId === null);
        if (!open) return false;
        const { id, orderingKey, batchEvents } = open;
        const outcome = { ...(state === 'failed' ? failure : {}), isOrdered: orderingKey !== null };
        await recordAttempts(store(), [attempt(id, outcome)]);
        const ids = batchEvents === null ? [id] : await membersOf(id);
        expect(ids).toHaveLength(batchEvents ?? 1);
        expect(ids.length).toBeLessThanOrEqual(maxEvents);
        expect(new Set(await statesOf(ids))).toEqual(new Set([state]));
        for (const each of ids) sent.add(orderingKey ?? '', each);
        return true;
      };
      for (const step of script) {
        if (step.kind === 'emit')
          for (const [n, id] of (await commit(receiver, step.keys)).entries()) accepted.add(step.keys[n] ?? '', id);
        if (step.kind === 'due') await makeDue(receiver);
        if (step.kind === 'collect') await collectAll();
        if (step.kind === 'cancel')
          for (const id of accepted.lasts())
            if ((await cancelCollected(store(), id, 'no')) !== undefined) cancelled.add(id);
        if (step.kind === 'end') await endOne(step.state);
      }
      await collectRest(receiver);
      while (await endOne('delivered'));
      for (const [key, ids] of accepted.entries()) {
        const expected = ids.filter((id) => !cancelled.has(id));
        // Without a key several are in flight at once, and may end in any sequence.
        if (key === '') expect([...sent.of(key)].sort()).toEqual([...expected].sort());
        else expect(sent.of(key)).toEqual(expected);
      }
      const left = `SELECT FROM batch_waiting WHERE subscription_id = $1
                    UNION ALL SELECT FROM open_batches WHERE subscription_id = $1`;
      expect((await store().pool.query(left, [receiver.subscriptionId])).rows).toEqual([]);
    }),
    { numRuns: 12 },
  );
}, 120_000);

/** Ids by ordering key, in a sequence. */
class KeyedIds {
  readonly #ids = new Map<string, string[]>();

  add(key: string, id: string): void {
    this.#ids.set(key, [...this.of(key), id]);
  }

  of(key: string): readonly string[] {
    return this.#ids.get(key) ?? [];
  }

  lasts(): string[] {
    return [...this.#ids.values()].flatMap((ids) => ids.slice(-1));
  }

  entries(): Iterable<[string, readonly string[]]> {
    return this.#ids.entries();
  }
}
