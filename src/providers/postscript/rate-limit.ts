/**
 * Postscript's rate limit, 15 requests per second: https://developers.postscript.io/docs/rate-limits
 *
 * Counted by this process alone: it lets programs see the response that they must handle; it protects nothing.
 */
const MAX_REQUESTS = 15;
const WINDOW_MS = 1_000;

/** The response to a request beyond the limit, status 429. */
export const RATE_LIMITED = { error_code: 3002, error_message: 'Rate limit exceeded', success: false } as const;

/** Says of each request whether its caller may make it now, and counts it if so. */
export function createRateLimit(clock: () => number = () => performance.now()): (caller: string) => boolean {
  /** When each caller made its latest requests; callers in the order in which they last came. */
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
