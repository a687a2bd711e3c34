/** The longest wait in milliseconds that a number in a header is taken for; more is surely a mistake. */
const MAX_MS = 365 * 24 * 3_600_000;

/**
 * The three forms of an HTTP date (RFC 9110, section 5.6.7). `Date.parse` alone would find a date in any words with a
 * number, such as `retry 2030`.
 */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w :-]+ (?:GMT|\d{4})$/;

/**
 * The wait in milliseconds that a `Retry-After` header asks for (RFC 9110, section 10.2.3): a number of seconds or an
 * HTTP date. Undefined for a missing, past, negative or unreadable value.
 */
export function retryAfterMs(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const wait = /^\d{1,15}$/.test(text) ? Number(text) * 1_000 : httpDateMs(text) - now.getTime();
  return wait > 0 ? Math.min(wait, MAX_MS) : undefined;
}

/** The time of an HTTP date, which is always in GMT although one of its forms does not say so; NaN for anything else. */
function httpDateMs(text: string): number {
  if (!HTTP_DATE.test(text)) return NaN;
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
}

/** A wait asked for by a receiver, limited to between the schedule's own wait and twice that. */
export function clampToSchedule(askedMs: number | undefined, waitMs: number | undefined): number | undefined {
  if (askedMs === undefined || waitMs === undefined) return undefined;
  return Math.min(Math.max(askedMs, waitMs), 2 * waitMs);
}
