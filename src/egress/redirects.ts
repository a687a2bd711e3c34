/** Where an answer sends a request on to, and what goes along. */
import { EgressFailure } from './failures.js';
import { hasCredentials, parseUrl, type Hop } from './request.js';

/**
 * The statuses that name another place for the same request (RFC 9110, section 15.4). The method stays POST and the body
 * goes along with each of them. For 307 and 308 the RFC demands that; for 301, 302 and 303 browsers ask again with GET
 * and no body. Here that would bring the receiver nothing of the event, and its answer 200 would count as delivered.
 */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What may be told to a host that the subscription does not name: nothing that is, signs or contains a secret. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set(['accept', 'content-type', 'user-agent']);

/**
 * The request that an answer asks for; undefined when it asks for none and is an answer like any other.
 *
 * @throws EgressFailure when it leads to where no request should go.
 */
export function redirected(hop: Hop, response: { status: number; headers: Record<string, string> }): Hop | undefined {
  const { location } = response.headers;
  if (!REDIRECTS.has(response.status) || location === undefined) return undefined;
  const url = parseUrl(location, hop.url);
  if (url === undefined || hasCredentials(url)) {
    throw new EgressFailure(
      'invalid_response',
      `${hop.url.host} redirected to something other than a plain web address`,
    );
  }
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') {
    throw new EgressFailure('blocked', `${hop.url.host} redirected from https to http`);
  }
  if (url.origin === hop.url.origin) return { ...hop, url };
  return { ...hop, url, headers: hop.headers.filter(({ name }) => HARMLESS_HEADERS.has(name.toLowerCase())) };
}
