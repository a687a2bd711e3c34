/** Schedules and the retry policies that implement them. */
import * as fc from 'fast-check';
import { every, hours, minutes, policyWait, remaining, retryPolicy, seconds } from '../../../src/contract/schedule.js';

const wait = fc.integer({ min: 1, max: hours(24) });

/** The waits that a policy gives by itself. */
function waitsOf(schedule: readonly number[]): number[] {
  const policy = retryPolicy(schedule);
  return schedule.map((_, index) => policyWait(policy, index));
}

test('counts in milliseconds', () => {
  expect([seconds(5), minutes(5), hours(5)]).toEqual([5_000, 300_000, 18_000_000]);
  expect(every(seconds(2), 3)).toEqual([2_000, 2_000, 2_000]);
  expect(every(seconds(2), 0)).toEqual([]);
});

test('remains behind the waits that were used', () => {
  const schedule = [1, 2, 3];
  expect([0, 2, 3, 4].map((position) => remaining(schedule, position))).toEqual([[1, 2, 3], [3], [], []]);
  expect(schedule).toEqual([1, 2, 3]);
});

describe('a retry policy', () => {
  test('reproduces a constant schedule', () => {
    fc.assert(
      fc.property(wait, fc.integer({ min: 1, max: 50 }), (constant, count) => {
        const schedule = every(constant, count);
        expect(waitsOf(schedule)).toEqual(schedule);
        expect(retryPolicy(schedule)).toMatchObject({ backoffCoefficient: 1, maximumAttempts: count + 1 });
      }),
    );
  });

  test('reproduces an exponential schedule, with a ceiling or without', () => {
    const whole = (max: number) => fc.integer({ min: 2, max });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60_000 }), whole(8), whole(10), wait, (first, factor, count, ceiling) => {
        const highest = Math.max(ceiling, first * factor);
        const schedule = Array.from({ length: count }, (_, index) => Math.min(first * factor ** index, highest));
        expect(waitsOf(schedule)).toEqual(schedule);
        expect(retryPolicy(schedule)).toMatchObject({ backoffCoefficient: factor, maximumAttempts: count + 1 });
      }),
    );
  });

  test('is the schedule itself or, where that is irregular, its first wait and its number of attempts', () => {
    fc.assert(
      fc.property(fc.array(wait, { minLength: 1, maxLength: 12 }), (schedule) => {
        const [first = 0] = schedule;
        const policy = retryPolicy(schedule);
        expect(policy.maximumAttempts).toBe(schedule.length + 1);
        const constant = schedule.map(() => first);
        expect([schedule, constant]).toContainEqual(waitsOf(schedule));
      }),
    );
  });

  test.each([
    ['irregular', [1, 5, 10, 10, 15]],
    ['falling', [60, 30, 15]],
    ['rising and falling', [1, 2, 4, 2]],
  ])('of %s waits holds the first one', (_, waits) => {
    const [first = 0] = waits;
    expect(retryPolicy(waits.map(minutes))).toEqual({
      initialInterval: minutes(first),
      backoffCoefficient: 1,
      maximumInterval: minutes(first),
      maximumAttempts: waits.length + 1,
    });
  });

  test('without waits allows one attempt', () => {
    expect(retryPolicy([])).toEqual({
      initialInterval: 1_000,
      backoffCoefficient: 1,
      maximumInterval: 1_000,
      maximumAttempts: 1,
    });
  });
});
