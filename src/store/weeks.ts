/** Weeks, by which rows are partitioned: from Monday to Monday, UTC. */

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** 1 January 1970 was a Thursday; the Monday before it begins week 0. */
const FIRST_MONDAY_MS = -3 * DAY_MS;

/** The beginning of the week that a time is in. */
export function weekOf(time: Date): Date {
  return new Date(Math.floor((time.getTime() - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS);
}

/** The beginning of the week so many weeks after the one that begins then. */
export function weeksAfter(week: Date, count: number): Date {
  return new Date(week.getTime() + count * WEEK_MS);
}

/**
 * Before when everything has been kept for `days` days. It moves once a week, so that what expires is whole weeks: all
 * is kept for at least so many days and for a week more at most.
 */
export function expiry(now: Date, days: number): Date {
  return weekOf(new Date(now.getTime() - days * DAY_MS));
}
