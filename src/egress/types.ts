/** Types of the outbound HTTP client. */
import type { OwnListeners } from './own-listeners.js';

/** Like curl's `--resolve`: requests to this host and port go to this address. */
export interface ResolveRule {
  /** Host name or address as in the URL, in any case. */
  readonly host: string;
  /** Port of the URL; the scheme's default (443 or 80) when the URL has none. */
  readonly port: number;
  /** IPv4 or IPv6 address to connect to. The address guard checks it like any other. */
  readonly address: string;
  /** Port to connect to instead; the URL's when absent. */
  readonly targetPort?: number;
}

export interface EgressSettings {
  /** Non-public networks (CIDR) and single addresses that requests may reach. */
  readonly allowNetworks: readonly string[];
  /** Whether http URLs are allowed; read again at every send. */
  readonly allowHttp: boolean;
  readonly resolve: readonly ResolveRule[];
  /** Certificate authorities to trust in addition to the system's, PEM. */
  readonly extraCa?: string;
  /** Minimum TLS version; 1.2 when absent. */
  readonly tlsMinVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Allowed ports of URLs; any when absent. */
  readonly allowPorts?: readonly number[];
  /** Proxy for all connections: http://user:password@host:port. */
  readonly proxy?: string;
  /** Pigeonpost's own listeners, which are never connected to. */
  readonly ownListeners?: OwnListeners;
  /** Maximum excerpt of a response body, in bytes; no more is read. */
  readonly maxResponseBytes: number;
}

/** Client certificate for mutual TLS, PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** One POST request. */
export interface OutgoingRequest {
  /** Absolute, http or https, without credentials. */
  readonly url: string;
  /** Sent unchanged and in this order. The client itself sets Host, Connection and Content-Length. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: string;
  /** Total time limit, in milliseconds: waiting for a connection, DNS, TCP, TLS, headers, body and redirects. */
  readonly timeLimitMs: number;
  /** Maximum number of redirects; with 0 a 3xx is returned as the response. */
  readonly maxRedirects: number;
  /**
   * Requests with different keys share no connections and never wait for each other. The caller limits the requests of
   * a key. Requests without a key share up to 50 connections per origin.
   */
  readonly queueKey?: string;
  /** The account it is sent for. DNS lookups are limited per account; requests without one count as one account. */
  readonly account?: string;
  /** Client certificate for the origin of the URL; not used for other origins after a redirect. */
  readonly tlsClient?: ClientCertificate;
  /** Aborts the request; the result is a failure with the reason `timeout`. */
  readonly signal?: AbortSignal;
}

export type FailureReason =
  | 'timeout'
  | 'dns'
  | 'refused'
  | 'unreachable'
  | 'reset'
  | 'tls'
  | 'blocked'
  | 'proxy'
  | 'invalid_response'
  | 'too_many_redirects'
  | 'invalid_request'
  /** Nothing was sent, because the body could not be made. */
  | 'transformation'
  /** Nothing was sent, because too many DNS lookups are in flight. Not an attempt: the request can be sent later. */
  | 'busy';

/**
 * Durations of the parts of an exchange, in milliseconds, summed over all redirects. A part that did not occur is
 * absent: a reused connection needs no DNS, TCP or TLS.
 */
export interface Timings {
  readonly dnsMs?: number;
  /** TCP, including the time of a proxy. */
  readonly connectMs?: number;
  readonly tlsMs?: number;
  /** From sending the request to the response headers. */
  readonly firstByteMs?: number;
  /** Total, including the wait for a connection and the response body. */
  readonly totalMs: number;
}

/** Result of a request. */
export type Exchange =
  | {
      readonly kind: 'response';
      readonly status: number;
      /** Names in lower case; values of repeated headers are joined by a comma. */
      readonly headers: Record<string, string>;
      /** Start of the body, not decompressed, as UTF-8 without NUL. */
      readonly excerpt: string;
      /** Whether the body was longer than the excerpt. */
      readonly truncated: boolean;
      readonly durationMs: number;
      /** Absent when nothing was sent. */
      readonly timings?: Timings;
      /** The URL that responded, after redirects. */
      readonly url: string;
    }
  | {
      readonly kind: 'failure';
      readonly reason: FailureReason;
      /** Text for people; contains no address that the receiver's owner did not write. */
      readonly message: string;
      readonly durationMs: number;
      /** Absent when nothing was sent. */
      readonly timings?: Timings;
    };

export interface EgressClient {
  /** Sends a request. Network errors are returned as a result and never rejected. */
  send(request: OutgoingRequest): Promise<Exchange>;
  /** Accepts no more requests, waits for those in flight and closes all connections. */
  close(): Promise<void>;
}

/** Use of a client's connections. */
export interface ConnectionUsage {
  /** Connections in use by a request, including those being opened. */
  readonly busy: number;
  /** Open connections without a request. */
  readonly idle: number;
  /** Requests that wait for another one to the same origin to end. */
  readonly waiting: number;
}

/** A client that reports the use of its connections. */
export interface ObservableEgressClient extends EgressClient {
  usage(): ConnectionUsage;
}
