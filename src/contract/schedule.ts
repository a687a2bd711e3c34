/**
 * Schedules: the waits between the attempts of a delivery, and the retry policy that implements them.
 *
 * A schedule is a list of waits in milliseconds. The first attempt is made at once; attempt n + 1 follows waits[n - 1]
 * after attempt n failed. A list of w waits therefore allows w + 1 attempts.
 */
export type Schedule = readonly number[];

/** The part of Temporal's RetryPolicy that a schedule decides; durations in milliseconds. */
export interface ScheduleRetryPolicy {
  readonly initialInterval: number;
  readonly backoffCoefficient: number;
  readonly maximumInterval: number;
  readonly maximumAttempts: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const seconds = (n: number): number => n * SECOND;
export const minutes = (n: number): number => n * MINUTE;
export const hours = (n: number): number => n * HOUR;

/** The same wait, `count` times. */
export function every(wait: number, count: number): Schedule {
  return Array.from({ length: count }, () => wait);
}

/** What remains of a schedule once `position` of its waits have been used. */
export function remaining(schedule: Schedule, position: number): Schedule {
  return schedule.slice(position);
}

/**
 * The retry policy for a schedule. Constant and exponential schedules are reproduced by the policy itself; of an
 * irregular one it holds the number of attempts and the first wait, and each failure names its wait as
 * `nextRetryDelay` (see {@link policyWait}). A failure that cannot name its wait, such as a worker that died, then
 * waits the first interval.
 */
export function retryPolicy(schedule: Schedule): ScheduleRetryPolicy {
  const [first = SECOND, second = first] = schedule;
  const growing: ScheduleRetryPolicy = {
    initialInterval: first,
    backoffCoefficient: Math.max(second / first, 1),
    maximumInterval: Math.max(first, ...schedule),
    maximumAttempts: schedule.length + 1,
  };
  const reproduced = schedule.every((wait, index) => policyWait(growing, index) === wait);
  return reproduced ? growing : { ...growing, backoffCoefficient: 1, maximumInterval: first };
}

/** The wait in milliseconds that a policy gives after the attempt at `index` (0-based) failed. */
export function policyWait(policy: ScheduleRetryPolicy, index: number): number {
  return Math.min(policy.initialInterval * policy.backoffCoefficient ** index, policy.maximumInterval);
}
