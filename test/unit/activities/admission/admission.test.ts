import { isReservationValid, retryDelayMs } from '../../../../src/activities/admission/admission.js';

test.each([
  ['at its position in the queue', 2_000, 0, 0, 2_000],
  ['after at least 250 ms', 1, 0, 0, 250],
  ['with jitter', 2_000, 0, 1, 2_500],
  ['after at most 5 s the first time', 60_000, 0, 1, 5_000],
  ['after at most twice that the next time', 60_000, 1, 1, 10_000],
  ['after at most ten minutes', 10_000_000, 50, 1, 600_000],
])('retries a rejected attempt %s', (_what, untilFree, times, random, expected) => {
  expect(retryDelayMs(untilFree, times, random)).toBe(expected);
});

test('accepts a reservation at its time and shortly after', () => {
  expect([9_000, 9_750, 10_000, 15_000, 15_001].map((now) => isReservationValid(10_000, now))).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect(isReservationValid(undefined, 0)).toBe(false);
});
