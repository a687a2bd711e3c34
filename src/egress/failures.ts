/**
 * Failures of requests, as text for people. Messages of the operating system are never shown: they contain addresses.
 */
import { errorCode } from '../lib/errors.js';
import type { FailureReason } from './types.js';

/** A request that got no complete response. */
export class EgressFailure extends Error {
  constructor(
    readonly reason: FailureReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'EgressFailure';
  }
}

/** The stages of a request. */
export type Stage = 'queue' | 'lookup' | 'proxy' | 'connect' | 'tls' | 'response' | 'body';

const WAITED_FOR: Record<Stage, (host: string) => string> = {
  queue: (host) => `No connection to ${host} was free`,
  lookup: (host) => `The name of ${host} was not resolved`,
  proxy: (host) => `The proxy for ${host} did not accept the connection`,
  connect: (host) => `${host} did not accept the connection`,
  tls: (host) => `${host} did not complete the TLS handshake`,
  response: (host) => `${host} did not respond`,
  body: (host) => `${host} began its response and did not complete it`,
};

/** The failure of a request that timed out in this stage. */
export function timeoutFailure(stage: Stage, host: string, limitMs: number): EgressFailure {
  const limit = limitMs >= 1_000 ? `${limitMs / 1_000} s` : `${limitMs} ms`;
  const reason = stage === 'proxy' ? 'proxy' : 'timeout';
  return new EgressFailure(reason, `${WAITED_FOR[stage](host)} within ${limit}`);
}

const NO_ADDRESS: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'EAI_NODATA']);
const NO_RESPONSE: ReadonlySet<string> = new Set(['ETIMEOUT', 'ECANCELLED', 'EAI_AGAIN']);

/** Translates an error of a name lookup (c-ares, getaddrinfo). */
export function lookupFailure(error: unknown, hostname: string): EgressFailure {
  if (error instanceof EgressFailure) return error;
  const code = codeOf(error);
  const why = NO_ADDRESS.has(code)
    ? 'there is no such name or it has no address'
    : NO_RESPONSE.has(code)
      ? 'the name server did not respond'
      : code;
  return new EgressFailure('dns', `The name ${hostname} cannot be resolved${why === '' ? '' : `: ${why}`}`, {
    cause: error,
  });
}

/** TCP errors: the reason, and the message. */
const NETWORK_ERRORS: Record<string, [FailureReason, (host: string) => string]> = {
  ECONNREFUSED: ['refused', (host) => `${host} refused the connection; nothing listens there`],
  ECONNRESET: ['reset', (host) => `${host} closed the connection`],
  ECONNABORTED: ['reset', (host) => `${host} closed the connection`],
  EPIPE: ['reset', (host) => `${host} closed the connection`],
  ETIMEDOUT: ['timeout', (host) => `${host} did not accept the connection, or stopped acknowledging data`],
  EHOSTUNREACH: ['unreachable', (host) => `There is no route to ${host}`],
  EHOSTDOWN: ['unreachable', (host) => `${host} is down`],
  ENETUNREACH: ['unreachable', (host) => `There is no route to ${host}`],
  ENETDOWN: ['unreachable', (host) => `There is no route to ${host}`],
};

/** Translates an error of opening a connection. */
export function connectFailure(error: unknown, host: string): EgressFailure {
  if (error instanceof EgressFailure) return error;
  const specific = mostSpecific(error);
  const known = NETWORK_ERRORS[codeOf(specific)];
  if (known !== undefined) return new EgressFailure(known[0], known[1](host), { cause: error });
  return new EgressFailure('unreachable', `No connection to ${host} could be opened${inBrackets(specific)}`, {
    cause: error,
  });
}

/**
 * A name with several addresses fails with one error for each; a refusal is more useful than a missing (IPv6) route.
 */
function mostSpecific(error: unknown): unknown {
  const errors: unknown = typeof error === 'object' && error !== null && 'errors' in error ? error.errors : undefined;
  if (!Array.isArray(errors) || errors.length === 0) return error;
  return (
    errors.find((each) => NETWORK_ERRORS[codeOf(each)]?.[0] === 'refused') ??
    errors.find((each) => NETWORK_ERRORS[codeOf(each)]?.[0] !== 'unreachable') ??
    errors[0]
  );
}

/** Certificate errors by OpenSSL's names, as Node.js reports them. */
const CERTIFICATE_ERRORS: Record<string, string> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  CERT_REVOKED: 'is revoked',
  CERT_UNTRUSTED: 'is signed by an authority that is not trusted',
  CERT_CHAIN_TOO_LONG: 'has too long a chain of authorities',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'comes without the certificates of its authority, or that one is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another host name',
};

/** Translates an error of a TLS handshake. */
export function tlsFailure(error: unknown, host: string): EgressFailure {
  if (error instanceof EgressFailure) return error;
  const code = codeOf(error);
  const certificate = CERTIFICATE_ERRORS[code];
  if (certificate !== undefined) {
    return new EgressFailure('tls', `The certificate of ${host} ${certificate} (${code})`, { cause: error });
  }
  if (NETWORK_ERRORS[code]?.[0] === 'reset') {
    return new EgressFailure('reset', `${host} closed the connection during the TLS handshake`, { cause: error });
  }
  return new EgressFailure('tls', `The TLS handshake with ${host} failed${inBrackets(error)}`, { cause: error });
}

/** Translates an error of an exchange over an open connection (from undici, its parser or the socket). */
export function exchangeFailure(error: unknown, host: string): EgressFailure {
  if (error instanceof EgressFailure) return error;
  const [reason, message] = describeExchangeError(codeOf(error), error, host);
  return new EgressFailure(reason, message, { cause: error });
}

function describeExchangeError(code: string, error: unknown, host: string): [FailureReason, string] {
  const ended = `${host} closed the connection before its response was complete`;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return ['invalid_response', `The headers of ${host} are too long`];
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return ['invalid_response', `The response body of ${host} does not have the length in its Content-Length header`];
  }
  const { name, message: why } = error instanceof Error ? error : { name: '', message: '' };
  // undici loses the codes of its parser's errors, so they are recognized by their text.
  if (name === 'HTTPParserError') {
    if (why.includes('Invalid EOF state')) return ['reset', ended];
    const [, detail = 'not valid'] = /\((.+)\)$/.exec(why) ?? [];
    return ['invalid_response', `${host} sent a response that is not HTTP/1.1: ${detail}`];
  }
  if (code === 'UND_ERR_SOCKET') {
    if (why === 'bad upgrade') return ['invalid_response', `${host} switched protocols (101) without a request for it`];
    if (why === 'bad response')
      return ['invalid_response', `${host} sent a response without a request, or 100 (Continue)`];
    return ['reset', ended];
  }
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return ['invalid_request', 'The request cannot be sent as it is'];
  }
  if (code.startsWith('ERR_SSL_')) return ['tls', `${host} ended the TLS session (${code})`];
  if (NETWORK_ERRORS[code]?.[0] === 'reset') return ['reset', ended];
  const known = NETWORK_ERRORS[code];
  return known === undefined
    ? ['reset', `The connection to ${host} failed${inBrackets(error)}`]
    : [known[0], known[1](host)];
}

function inBrackets(error: unknown): string {
  const code = codeOf(error);
  return code === '' ? '' : ` (${code})`;
}

function codeOf(error: unknown): string {
  return errorCode(error) ?? '';
}
