/** Who gets a slot of a worker, in a time that stands still until it is told to go on. */
import * as fc from 'fast-check';
import { ConcurrencyLimiter, type Permit } from '../../../../src/activities/admission/concurrency-limiter';

/** Longer than anybody waits inside the worker, in milliseconds. */
const A_WHILE = 2_100;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const isFree = (permit: Permit): permit is { release: () => void } => 'release' in permit;

/** Has a subscription ask for many slots that it does not give back; those it got. */
async function hang(
  limiter: ConcurrencyLimiter,
  id: string,
  { asking = 200, limit = 50 } = {},
): Promise<{ release: () => void }[]> {
  const asked = Array.from({ length: asking }, () => limiter.tryAcquire(id, limit));
  await jest.advanceTimersByTimeAsync(A_WHILE);
  return (await Promise.all(asked)).filter(isFree);
}

test('one that hangs gets its limit and no more', async () => {
  expect(await hang(new ConcurrencyLimiter(), 'sub_a')).toHaveLength(50);
});

test('whatever its limit, one alone gets half of the worker', async () => {
  expect(await hang(new ConcurrencyLimiter(400), 'sub_a', { asking: 500, limit: 400 })).toHaveLength(200);
});

test.each([1, 7, 8, 20, 50])('of %i that hang each gets its part in the end, and as much stays free', async (count) => {
  const limiter = new ConcurrencyLimiter(400);
  const part = Math.min(50, Math.floor(400 / (count + 1)));
  const inFlight = Array.from({ length: count }, () => [] as { release: () => void; round: number }[]);
  // One after the other begins to hang. What runs out of time makes room; in turn they come back and ask again.
  for (let round = 0; round < count + 60; round += 1) {
    for (const mine of inFlight) while (mine[0] && mine[0].round <= round - 7) mine.shift()!.release();
    const asked = Array.from({ length: 60 * Math.min(round + 1, count) }, async (_, turn) => {
      const index = turn % Math.min(round + 1, count);
      const permit = await limiter.tryAcquire(`sub_${index}`, 50);
      if (isFree(permit)) inFlight[index]!.push({ ...permit, round });
    });
    await jest.advanceTimersByTimeAsync(A_WHILE);
    await Promise.all(asked);
    expect(inFlight.flat().length).toBeLessThanOrEqual(400);
  }
  const parts = inFlight.map((mine) => mine.length);
  expect(Math.max(...parts)).toBeLessThanOrEqual(50);
  expect(Math.min(...parts)).toBeGreaterThanOrEqual(part - 3);
  expect(400 - inFlight.flat().length).toBeGreaterThanOrEqual(part - 3);
});

test('what is given back goes to whoever waits first', async () => {
  const limiter = new ConcurrencyLimiter();
  const [first] = await hang(limiter, 'sub_a', { asking: 1, limit: 1 });
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

test('whatever comes and goes, the worker is not overfilled and a newcomer is admitted at once', async () => {
  const act = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    limit: fc.constantFrom(1, 5, 50),
    frees: fc.nat(3),
    waitMs: fc.constantFrom(0, 0, 100, A_WHILE),
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
