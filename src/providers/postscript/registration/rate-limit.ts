/**
 * Postscript's rate limit, 15 requests per second: https://developers.postscript.io/docs/rate-limits
 *
 * Counted per process: it lets client programs test their handling of 429; it is not a protection.
 */
const MAX_REQUESTS = 15;
const WINDOW_MS = 1_000;

/** The response to a request beyond the limit, status 429. */
export const RATE_LIMITED = { error_code: 3002, error_message: 'Rate limit exceeded', success: false } as const;

/** Whether a caller's request is within the limit; counts it if so. */
export function createRateLimit(clock: () => number = () => performance.now()): (caller: string) => boolean {
  /** Recent request times by caller, the least recently active caller first. */
  const recent = new Map<string, readonly number[]>();
  return (caller) => {
    const now = clock();
    for (const [idle, times] of recent) {
      if (now - (times.at(-1) ?? 0) < WINDOW_MS) break;
      recent.delete(idle);
    }
    const times = (recent.get(caller) ?? []).filter((time) => now - time < WINDOW_MS);
    if (times.length >= MAX_REQUESTS) return false;
    recent.delete(caller);
    recent.set(caller, [...times, now]);
    return true;
  };
}
