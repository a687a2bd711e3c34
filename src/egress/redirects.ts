/** Redirects: the next URL, and which headers are sent to it. */
import { EgressFailure } from './failures.js';
import { hasCredentials, parseUrl, type Hop } from './request.js';

/**
 * Statuses that redirect (RFC 9110, section 15.4). The method stays POST and the body is sent again for each of them.
 * The RFC demands that for 307 and 308. For 301, 302 and 303 browsers send GET without a body; here the receiver would
 * then get no event, and its response 200 would count as delivered.
 */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Headers that may be sent to a host other than the subscription's: none of them contains a secret or a signature. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set(['accept', 'content-type', 'user-agent']);

/**
 * The request that a redirect asks for; undefined when the response is no redirect.
 *
 * @throws EgressFailure when the redirect must not be followed.
 */
export function redirected(hop: Hop, response: { status: number; headers: Record<string, string> }): Hop | undefined {
  const { location } = response.headers;
  if (!REDIRECTS.has(response.status) || location === undefined) return undefined;
  const url = parseUrl(location, hop.url);
  if (url === undefined || hasCredentials(url)) {
    throw new EgressFailure(
      'invalid_response',
      `${hop.url.host} redirected to something other than an http or https URL without credentials`,
    );
  }
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') {
    throw new EgressFailure('blocked', `${hop.url.host} redirected from https to http`);
  }
  if (url.origin === hop.url.origin) return { ...hop, url };
  return { ...hop, url, headers: hop.headers.filter(({ name }) => HARMLESS_HEADERS.has(name.toLowerCase())) };
}
