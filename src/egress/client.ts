/** The only outbound HTTP client. Receiver URLs are untrusted input. */
import { createConnector } from './connector.js';
import { Deadline } from './deadline.js';
import type { Lookup } from './dns.js';
import { exchange, type ReceivedResponse } from './exchange.js';
import { EgressFailure } from './failures.js';
import { ConnectionPool, type Separation } from './pool.js';
import { redirected } from './redirects.js';
import { firstHop, type Hop } from './request.js';
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
