/** Retries of a write within the time of an activity. */
import { retrying } from '../../../src/lib/retry.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A write that fails `times` times before it succeeds. */
function failing(times: number) {
  let remaining = times;
  return jest.fn(async () => {
    if (remaining-- > 0) throw new Error(`failure ${times - remaining}`);
    return 'written';
  });
}

/** The outcome after all waits, and its duration in milliseconds. */
async function outcomeOf(write: () => Promise<string>) {
  const start = Date.now();
  const settled = Promise.allSettled([retrying(write)]);
  await jest.runAllTimersAsync();
  const [outcome] = await settled;
  return { outcome, took: Date.now() - start };
}

test('writes once when the write succeeds', async () => {
  const write = failing(0);
  expect(await outcomeOf(write)).toEqual({ outcome: { status: 'fulfilled', value: 'written' }, took: 0 });
  expect(write).toHaveBeenCalledTimes(1);
});

test.each([1, 2, 5])('succeeds when the write fails %i times before', async (times) => {
  const write = failing(times);
  expect((await outcomeOf(write)).outcome).toEqual({ status: 'fulfilled', value: 'written' });
  expect(write).toHaveBeenCalledTimes(times + 1);
});

test('rejects with the last error when the write keeps failing', async () => {
  const write = failing(100);
  const { outcome, took } = await outcomeOf(write);
  expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'failure 6' } });
  expect(write).toHaveBeenCalledTimes(6);
  // An attempt has 15 s beyond its time limit, and loading it may have waited 5 s for a connection.
  expect(took).toBeLessThan(10_000);
});
