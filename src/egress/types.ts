/** What goes into and comes out of the HTTP client that leaves the house. */
import type { OwnListeners } from './own-listeners.js';

/** As curl's `--resolve`: requests to this host and port go to this address. */
export interface ResolveRule {
  /** Host name or address as in the URL, in any case. */
  readonly host: string;
  /** Port in the URL, the scheme's own included (443 or 80). */
  readonly port: number;
  /** IPv4 or IPv6 address to connect to. It passes the address guard like any other. */
  readonly address: string;
  /** Port to connect to instead; the URL's own when absent. */
  readonly targetPort?: number;
}

export interface EgressSettings {
  /** Networks (CIDR) and single addresses that requests may reach although not public. */
  readonly allowNetworks: readonly string[];
  /** Whether plain http addresses are allowed; asked again at every send. */
  readonly allowHttp: boolean;
  readonly resolve: readonly ResolveRule[];
  /** Certificate authorities to trust in addition to the system's, PEM. */
  readonly extraCa?: string;
  /** The oldest version of TLS to speak; 1.2 unless told otherwise. */
  readonly tlsMinVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** The only ports that URLs may name; any when absent. */
  readonly allowPorts?: readonly number[];
  /** Proxy to connect through: http://user:password@host:port. */
  readonly proxy?: string;
  /** What belongs to Pigeonpost itself and is never connected to, whatever else is allowed. */
  readonly ownListeners?: OwnListeners;
  /** How much of an answer's body is read and kept as its excerpt, in bytes. */
  readonly maxResponseBytes: number;
}

/** What the client proves with who it is (mutual TLS), PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** One POST request. */
export interface OutgoingRequest {
  /** Absolute, http or https, without credentials. */
  readonly url: string;
  /** Sent as they are, in this order. Host, Connection and Content-Length are the client's own. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: string;
  /** For everything together, in milliseconds: waiting for a connection, DNS, TCP, TLS, headers, body, redirects. */
  readonly timeLimitMs: number;
  /** How many redirects are followed; with 0 a 3xx is the answer. */
  readonly maxRedirects: number;
  /**
   * Whose request it is. Requests of different lanes share no connections and never wait for each other; whoever names a
   * lane bounds its requests. Those without one share an origin's connections, of which there are 50.
   */
  readonly queueKey?: string;
  /** The account it is sent for. Lookups of names are bounded for each account; those without one count as one. */
  readonly account?: string;
  /** Shown to the origin of the URL, and to no other that it redirects to. */
  readonly tlsClient?: ClientCertificate;
  /** Ends the request early; that counts as a failure for `timeout`. */
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
  /** Nothing was sent, as too many names are being looked up; it can be sent later as if never tried. */
  | 'busy';

/**
 * How long the parts of an exchange took, in milliseconds; those of all redirects together. What there was none of is
 * absent: a connection that is used again needs no name, no connecting and no TLS.
 */
export interface Timings {
  readonly dnsMs?: number;
  /** TCP, and what a proxy takes for it. */
  readonly connectMs?: number;
  readonly tlsMs?: number;
  /** From sending the request to the headers of the answer. */
  readonly firstByteMs?: number;
  /** Everything, waiting for a free connection and the answer's body included. */
  readonly totalMs: number;
}

/** How a request went. */
export type Exchange =
  | {
      readonly kind: 'response';
      readonly status: number;
      /** Names in lower case; values of headers that came several times are joined by a comma. */
      readonly headers: Record<string, string>;
      /** The beginning of the body as it came, not decompressed, as UTF-8 without NUL. */
      readonly excerpt: string;
      /** Whether the body was longer than the excerpt. */
      readonly truncated: boolean;
      readonly durationMs: number;
      /** Absent when nothing was tried. */
      readonly timings?: Timings;
      /** Where the answer came from, after redirects. */
      readonly url: string;
    }
  | {
      readonly kind: 'failure';
      readonly reason: FailureReason;
      /** For people; names no address that the receiver's owner did not write. */
      readonly message: string;
      readonly durationMs: number;
      /** Absent when nothing was tried. */
      readonly timings?: Timings;
    };

export interface EgressClient {
  /** Sends a request. What goes wrong on the way is the result and never a rejection. */
  send(request: OutgoingRequest): Promise<Exchange>;
  /** Takes no more requests, waits for those under way and closes every connection. */
  close(): Promise<void>;
}

/** How a client's connections are used. */
export interface ConnectionUsage {
  /** Connections that are lent to a request, one being opened included. */
  readonly busy: number;
  /** Connections that are kept for further requests. */
  readonly idle: number;
  /** Requests that wait until another one to the same origin ends. */
  readonly waiting: number;
}

/** A client that tells how its connections are used. */
export interface ObservableEgressClient extends EgressClient {
  usage(): ConnectionUsage;
}
