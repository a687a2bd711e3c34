/** The permits of a worker, with fake timers. */
import * as fc from 'fast-check';
import { ConcurrencyLimiter, type Permit } from '../../../../src/activities/admission/concurrency-limiter.js';

/** Longer than the wait for a permit inside the worker, in milliseconds. */
const LONG_WAIT_MS = 2_100;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const isFree = (permit: Permit): permit is { release: () => void } => 'release' in permit;

/** Requests many permits of a subscription and does not release them; returns those that were acquired. */
async function hang(
  limiter: ConcurrencyLimiter,
  id: string,
  { requested = 200, limit = 50 } = {},
): Promise<{ release: () => void }[]> {
  const requests = Array.from({ length: requested }, () => limiter.tryAcquire(id, limit));
  await jest.advanceTimersByTimeAsync(LONG_WAIT_MS);
  return (await Promise.all(requests)).filter(isFree);
}

test('limits a hanging subscription to its limit', async () => {
  expect(await hang(new ConcurrencyLimiter(), 'sub_a')).toHaveLength(50);
});

test('limits a single subscription to half of the worker when its limit is higher', async () => {
  expect(await hang(new ConcurrencyLimiter(400), 'sub_a', { requested: 500, limit: 400 })).toHaveLength(200);
});

test.each([1, 7, 8, 20, 50])(
  'gives each of %i hanging subscriptions its share, and keeps the same share free',
  async (count) => {
    const limiter = new ConcurrencyLimiter(400);
    const part = Math.min(50, Math.floor(400 / (count + 1)));
    const inFlight = Array.from({ length: count }, () => [] as { release: () => void; round: number }[]);
    // The receivers start to hang one after the other. Attempts that time out release permits, which are requested again.
    for (let round = 0; round < count + 60; round += 1) {
      for (const mine of inFlight) while (mine[0] && mine[0].round <= round - 7) mine.shift()!.release();
      const requests = Array.from({ length: 60 * Math.min(round + 1, count) }, async (_, nth) => {
        const index = nth % Math.min(round + 1, count);
        const permit = await limiter.tryAcquire(`sub_${index}`, 50);
        if (isFree(permit)) inFlight[index]!.push({ ...permit, round });
      });
      await jest.advanceTimersByTimeAsync(LONG_WAIT_MS);
      await Promise.all(requests);
      expect(inFlight.flat().length).toBeLessThanOrEqual(400);
    }
    const parts = inFlight.map((mine) => mine.length);
    expect(Math.max(...parts)).toBeLessThanOrEqual(50);
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(part - 3);
    expect(400 - inFlight.flat().length).toBeGreaterThanOrEqual(part - 3);
  },
);

test('gives a released permit to the first caller that waits', async () => {
  const limiter = new ConcurrencyLimiter();
  const [first] = await hang(limiter, 'sub_a', { requested: 1, limit: 1 });
  const order: string[] = [];
  const waiting = ['b', 'c'].map((name) =>
    limiter.tryAcquire('sub_a', 1).then((permit) => {
      order.push(name);
      if (isFree(permit)) permit.release();
    }),
  );
  await jest.advanceTimersByTimeAsync(0);
  first!.release();
  first!.release();
  await Promise.all(waiting);
  expect(order).toEqual(['b', 'c']);
});

test('never exceeds the capacity and always admits a new subscription at once', async () => {
  const act = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    limit: fc.constantFrom(1, 5, 50),
    frees: fc.nat(3),
    waitMs: fc.constantFrom(0, 0, 100, LONG_WAIT_MS),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 150 }), async (acts) => {
      const limiter = new ConcurrencyLimiter(20);
      const inFlight: { release: () => void }[] = [];
      for (const { id, limit, frees, waitMs } of acts) {
        void limiter.tryAcquire(id, limit).then((permit) => isFree(permit) && inFlight.push(permit));
        await jest.advanceTimersByTimeAsync(waitMs);
        expect(inFlight.length).toBeLessThanOrEqual(20);
        for (const { release: free } of inFlight.splice(0, frees)) free();
      }
      const newcomer = await limiter.tryAcquire('newcomer', 1);
      expect(isFree(newcomer)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('gives a released permit to the next caller that still wants one', async () => {
  const limiter = new ConcurrencyLimiter();
  const permit = limiter.acquireNow('sub_a', 1)!;
  const called: string[] = [];
  limiter.whenReleased('sub_a', () => {
    called.push('wants none any more');
    return false;
  });
  const waiting = limiter.tryAcquire('sub_a', 1);
  permit.release();
  expect(called).toEqual(['wants none any more']);
  const next = await waiting;
  expect('release' in next).toBe(true);
  if ('release' in next) next.release();
});
