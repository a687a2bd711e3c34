/** Directives of every page: what is not allowed elsewhere is forbidden. */
const COMMON = ["base-uri 'none'", "form-action 'none'"];

/**
 * The headers of a page that a browser shows. `no-cache` makes browsers revalidate each time.
 *
 * @param sources directives of Content-Security-Policy for what the page loads; all else is forbidden
 * @param frameAncestors origins of the pages that may have it in a frame; none by default
 */
export const pageHeaders = (sources: readonly string[], frameAncestors: readonly string[] = []) => ({
  'Content-Security-Policy': [
    "default-src 'none'",
    ...sources,
    ...COMMON,
    `frame-ancestors ${frameAncestors.length === 0 ? "'none'" : frameAncestors.join(' ')}`,
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
});
