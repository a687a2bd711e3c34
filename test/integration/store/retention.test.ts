/** Data is deleted after its retention, and nothing else is. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createRetention } from '../../../src/activities/maintenance/retention.js';
import { reopenDelivery } from '../../../src/store/deliveries/state-changes.js';
import { insertEvents } from '../../../src/store/events/events.js';
import { insertMissing } from '../../../src/store/recovery/missing.js';
import { listPartitions, makePartitions } from '../../../src/store/partitions.js';
import { reopenFinished } from '../../../src/store/recovery/finished.js';
import { expiry, weekOf, weeksAfter } from '../../../src/store/weeks.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { deliver, eventAt, noOne, originsOf, type Owner } from '../../support/past.js';

const now = new Date();
/** A time in the week that is `weeks` before this one. */
const weeksAgo = (weeks: number): Date => new Date(weeksAfter(weekOf(now), -weeks).getTime() + 3_600_000);

let api: TestApi & { readonly database: TestDatabase };
beforeEach(async () => {
  api = await startApiWithDatabase();
  // Each call creates the partitions of three weeks.
  for (const weeks of [15, 12, 9, 6, 3]) await makePartitions(api.database.store, weeksAgo(weeks));
});
afterEach(() => api.close());

/** The maintenance of one hour. */
const enforce = (days: number): Promise<void> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
    createRetention(api.database.store, days)(now),
  );

/** An account with a subscription. */
async function newOwner(retentionDays: number | null = null): Promise<Owner> {
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme', retentionDays })).body;
  const url = 'https://hooks.example.com/in';
  const subscription = await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url, eventTypes: [] });
  return { accountId: account.id, subscriptionId: subscription.body.id };
}

const oldestWeek = async (): Promise<Date> => (await listPartitions(api.database.store.pool))[0]!.from!;
const rowsOf = async (of: { eventId: string; deliveryId: string }): Promise<number> =>
  (await originsOf(api.database.store, of)).length;
const ALL = 4;

describe('weeks that have expired for every account', () => {
  test('are dropped with all their data, and no others', async () => {
    const owner = await newOwner();
    const gone = await deliver(api.database.store, owner, weeksAgo(9), 'failed');
    const kept = await deliver(api.database.store, owner, weeksAgo(3));
    await enforce(30);
    expect(await oldestWeek()).toEqual(expiry(now, 30));
    expect(await rowsOf(gone)).toBe(0);
    expect(await rowsOf(kept)).toBe(ALL);
  });

  test('stay when one account has a longer or an indefinite retention', async () => {
    await newOwner();
    await newOwner(100);
    await enforce(30);
    expect(await oldestWeek()).toEqual(expiry(now, 100));
    await newOwner(0);
    const before = await oldestWeek();
    await enforce(1);
    expect(await oldestWeek()).toEqual(before);
  });

  test('are decided by deleted accounts too', async () => {
    const owner = await newOwner(0);
    await api.ask('DELETE', `/v1/accounts/${owner.accountId}`);
    const before = await oldestWeek();
    await enforce(1);
    expect(await oldestWeek()).toEqual(before);
  });

  test.each(['pending', 'retrying', 'paused'] as const)(
    'stay when a delivery is %s, without their other deliveries',
    async (state) => {
      const owner = await newOwner();
      const open = await deliver(api.database.store, owner, weeksAgo(9), state);
      const finished = await deliver(api.database.store, owner, weeksAgo(9));
      await enforce(30);
      expect(await oldestWeek()).toEqual(weekOf(weeksAgo(9)));
      expect(await rowsOf(open)).toBe(ALL);
      expect(await rowsOf(finished)).toBe(0);

      await api.database.store.pool.query(`UPDATE deliveries SET state = 'delivered' WHERE id = $1`, [open.deliveryId]);
      await enforce(30);
      expect(await rowsOf(open)).toBe(0);
      expect(await oldestWeek()).not.toEqual(weekOf(weeksAgo(9)));
    },
  );

  test('stay when a recovery delivers one of their events', async () => {
    const owner = await newOwner();
    const recovered = await deliver(api.database.store, owner, weeksAgo(9), 'retrying', weeksAgo(0));
    await enforce(30);
    expect(await rowsOf(recovered)).toBe(ALL);
    await api.database.store.pool.query(`UPDATE deliveries SET state = 'delivered' WHERE id = $1`, [
      recovered.deliveryId,
    ]);
    await enforce(30);
    // The delivery is of this week, its event and body are not.
    expect(await rowsOf(recovered)).toBe(2);
  });
});

describe('accounts with a shorter retention than others', () => {
  test('lose their own data only', async () => {
    const [brief, other] = [await newOwner(30), await newOwner()];
    const gone = await Promise.all([9, 12, 15].map((weeks) => deliver(api.database.store, brief, weeksAgo(weeks))));
    const recent = await deliver(api.database.store, brief, weeksAgo(3));
    const others = await deliver(api.database.store, other, weeksAgo(9));
    await enforce(365);
    for (const each of gone) expect(await rowsOf(each)).toBe(0);
    expect(await rowsOf(recent)).toBe(ALL);
    expect(await rowsOf(others)).toBe(ALL);
  });

  test('lose events without deliveries', async () => {
    const [owner] = [await newOwner(30), await newOwner()];
    const { event, ...others } = eventAt(owner, weeksAgo(9));
    await insertEvents(api.database.store, api.database.store.pool, [{ event, ...others, deliveries: [] }]);
    await enforce(365);
    expect(await rowsOf({ eventId: event.id, deliveryId: '' })).toBe(0);
  });

  test('keep an event when a delivery of it is kept', async () => {
    const [owner] = [await newOwner(30), await newOwner()];
    const recovered = await deliver(api.database.store, owner, weeksAgo(9), 'delivered', weeksAgo(0));
    await enforce(365);
    expect(await rowsOf(recovered)).toBe(ALL);
  });

  test('lose data in the default partition too', async () => {
    const [owner] = [await newOwner(30), await newOwner()];
    const old = await deliver(api.database.store, owner, weeksAgo(50));
    await enforce(365);
    expect(await rowsOf(old)).toBe(0);
  });
});

describe('deliveries whose event was deleted', () => {
  const later = async (): Promise<{ eventId: string; deliveryId: string }> => {
    const recovered = await deliver(api.database.store, await newOwner(), weeksAgo(9), 'failed', weeksAgo(0));
    await enforce(30);
    return recovered;
  };

  test('cannot be redelivered, and the error states it', async () => {
    const { deliveryId } = await later();
    expect(await api.ask('POST', `/v1/deliveries/${deliveryId}/redeliver`)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('its event is no longer stored') },
    });
    expect(await reopenDelivery(api.database.store, deliveryId)).toBeUndefined();
  });

  test('are not recovered', async () => {
    const { deliveryId } = await later();
    expect(await reopenFinished(api.database.store, [{ id: deliveryId, run: 0 }], ['failed'])).toEqual([]);
  });
});

test('omits an event that was deleted after a recovery planned its delivery', async () => {
  const owner = await newOwner();
  const { store } = api.database;
  const there = await deliver(store, noOne(), weeksAgo(1));
  const planned = [eventAt(owner, weeksAgo(1)), eventAt(owner, weeksAgo(1))];
  const kept = { ...planned[0]!, event: { ...planned[0]!.event, id: there.eventId } };
  const inserted = await insertMissing(store, owner.subscriptionId, [kept, planned[1]!]);
  expect(inserted).toEqual(kept.deliveries.map(({ id }) => id));
});
