import { isReservationValid, retryDelayMs } from '../../../../src/activities/admission/rules';

test.each([
  ['at its place in the queue', 2_000, 0, 0, 2_000],
  ['never at once', 1, 0, 0, 250],
  ['with jitter', 2_000, 0, 1, 2_500],
  ['five seconds at most the first time', 60_000, 0, 1, 5_000],
  ['twice that the next time', 60_000, 1, 1, 10_000],
  ['ten minutes at most', 10_000_000, 50, 1, 600_000],
])('who is turned away comes back %s', (_what, untilFree, times, random, expected) => {
  expect(retryDelayMs(untilFree, times, random)).toBe(expected);
});

test('a turn is good at its time and a little later', () => {
  expect([9_000, 9_750, 10_000, 15_000, 15_001].map((now) => isReservationValid(10_000, now))).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  expect(isReservationValid(undefined, 0)).toBe(false);
});
