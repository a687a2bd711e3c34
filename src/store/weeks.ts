/** Weeks of partitions: from Monday to Monday, UTC. */

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Week 0 starts on the Monday before 1 January 1970, which was a Thursday. */
const FIRST_MONDAY_MS = -3 * DAY_MS;

/** The start of the week that contains a time. */
export function weekOf(time: Date): Date {
  return new Date(Math.floor((time.getTime() - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS);
}

/** The start of the week that is `count` weeks later. */
export function weeksAfter(week: Date, count: number): Date {
  return new Date(week.getTime() + count * WEEK_MS);
}

/**
 * The time before which data has expired after `days` days. It is the start of a week, so that complete weeks expire: data
 * is kept for at least `days` days, and at most for a week more.
 */
export function expiry(now: Date, days: number): Date {
  return weekOf(new Date(now.getTime() - days * DAY_MS));
}
