/** Directives of every page: what is not allowed elsewhere is forbidden, and no site may frame it. */
const COMMON = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];

/**
 * The headers of a page that a browser shows. `no-cache` makes browsers revalidate each time.
 *
 * @param sources directives of Content-Security-Policy for what the page loads; all else is forbidden
 */
export const pageHeaders = (sources: readonly string[]) => ({
  'Content-Security-Policy': ["default-src 'none'", ...sources, ...COMMON].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
});
