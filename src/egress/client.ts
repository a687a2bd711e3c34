/** The only outbound HTTP client, and the redirects it follows. Receiver URLs are untrusted input. */
import { createConnector } from './connector.js';
import { Deadline } from './deadline.js';
import type { Lookup } from './dns.js';
import { exchange, type ReceivedResponse } from './exchange.js';
import { EgressFailure } from './failures.js';
import { ConnectionPool, type Separation } from './pool.js';
import { firstHop, hasCredentials, parseUrl, type Hop } from './request.js';
import type { EgressSettings, Exchange, ObservableEgressClient, OutgoingRequest } from './types.js';

export type * from './types.js';
export type { Lookup } from './dns.js';

/** Default for how much of a response body is read, in bytes. */
export const DEFAULT_MAX_RESPONSE_BYTES = 16 * 1024;

/**
 * A client that sends POST requests and connects only to public addresses and the allowed networks of the settings.
 *
 * @param replaced replacements for parts of the system, for tests.
 * @throws Error when a network of the settings cannot be parsed.
 */
export function createEgressClient(
  settings: EgressSettings,
  replaced: { lookup?: Lookup } = {},
): ObservableEgressClient {
  const pool = new ConnectionPool(createConnector(settings, replaced.lookup));
  const inFlight = new Set<Promise<Exchange>>();
  let closed = false;
  return {
    async send(request) {
      if (closed) throw new Error('The egress client is closed');
      const exchange = send(request, settings, pool);
      inFlight.add(exchange);
      try {
        return await exchange;
      } finally {
        inFlight.delete(exchange);
      }
    },
    usage: () => pool.usage(),
    async close() {
      closed = true;
      await Promise.allSettled(inFlight);
      await pool.close();
    },
  };
}

async function send(request: OutgoingRequest, settings: EgressSettings, pool: ConnectionPool): Promise<Exchange> {
  const deadline = new Deadline(request.timeLimitMs, request.signal, request.account);
  try {
    const [url, response] = await follow(request, settings, pool, deadline);
    return { kind: 'response', ...response, durationMs: deadline.elapsedMs, timings: deadline.timings, url };
  } catch (error) {
    if (!(error instanceof EgressFailure)) throw error;
    const { elapsedMs: durationMs, timings } = deadline;
    return { kind: 'failure', reason: error.reason, message: error.message, durationMs, timings };
  } finally {
    deadline.stop();
  }
}

/** Follows redirects until a response is none, or must not be followed. Returns that response and its URL. */
async function follow(
  request: OutgoingRequest,
  settings: EgressSettings,
  pool: ConnectionPool,
  deadline: Deadline,
): Promise<[url: string, response: ReceivedResponse]> {
  let hop = firstHop(request, settings);
  const { origin } = hop.url;
  for (let redirects = 0; ; redirects++) {
    const { queueKey } = request;
    const separation = hop.url.origin === origin ? request : queueKey === undefined ? {} : { queueKey };
    const response = await sendHop(hop, settings, pool, deadline, separation).catch((error: unknown) => {
      throw redirects > 0 ? asSent(error) : error;
    });
    const next = request.maxRedirects > 0 ? redirected(hop, response) : undefined;
    if (next === undefined) return [hop.url.href, response];
    if (redirects >= request.maxRedirects) {
      throw new EgressFailure(
        'too_many_redirects',
        `${hop.url.host} redirected once more after ${redirects} redirects`,
      );
    }
    hop = next;
  }
}

/** `busy` means that nothing was sent, which is no longer true after a redirect. */
function asSent(error: unknown): unknown {
  const isBusy = error instanceof EgressFailure && error.reason === 'busy';
  return isBusy ? new EgressFailure('dns', error.message, { cause: error }) : error;
}

async function sendHop(
  hop: Hop,
  { maxResponseBytes }: EgressSettings,
  pool: ConnectionPool,
  deadline: Deadline,
  separation: Separation,
): Promise<ReceivedResponse> {
  deadline.host = hop.url.host;
  deadline.stage = 'queue';
  const connection = await pool.acquire(hop.url.origin, deadline, separation);
  let reusable = false;
  try {
    const response = await exchange(connection.client, hop, maxResponseBytes, deadline);
    reusable = !response.truncated;
    return response;
  } finally {
    pool.release(connection, reusable);
  }
}

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
function redirected(hop: Hop, response: { status: number; headers: Record<string, string> }): Hop | undefined {
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
