/** Recording attempts: in any sequence, repeatedly, and late. */
import { listAttempts, loadAttemptMaterial } from '../../../../src/store/attempts/attempts.js';
import { recordAttempt, type AttemptRow } from '../../../../src/store/attempts/recording.js';
import { findDelivery, findProgress } from '../../../../src/store/deliveries/deliveries.js';
import { changeState, reopenDelivery } from '../../../../src/store/deliveries/state-changes.js';
import { findSubscription } from '../../../../src/store/subscriptions/subscriptions.js';
import { emitted } from '../../../support/samples.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const store = () => api.database.store;
const newDelivery = async (): Promise<string> => (await emitted(api.ask, 'standard')).deliveryId;
const later = new Date('2030-01-01T00:00:00Z');

function refused(deliveryId: string, number: number, more: Partial<AttemptRow> = {}): AttemptRow {
  return {
    deliveryId,
    run: 0,
    number,
    startedAt: new Date(Date.UTC(2026, 2, 2, 10, number)),
    durationMs: 12,
    timings: { connectMs: 1.5, firstByteMs: 10, totalMs: 12 },
    outcome: 'refused',
    status: 500,
    reason: 'status',
    message: 'the receiver responded with 500',
    url: 'https://hooks.example.com/in',
    requestHeaders: [{ name: 'X-A', value: '1' }],
    responseHeaders: { server: 'x' },
    responseExcerpt: 'oops',
    responseTruncated: false,
    state: 'retrying',
    stateReason: null,
    disable: false,
    nextAttemptAt: later,
    schedulePosition: number - 1,
    recordedBy: 'run-a',
    ...more,
  };
}

const accepted = (deliveryId: string, number: number, more: Partial<AttemptRow> = {}) =>
  refused(deliveryId, number, {
    outcome: 'accepted',
    status: 200,
    reason: null,
    message: null,
    state: 'delivered',
    nextAttemptAt: null,
    ...more,
  });

const failed = (deliveryId: string, number: number, more: Partial<AttemptRow> = {}) =>
  refused(deliveryId, number, { state: 'failed', stateReason: 'every attempt failed', nextAttemptAt: null, ...more });

const outcomes = async (id: string) =>
  (await listAttempts(store(), id)).map(({ number, run, outcome }) => `${run}/${number} ${outcome}`);

async function row(id: string): Promise<Record<string, unknown>> {
  const { rows } = await store().pool.query<Record<string, unknown>>('SELECT * FROM deliveries WHERE id = $1', [id]);
  return rows[0]!;
}

test('loads everything that the first attempt needs', async () => {
  const { account, subscription, event, deliveryId } = await emitted(api.ask, 'standard');
  const material = await loadAttemptMaterial(store(), deliveryId);
  expect(material).toMatchObject({
    account: { id: account.id, provider: 'standard', createdAt: expect.any(Date) },
    subscription: { id: subscription.id, headers: {}, createdAt: expect.any(Date) },
    subscriptionDeleted: false,
    event: { id: event.id, type: 'user.created', occurredAt: expect.any(Date) },
    delivery: { id: deliveryId, createdAt: expect.any(Date) },
    body: expect.stringMatching(/^\{"type":"user\.created"/),
    state: 'pending',
    run: 0,
    attempts: 0,
    recordedBy: null,
    schedulePosition: null,
    firstAttemptAt: null,
  });
  expect(await loadAttemptMaterial(store(), 'dlv_none')).toBeUndefined();
});

test('reports that the subscription of a delivery is deleted', async () => {
  const { subscription, deliveryId } = await emitted(api.ask, 'standard');
  await api.ask('DELETE', `/v1/subscriptions/${subscription.id}`);
  expect(await loadAttemptMaterial(store(), deliveryId)).toMatchObject({ subscriptionDeleted: true });
});

test('stores all fields of a refused attempt, and its delivery waits', async () => {
  const id = await newDelivery();
  await recordAttempt(store(), refused(id, 1));
  const { deliveryId: _, state: __, stateReason: ___, ...kept } = refused(id, 1);
  const [attempt] = await listAttempts(store(), id);
  expect(kept).toMatchObject(attempt!);
  expect(await findDelivery(store(), id)).toMatchObject({
    state: 'retrying',
    attempts: 1,
    lastStatus: 500,
    lastReason: 'status',
    nextAttemptAt: later,
    schedulePosition: 0,
    settledAt: null,
  });
  expect(await row(id)).toMatchObject({ owned: true, recorded_by: 'run-a', first_attempt_at: kept.startedAt });
});

test('keeps the time of the first attempt', async () => {
  const id = await newDelivery();
  for (const number of [1, 2, 3]) await recordAttempt(store(), refused(id, number));
  expect(await row(id)).toMatchObject({ first_attempt_at: refused(id, 1).startedAt, attempts: 3 });
});

test.each([
  ['delivered', accepted],
  ['failed', failed],
] as const)('ends a delivery with an attempt after which it is %s', async (state, record) => {
  const id = await newDelivery();
  await recordAttempt(store(), record(id, 1));
  expect(await findDelivery(store(), id)).toMatchObject({ state, nextAttemptAt: null, settledAt: expect.any(Date) });
  expect(await findProgress(store(), id, 'run-a')).toMatchObject({ endRecorded: true, attempted: true });
  expect(await findProgress(store(), id, 'run-b')).toMatchObject({ endRecorded: false });
});

test.each([
  ['refused', refused],
  ['accepted', accepted],
  ['failed', failed],
] as const)('changes nothing when an attempt that was %s is recorded again', async (_outcome, record) => {
  const id = await newDelivery();
  await recordAttempt(store(), refused(id, 1));
  await recordAttempt(store(), record(id, 2));
  const before = await row(id);
  await Promise.all([1, 2, 3].map(() => recordAttempt(store(), record(id, 2))));
  await recordAttempt(store(), refused(id, 1));
  expect(await row(id)).toEqual(before);
  expect(await outcomes(id)).toHaveLength(2);
});

test('stores one attempt when it is recorded concurrently', async () => {
  const id = await newDelivery();
  await Promise.all(Array.from({ length: 10 }, () => recordAttempt(store(), accepted(id, 1))));
  expect(await outcomes(id)).toEqual(['0/1 accepted']);
  expect(await findDelivery(store(), id)).toMatchObject({ state: 'delivered', attempts: 1 });
});

test('records missing attempts as interrupted', async () => {
  const id = await newDelivery();
  await recordAttempt(store(), refused(id, 4));
  expect(await outcomes(id)).toEqual(['0/1 interrupted', '0/2 interrupted', '0/3 interrupted', '0/4 refused']);
  await recordAttempt(store(), accepted(id, 6));
  expect((await outcomes(id)).slice(3)).toEqual(['0/4 refused', '0/5 interrupted', '0/6 accepted']);
  const [interrupted] = await listAttempts(store(), id);
  expect(interrupted).toMatchObject({
    reason: 'interrupted',
    message: expect.stringMatching('worker stopped'),
    durationMs: null,
    timings: null,
    status: null,
    url: null,
    requestHeaders: null,
  });
});

test('replaces an interrupted attempt when its frozen worker records it late', async () => {
  const id = await newDelivery();
  await recordAttempt(store(), refused(id, 2));
  const before = await row(id);
  await recordAttempt(store(), refused(id, 1, { status: 503 }));
  expect(await outcomes(id)).toEqual(['0/1 refused', '0/2 refused']);
  expect((await listAttempts(store(), id))[0]).toMatchObject({
    status: 503,
    durationMs: 12,
    timings: { connectMs: 1.5 },
    responseExcerpt: 'oops',
  });
  expect(await row(id)).toEqual(before);
});

test('applies a late acceptance after any later attempt', async () => {
  for (const record of [refused, failed]) {
    const id = await newDelivery();
    await recordAttempt(store(), record(id, 2));
    await recordAttempt(store(), accepted(id, 1));
    expect(await outcomes(id)).toEqual(['0/1 accepted', '0/2 refused']);
    expect(await findDelivery(store(), id)).toMatchObject({
      state: 'delivered',
      attempts: 2,
      nextAttemptAt: null,
      settledAt: expect.any(Date),
    });
  }
});

test('does not undo an acceptance by a late failure', async () => {
  for (const record of [refused, failed]) {
    const id = await newDelivery();
    await recordAttempt(store(), accepted(id, 1));
    const before = await row(id);
    await recordAttempt(store(), record(id, 2));
    expect(await row(id)).toEqual(before);
    expect(await outcomes(id)).toEqual(['0/1 accepted', '0/2 refused']);
  }
});

test('lets another run of the workflow, as after Reset, change a delivered delivery', async () => {
  const id = await newDelivery();
  await recordAttempt(store(), accepted(id, 1));
  await recordAttempt(store(), refused(id, 2, { recordedBy: 'run-b' }));
  expect(await findDelivery(store(), id)).toMatchObject({ state: 'retrying', attempts: 2, settledAt: null });
  await recordAttempt(store(), accepted(id, 3, { recordedBy: 'run-b' }));
  expect(await findDelivery(store(), id)).toMatchObject({ state: 'delivered', attempts: 3 });
});

describe('a redelivery', () => {
  test('starts the schedule again and continues to count attempts', async () => {
    const id = await newDelivery();
    await recordAttempt(store(), refused(id, 1));
    await recordAttempt(store(), failed(id, 2));
    expect(await reopenDelivery(store(), id)).toMatchObject({
      state: 'pending',
      run: 1,
      attempts: 2,
      schedulePosition: null,
      stateReason: null,
      settledAt: null,
    });
    expect(await row(id)).toMatchObject({ owned: false, recorded_by: null, first_attempt_at: null });
    await recordAttempt(store(), accepted(id, 3, { run: 1, recordedBy: 'run-b' }));
    expect(await outcomes(id)).toEqual(['0/1 refused', '0/2 refused', '1/3 accepted']);
    expect(await findDelivery(store(), id)).toMatchObject({ state: 'delivered', run: 1, attempts: 3 });
  });

  test('is not changed by the late attempt of an earlier run', async () => {
    const id = await newDelivery();
    await recordAttempt(store(), failed(id, 1));
    await reopenDelivery(store(), id);
    const before = await row(id);
    await recordAttempt(store(), accepted(id, 1));
    await recordAttempt(store(), failed(id, 1));
    await changeState(store(), { deliveryId: id, run: 0, state: 'cancelled', reason: 'late', nextAttemptAt: null });
    expect(await row(id)).toEqual(before);
    expect(await outcomes(id)).toEqual(['0/1 refused']);
  });

  test('is possible once for each end', async () => {
    const id = await newDelivery();
    expect(await reopenDelivery(store(), id)).toBeUndefined();
    await recordAttempt(store(), accepted(id, 1));
    const reopened = await Promise.all([1, 2, 3].map(() => reopenDelivery(store(), id)));
    expect(reopened.filter((delivery) => delivery !== undefined)).toHaveLength(1);
  });
});

describe('a subscription whose receiver responds with 410', () => {
  const gone = { disable: true, state: 'failed', stateReason: 'the receiver responded with 410 Gone' } as const;

  test('is disabled with the attempt, for the reason that ends the delivery', async () => {
    const { subscription, deliveryId } = await emitted(api.ask, 'standard');
    const other = await emitted(api.ask, 'standard');
    await recordAttempt(store(), failed(deliveryId, 1, gone));
    expect(await findSubscription(store(), subscription.id)).toMatchObject({
      enabled: false,
      disabledReason: 'the receiver responded with 410 Gone',
    });
    expect(await findSubscription(store(), other.subscription.id)).toMatchObject({ enabled: true });
  });

  test('keeps the reason of its owner when it is already disabled', async () => {
    const { subscription, deliveryId } = await emitted(api.ask, 'standard');
    await api.ask('PATCH', `/v1/subscriptions/${subscription.id}`, { enabled: false });
    await recordAttempt(store(), failed(deliveryId, 1, gone));
    expect(await findSubscription(store(), subscription.id)).toMatchObject({ enabled: false, disabledReason: null });
  });
});

test('stores an attempt without headers and response', async () => {
  const id = await newDelivery();
  const nothing = {
    url: null,
    requestHeaders: null,
    responseHeaders: null,
    responseExcerpt: null,
    responseTruncated: null,
    status: null,
  };
  await recordAttempt(store(), refused(id, 1, { ...nothing, outcome: 'failed', reason: 'dns' }));
  expect(await listAttempts(store(), id)).toMatchObject([{ ...nothing, outcome: 'failed', reason: 'dns' }]);
});
