/** Writes that are tried again for as long as an activity has time for it. */
import { retrying } from '../../../src/lib/retry';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A write that fails so many times before it succeeds. */
function failing(times: number) {
  let left = times;
  return jest.fn(async () => {
    if (left-- > 0) throw new Error(`failure ${times - left}`);
    return 'written';
  });
}

/** Lets all waits pass; the outcome and the time it took in milliseconds. */
async function outcomeOf(write: () => Promise<string>) {
  const start = Date.now();
  const settled = Promise.allSettled([retrying(write)]);
  await jest.runAllTimersAsync();
  const [outcome] = await settled;
  return { outcome, took: Date.now() - start };
}

test('a write that succeeds is made once and at once', async () => {
  const write = failing(0);
  expect(await outcomeOf(write)).toEqual({ outcome: { status: 'fulfilled', value: 'written' }, took: 0 });
  expect(write).toHaveBeenCalledTimes(1);
});

test.each([1, 2, 5])('a write may fail %i times before it succeeds', async (times) => {
  const write = failing(times);
  expect((await outcomeOf(write)).outcome).toEqual({ status: 'fulfilled', value: 'written' });
  expect(write).toHaveBeenCalledTimes(times + 1);
});

test('a write that keeps failing is given up in time, with its last error', async () => {
  const write = failing(100);
  const { outcome, took } = await outcomeOf(write);
  expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'failure 6' } });
  expect(write).toHaveBeenCalledTimes(6);
  // An attempt has 15 s beyond its limit, and loading it may have waited 5 s for a connection.
  expect(took).toBeLessThan(10_000);
});
