/** Permits and reservations hold across processes. */
import { reserve, releasePermit, acquirePermit } from '../../../../src/store/subscriptions/limits.js';
import { openTestDatabase, type TestDatabase } from '../../../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const take = (holder: string, seconds = 60) =>
  acquirePermit(database.store, { subscriptionId: 'sub_a', limit: 5, holder, seconds });

test('gives as many concurrent callers a permit as there are permits, and a released one again', async () => {
  const holders = Array.from({ length: 20 }, (_, index) => `holder-${index}`);
  for (let round = 0; round < 5; round += 1) {
    const taken = await Promise.all(holders.map((holder) => take(holder)));
    const winners = holders.filter((_, index) => taken[index]);
    expect(winners.length).toBeLessThanOrEqual(5);
    while (winners.length < 5) if (await take(`late-${round}`)) winners.push(`late-${round}`);
    expect(await take('one too many')).toBe(false);
    for (const holder of winners) await releasePermit(database.store, { subscriptionId: 'sub_a', holder });
  }
});

test('frees the permit of a dead holder when it expires', async () => {
  for (let count = 0; count < 5; count += 1) expect(await take(`dead-${count}`, -1)).toBe(true);
  expect(await take('next')).toBe(true);
});

test('spaces reservations evenly, and makes none beyond the horizon', async () => {
  const book = () => reserve(database.store, { subscriptionId: 'sub_b', ratePerSecond: 2, horizonMs: 4_900 });
  const waits = await Promise.all(Array.from({ length: 20 }, book));
  const booked = waits.filter((wait) => wait !== undefined).sort((one, other) => one - other);
  expect(booked.length).toBeGreaterThanOrEqual(10);
  expect(booked.length).toBeLessThanOrEqual(12);
  booked.forEach((wait, index) => expect(Math.abs(wait - index * 500)).toBeLessThan(450));
});
