/** Who gets a slot of a worker, in a time that stands still until it is told to go on. */
import * as fc from 'fast-check';
import { Slots, type Slot } from '../../../../src/activities/admission/concurrency-limiter';

/** Longer than anybody waits inside the worker, in milliseconds. */
const A_WHILE = 2_100;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const isFree = (slot: Slot): slot is { free: () => void } => 'free' in slot;

/** Has a subscription ask for many slots that it does not give back; those it got. */
async function hang(slots: Slots, id: string, { asking = 200, limit = 50 } = {}): Promise<{ free: () => void }[]> {
  const asked = Array.from({ length: asking }, () => slots.take(id, limit));
  await jest.advanceTimersByTimeAsync(A_WHILE);
  return (await Promise.all(asked)).filter(isFree);
}

test('one that hangs gets its limit and no more', async () => {
  expect(await hang(new Slots(), 'sub_a')).toHaveLength(50);
});

test('whatever its limit, one alone gets half of the worker', async () => {
  expect(await hang(new Slots(400), 'sub_a', { asking: 500, limit: 400 })).toHaveLength(200);
});

test.each([1, 7, 8, 20, 50])('of %i that hang each gets its part in the end, and as much stays free', async (count) => {
  const slots = new Slots(400);
  const part = Math.min(50, Math.floor(400 / (count + 1)));
  const held = Array.from({ length: count }, () => [] as { free: () => void; round: number }[]);
  // One after the other begins to hang. What runs out of time makes room; in turn they come back and ask again.
  for (let round = 0; round < count + 60; round += 1) {
    for (const mine of held) while (mine[0] && mine[0].round <= round - 7) mine.shift()!.free();
    const asked = Array.from({ length: 60 * Math.min(round + 1, count) }, async (_, turn) => {
      const index = turn % Math.min(round + 1, count);
      const slot = await slots.take(`sub_${index}`, 50);
      if (isFree(slot)) held[index]!.push({ ...slot, round });
    });
    await jest.advanceTimersByTimeAsync(A_WHILE);
    await Promise.all(asked);
    expect(held.flat().length).toBeLessThanOrEqual(400);
  }
  const parts = held.map((mine) => mine.length);
  expect(Math.max(...parts)).toBeLessThanOrEqual(50);
  expect(Math.min(...parts)).toBeGreaterThanOrEqual(part - 3);
  expect(400 - held.flat().length).toBeGreaterThanOrEqual(part - 3);
});

test('what is given back goes to whoever waits first', async () => {
  const slots = new Slots();
  const [first] = await hang(slots, 'sub_a', { asking: 1, limit: 1 });
  const order: string[] = [];
  const waiting = ['b', 'c'].map((name) =>
    slots.take('sub_a', 1).then((slot) => {
      order.push(name);
      if (isFree(slot)) slot.free();
    }),
  );
  await jest.advanceTimersByTimeAsync(0);
  first!.free();
  first!.free();
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
      const slots = new Slots(20);
      const held: { free: () => void }[] = [];
      for (const { id, limit, frees, waitMs } of acts) {
        void slots.take(id, limit).then((slot) => isFree(slot) && held.push(slot));
        await jest.advanceTimersByTimeAsync(waitMs);
        expect(held.length).toBeLessThanOrEqual(20);
        for (const { free } of held.splice(0, frees)) free();
      }
      const newcomer = await slots.take('newcomer', 1);
      expect(isFree(newcomer)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
