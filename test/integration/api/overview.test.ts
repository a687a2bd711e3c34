/** The figures of the overview: right for a few deliveries, and close for many. */
import { customTimeline, fillSeries, timeline, totals, windowNames } from '../../../src/api/overview/series.js';
import { lowestIdAt } from '../../../src/contract/ids.js';
import { recordAttempt, type AttemptRow } from '../../../src/store/attempts/recording.js';
import { countFailure } from '../../../src/store/subscriptions/changes.js';
import { makePartitions } from '../../../src/store/partitions.js';
import { countGroups } from '../../../src/store/reports/groups.js';
import { countBuckets, sampleAttempts } from '../../../src/store/reports/overview.js';
import { openWindow } from '../../../src/store/reports/window.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { emitted } from '../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeEach(async () => {
  api = await startApiWithDatabase();
});
afterEach(() => api.close());

const attempt = (deliveryId: string, number: number, more: Partial<AttemptRow>): AttemptRow => ({
  deliveryId,
  run: 0,
  number,
  startedAt: new Date(),
  durationMs: 10,
  timings: null,
  outcome: 'refused',
  status: 500,
  reason: 'status',
  message: 'the receiver responded with 500',
  url: null,
  requestHeaders: null,
  responseHeaders: null,
  responseExcerpt: null,
  responseTruncated: null,
  state: 'retrying',
  stateReason: null,
  disable: false,
  nextAttemptAt: null,
  schedulePosition: number - 1,
  recordedBy: 'run-1',
  ...more,
});
/** Headers of an account's key; of none where the operator asks. */
const as = (key: string | undefined): Record<string, string> =>
  key === undefined ? {} : { authorization: `Bearer ${key}` };
const accepted = { outcome: 'accepted', status: 200, reason: null, message: null, state: 'delivered' } as const;
const failed = { outcome: 'failed', status: null, reason: 'timeout', state: 'failed', durationMs: 9_000 } as const;

test('counts deliveries by state, provider and subscription', async () => {
  const { store } = api.database;
  const well = await emitted(api.ask, 'standard');
  await recordAttempt(store, attempt(well.deliveryId, 1, { durationMs: 30 }));
  await recordAttempt(store, attempt(well.deliveryId, 2, { ...accepted, durationMs: 20 }));
  const unwell = await emitted(api.ask, 'standard');
  await recordAttempt(store, attempt(unwell.deliveryId, 1, failed));
  const waiting = await emitted(api.ask, 'bird');

  const { body } = await api.ask('GET', '/v1/overview?window=1h');
  expect(body).toMatchObject({
    bucketMs: 60_000,
    share: 1,
    states: { pending: 1, retrying: 0, paused: 0, delivered: 1, failed: 1, cancelled: 0 },
    success: { attempts: 1 / 3, firstAttempts: 0, ended: 0.5 },
    backlog: { waiting: 1, afterFailure: 0, more: false },
    providers: [
      {
        provider: 'bird',
        deliveries: 1,
        delivered: 0,
        openAfterFailure: 0,
        success: { attempts: null, firstAttempts: null, ended: null },
        attempts: 0,
        p50Ms: null,
        p99Ms: null,
      },
      {
        provider: 'standard',
        deliveries: 2,
        delivered: 1,
        success: { attempts: 1 / 3, firstAttempts: 0, ended: 0.5 },
        attempts: 3,
        p50Ms: 25,
      },
    ],
    worstSubscriptions: [
      {
        subscriptionId: unwell.subscription.id,
        accountId: unwell.account.id,
        provider: 'standard',
        url: unwell.subscription.url,
        enabled: true,
        attempts: 1,
        failures: 1,
        failureRate: 1,
        lastStatus: null,
        lastReason: 'timeout',
      },
      { subscriptionId: well.subscription.id, attempts: 2, failures: 1, failureRate: 0.5, lastReason: null },
    ],
  });
  expect(body.series).toHaveLength(60);
  const sum = (name: string) =>
    body.series.reduce((total: number, each: Record<string, number>) => total + each[name]!, 0);
  expect([sum('delivered'), sum('failed'), sum('cancelled'), sum('open')]).toEqual([1, 1, 0, 1]);
  const { createdAt } = (await api.ask('GET', `/v1/deliveries/${waiting.deliveryId}`)).body;
  expect(body.backlog.oldestWaitingAt).toBe(createdAt);
  expect(Date.parse(body.to) - Date.parse(body.from)).toBe(3_600_000);
});

test('says that attempts fail while their deliveries are still retried', async () => {
  const { store } = api.database;
  const well = await emitted(api.ask, 'standard');
  await recordAttempt(store, attempt(well.deliveryId, 1, accepted));
  const retried = await emitted(api.ask, 'standard');
  for (const number of [1, 2, 3]) await recordAttempt(store, attempt(retried.deliveryId, number, {}));
  for (const key of [undefined, retried.account.apiKey as string]) {
    const { body } = await api.ask('GET', '/v1/overview?window=1h', undefined, as(key));
    const theirs = key !== undefined;
    const success = { attempts: theirs ? 0 : 0.25, firstAttempts: theirs ? 0 : 0.5, ended: theirs ? null : 1 };
    expect(body).toMatchObject({
      success,
      backlog: { waiting: 1, afterFailure: 1 },
      providers: [{ provider: 'standard', success, openAfterFailure: 1 }],
    });
  }
});

test('lists a subscription that was disabled because of its receiver, although it fails no more', async () => {
  const { store } = api.database;
  const gone = await emitted(api.ask, 'standard');
  const stateReason = 'the receiver responded with 410';
  const end = { status: 410, state: 'failed', stateReason, disable: true } as const;
  await recordAttempt(store, attempt(gone.deliveryId, 1, end));
  const owner = await emitted(api.ask, 'standard');
  await api.ask('PATCH', `/v1/subscriptions/${owner.subscription.id}`, { enabled: false });
  // As if it were long ago.
  await store.pool.query('DELETE FROM deliveries');
  for (const key of [undefined, gone.account.apiKey as string]) {
    const { body } = await api.ask('GET', '/v1/overview?window=1h', undefined, as(key));
    expect(body.worstSubscriptions).toEqual([
      expect.objectContaining({
        subscriptionId: gone.subscription.id,
        enabled: false,
        disabledReason: stateReason,
        disabledAt: expect.stringMatching(/Z$/),
        failingSince: null,
        attempts: 0,
        failures: 0,
        failureRate: null,
      }),
    ]);
  }
});

test('has success and latency over time, for a period of its own', async () => {
  const { store } = api.database;
  const one = await emitted(api.ask, 'standard');
  await recordAttempt(store, attempt(one.deliveryId, 1, { durationMs: 30 }));
  await recordAttempt(store, attempt(one.deliveryId, 2, { ...accepted, durationMs: 10 }));
  const from = new Date(Date.now() - 50_000).toISOString();
  const { body } = await api.ask('GET', `/v1/overview?from=${from}`);
  expect(body).toMatchObject({ from, bucketMs: 60_000, states: { delivered: 1 } });
  expect(body.series).toMatchObject([{ at: from, delivered: 1, success: 0.5, p50Ms: 20 }]);
  const before = `from=2026-01-01T00:00:00Z&to=${from}`;
  expect((await api.ask('GET', `/v1/overview?${before}`)).body.states.delivered).toBe(0);
});

test('is of one provider or subscription where it is asked for', async () => {
  const { store } = api.database;
  const one = await emitted(api.ask, 'standard');
  await recordAttempt(store, attempt(one.deliveryId, 1, {}));
  const other = await emitted(api.ask, 'bird');
  await recordAttempt(store, attempt(other.deliveryId, 1, {}));
  for (const query of ['provider=standard', `subscriptionId=${one.subscription.id}`, `accountId=${one.account.id}`]) {
    const { body } = await api.ask('GET', `/v1/overview?${query}`);
    expect([query, body]).toMatchObject([
      query,
      {
        states: { retrying: 1 },
        backlog: { waiting: 1, afterFailure: 1 },
        providers: [{ provider: 'standard' }],
        worstAccounts: [{ accountId: one.account.id, name: 'Acme', failures: 1, attempts: 1, openAfterFailure: 1 }],
        worstSubscriptions: [{ subscriptionId: one.subscription.id }],
      },
    ]);
    expect(body.worstSubscriptions).toHaveLength(1);
  }
  const foreign = `subscriptionId=${other.subscription.id}`;
  const { body } = await api.ask('GET', `/v1/overview?${foreign}`, undefined, as(one.account.apiKey as string));
  expect(body).toMatchObject({ states: { retrying: 0 }, backlog: { waiting: 0 }, providers: [], worstAccounts: [] });
});

test.each([
  ['from=2099-01-01T00:00:00Z', 'from'],
  ['to=2026-01-01T00:00:00Z', 'from'],
  ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
  ['from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z', 'from'],
])('says what is wrong with the period %s', async (query, path) => {
  const { status, body } = await api.ask('GET', `/v1/overview?${query}`);
  expect([status, body.errors[0].path]).toEqual([422, path]);
});

test('buckets of a period of its own are at most sixty, and hold all of it', () => {
  const from = new Date('2026-03-02T10:11:12.345Z');
  for (const span of [1, 59_999, 3_600_000, 90_000_000, 86_400_000 * 31, 86_400_000 * 800]) {
    const to = new Date(from.getTime() + span);
    const { bucketMs, buckets } = customTimeline(from, to);
    expect(buckets.length).toBeLessThanOrEqual(60);
    expect(buckets[0]).toEqual(from);
    expect(buckets.at(-1)!.getTime() + bucketMs).toBeGreaterThanOrEqual(to.getTime());
    expect(buckets.at(-1)!.getTime()).toBeLessThan(to.getTime());
  }
});

describe('what needs attention', () => {
  const attention = async (key?: string) => (await api.ask('GET', '/v1/attention', undefined, as(key))).body;

  test('is nothing at first', async () => {
    expect(await attention()).toEqual({
      failing: { total: 0, items: [] },
      disabled: { total: 0, items: [] },
      breakers: { total: 0, items: [] },
      ownerless: 0,
      unreconciled: 0,
    });
  });

  test('names receivers that fail, with what waits, and those that were disabled, with what they have missed', async () => {
    const { store } = api.database;
    const failing = await emitted(api.ask, 'standard');
    await recordAttempt(store, attempt(failing.deliveryId, 1, {}));
    await countFailure(store, failing.subscription.id, new Date('2026-03-02T10:00:00Z'), undefined, 66);
    const gone = await emitted(api.ask, 'standard');
    const stateReason = 'the receiver responded with 410';
    const end = { status: 410, state: 'failed', stateReason, disable: true } as const;
    await recordAttempt(store, attempt(gone.deliveryId, 1, end));
    const event = { type: 'user.created', data: {} };
    await api.ask('POST', `/v1/accounts/${gone.account.id}/events`, { events: [event, event] });
    const all = {
      failing: {
        total: 1,
        items: [
          {
            subscriptionId: failing.subscription.id,
            accountName: 'Acme',
            url: failing.subscription.url,
            failingSince: '2026-03-02T10:00:00.000Z',
            failures: 66,
            waiting: 1,
          },
        ],
      },
      disabled: {
        total: 1,
        items: [
          {
            subscriptionId: gone.subscription.id,
            disabledReason: stateReason,
            waiting: 0,
            missed: 2,
            moreMissed: false,
          },
        ],
      },
      ownerless: 0,
      unreconciled: 0,
    };
    expect(await attention()).toMatchObject(all);
    expect(await attention(gone.account.apiKey as string)).toMatchObject({
      failing: { total: 0, items: [] },
      disabled: all.disabled,
      ownerless: null,
      unreconciled: null,
    });
  });

  test('counts what a disabled receiver has missed among 1,000 events of its account, and says when there are more', async () => {
    const { store } = api.database;
    const gone = await emitted(api.ask, 'standard');
    const end = { status: 410, state: 'failed', stateReason: 'gone', disable: true } as const;
    await recordAttempt(store, attempt(gone.deliveryId, 1, end));
    const emit = async (...counts: readonly [type: string, count: number][]): Promise<void> => {
      const events = counts.flatMap(([type, count]) => Array.from({ length: count }, () => ({ type, data: {} })));
      const { status } = await api.ask('POST', `/v1/accounts/${gone.account.id}/events`, { events });
      expect(status).toBe(202);
    };
    const missed = async () => {
      const { items } = (await attention(gone.account.apiKey as string)).disabled;
      return items.map((item: { missed: number; moreMissed: boolean }) => [item.missed, item.moreMissed]);
    };
    await emit(['user.deleted', 411], ['user.created', 189]);
    expect(await missed()).toEqual([[189, false]]);
    await emit(['user.created', 400]);
    expect(await missed()).toEqual([[589, false]]);
    await emit(['user.created', 1]);
    expect(await missed()).toEqual([[589, true]]);
  });

  test('counts deliveries that neither a workflow nor a sender has had for a minute', async () => {
    const { deliveryId } = await emitted(api.ask, 'standard');
    const { pool } = api.database.store;
    const age = `UPDATE deliveries SET updated_at = now() - interval '61 s' WHERE id = $1`;
    await pool.query(age, [deliveryId]);
    expect((await attention()).ownerless).toBe(1);
    await pool.query(`UPDATE deliveries SET owned = true WHERE id = $1`, [deliveryId]);
    expect((await attention()).ownerless).toBe(0);
  });
});

test.each(windowNames)('of nothing are zeros, over %s', async (window) => {
  const { body } = await api.ask('GET', `/v1/overview?window=${window}`);
  expect(body).toMatchObject({ states: { pending: 0 }, providers: [], worstSubscriptions: [] });
  expect(body.backlog).toEqual({ waiting: 0, afterFailure: 0, more: false, oldestWaitingAt: null });
  expect(Date.parse(body.series[0].at)).toBe(Date.parse(body.from));
  expect(Date.parse(body.series.at(-1).at) + body.bucketMs).toBe(Date.parse(body.to));
});

test('buckets begin at round times and the last one holds now', () => {
  const { from, to, buckets } = timeline('24h', new Date('2026-03-02T10:11:12.345Z'));
  expect([from.toISOString(), to.toISOString()]).toEqual(['2026-03-01T10:30:00.000Z', '2026-03-02T10:30:00.000Z']);
  expect(buckets.at(-1)?.toISOString()).toBe('2026-03-02T10:00:00.000Z');
});

test('a delivery counts for the bucket of its id', () => {
  const buckets = [new Date(0), new Date(1)];
  const counts = [
    { bucket: 0, state: 'failed', count: 2 },
    { bucket: 1, state: 'paused', count: 3 },
    { bucket: 1, state: 'pending', count: 1 },
  ] as const;
  expect(fillSeries(buckets, counts)).toMatchObject([
    { at: buckets[0], delivered: 0, failed: 2, cancelled: 0, open: 0, success: null, p95Ms: null },
    { at: buckets[1], delivered: 0, failed: 0, cancelled: 0, open: 4, success: null, p95Ms: null },
  ]);
  expect(totals(counts)).toMatchObject({ failed: 2, paused: 3, pending: 1, delivered: 0 });
});

test('of many deliveries are extrapolated from a sample', async () => {
  const { pool } = api.database.store;
  const first = Date.parse('2026-03-01T00:00:00Z');
  const day = 86_400_000;
  // A quarter of them failed; ids are as good as those of that day.
  const prefix = lowestIdAt('dlv', new Date(first + day / 2)).slice(0, -16);
  await pool.query(
    `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, state)
     SELECT $1 || lpad(n::text, 16, '0'), 'evt', 'acc', 'sub', 'standard', 'x', '',
            CASE WHEN n % 4 = 0 THEN 'failed' ELSE 'delivered' END
     FROM generate_series(1, 40000) n`,
    [prefix],
  );
  await pool.query('ANALYZE deliveries');
  const fromId = lowestIdAt('dlv', new Date(first));
  const window = await openWindow(
    api.database.store,
    { fromId, beforeId: lowestIdAt('dlv', new Date(first + day)) },
    { maxCounted: 5_000, sampledRows: 10_000 },
  );
  expect(window.share).toBeCloseTo(0.25, 1);
  const counts = await countBuckets(api.database.store, window, [fromId]);
  const { failed: ended, delivered } = totals(counts);
  expect((ended + delivered) / 40_000).toBeCloseTo(1, 1);
  expect(ended / (ended + delivered)).toBeCloseTo(0.25, 1);
});

test('a sample is taken of the weeks of the window only', async () => {
  const { store } = api.database;
  const weeks = ['2026-03-04T12:00:00Z', '2026-03-18T12:00:00Z'].map((time) => new Date(time));
  for (const week of weeks) await makePartitions(store, week);
  for (const week of weeks)
    await store.pool.query(
      `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, state)
       SELECT $1 || lpad(n::text, 16, '0'), 'evt', 'acc', 'sub', 'standard', 'x', '', 'delivered'
       FROM generate_series(1, 10000) n`,
      [lowestIdAt('dlv', week).slice(0, -16)],
    );
  await store.pool.query('ANALYZE deliveries');
  const [from, before] = [new Date('2026-03-04T00:00:00Z'), new Date('2026-03-05T00:00:00Z')];
  const range = { fromId: lowestIdAt('dlv', from), beforeId: lowestIdAt('dlv', before) };
  const window = await openWindow(store, range, { maxCounted: 1_000, sampledRows: 5_000 });
  expect(window.share).toBeCloseTo(0.5, 1);
  const { providers } = await countGroups(store, window);
  expect(providers).toHaveLength(1);
  expect(providers[0]!.deliveries / 10_000).toBeCloseTo(1, 1);
});

test('of more than 5,000 deliveries the attempts are those of a sample', async () => {
  const { store } = api.database;
  const first = Date.parse('2026-03-01T00:00:00Z');
  const day = 86_400_000;
  const prefix = lowestIdAt('dlv', new Date(first + day / 2)).slice(0, -16);
  await store.pool.query(
    `INSERT INTO deliveries (id, event_id, account_id, subscription_id, provider, event_type, body_variant, state, attempts)
     SELECT $1 || lpad(n::text, 16, '0'), 'evt', 'acc', 'sub', 'standard', 'x', '', 'delivered', 2
     FROM generate_series(1, 8000) n`,
    [prefix],
  );
  await store.pool.query(
    `INSERT INTO attempts (delivery_id, number, run, started_at, duration_ms, outcome)
     SELECT id, number, 0, now(), number * 100, CASE number WHEN 1 THEN 'refused' ELSE 'accepted' END
     FROM deliveries, generate_series(1, 2) number`,
  );
  const [from, to] = [new Date(first), new Date(first + day)];
  const fromId = lowestIdAt('dlv', from);
  const window = await openWindow(store, { fromId, beforeId: lowestIdAt('dlv', to) });
  const [sampled] = await sampleAttempts(store, window, [fromId]);
  expect(sampled!.firstAttempts).toBeGreaterThan(4_000);
  expect(sampled!.firstAttempts).toBeLessThan(6_000);

  const { status, body } = await api.ask('GET', `/v1/overview?from=${from.toISOString()}&to=${to.toISOString()}`);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: {
      states: { delivered: 8_000 },
      success: { attempts: 0.5, firstAttempts: 0 },
      providers: [{ provider: 'standard', p50Ms: 150, p95Ms: 200 }],
    },
  });
});
