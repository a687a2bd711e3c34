/** What can go wrong on the way, in words for people. No text of an operating system's error passes: it names addresses. */
import { errorCode } from '../lib/errors.js';
import type { FailureReason } from './types.js';

/** A request that came to no answer. */
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

/** How far a request has come. */
export type Stage = 'queue' | 'lookup' | 'proxy' | 'connect' | 'tls' | 'response' | 'body';

const WAITED_FOR: Record<Stage, (host: string) => string> = {
  queue: (host) => `No connection to ${host} was free`,
  lookup: (host) => `The name of ${host} was not resolved`,
  proxy: (host) => `The proxy on the way to ${host} did not accept the connection`,
  connect: (host) => `${host} did not accept the connection`,
  tls: (host) => `${host} did not complete the TLS handshake`,
  response: (host) => `${host} did not answer`,
  body: (host) => `${host} began to answer and did not end its answer`,
};

/** The failure of a request whose time ran out while it was waiting for this stage. */
export function timeoutFailure(stage: Stage, host: string, limitMs: number): EgressFailure {
  const limit = limitMs >= 1_000 ? `${limitMs / 1_000} s` : `${limitMs} ms`;
  const reason = stage === 'proxy' ? 'proxy' : 'timeout';
  return new EgressFailure(reason, `${WAITED_FOR[stage](host)} within ${limit}`);
}

const NO_ADDRESS: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'EAI_NODATA']);
const SILENCE: ReadonlySet<string> = new Set(['ETIMEOUT', 'ECANCELLED', 'EAI_AGAIN']);

/** What the errors of looking up a name mean (c-ares, getaddrinfo). */
export function lookupFailure(error: unknown, hostname: string): EgressFailure {
  if (error instanceof EgressFailure) return error;
  const code = codeOf(error);
  const why = NO_ADDRESS.has(code)
    ? 'there is no such name or it has no address'
    : SILENCE.has(code)
      ? 'the name server did not answer'
      : code;
  return new EgressFailure('dns', `The name ${hostname} cannot be resolved${why === '' ? '' : `: ${why}`}`, {
    cause: error,
  });
}

/** The errors of TCP: what the host did, and which reason that is. */
const NETWORK_ERRORS: Record<string, [FailureReason, (host: string) => string]> = {
  ECONNREFUSED: ['refused', (host) => `${host} refused the connection; nothing listens there`],
  ECONNRESET: ['reset', (host) => `${host} closed the connection`],
  ECONNABORTED: ['reset', (host) => `${host} closed the connection`],
  EPIPE: ['reset', (host) => `${host} closed the connection`],
  ETIMEDOUT: ['timeout', (host) => `${host} did not accept the connection, or stopped to confirm what was sent`],
  EHOSTUNREACH: ['unreachable', (host) => `There is no route to ${host}`],
  EHOSTDOWN: ['unreachable', (host) => `${host} is down`],
  ENETUNREACH: ['unreachable', (host) => `There is no route to ${host}`],
  ENETDOWN: ['unreachable', (host) => `There is no route to ${host}`],
};

/** What the errors of connecting mean. */
export function connectFailure(error: unknown, host: string): EgressFailure {
  if (error instanceof EgressFailure) return error;
  const telling = mostSpecific(error);
  const known = NETWORK_ERRORS[codeOf(telling)];
  if (known !== undefined) return new EgressFailure(known[0], known[1](host), { cause: error });
  return new EgressFailure('unreachable', `No connection to ${host} could be opened${inBrackets(telling)}`, {
    cause: error,
  });
}

/** A name with several addresses fails with the errors of all; a missing route (IPv6, often) says less than a refusal. */
function mostSpecific(error: unknown): unknown {
  const errors: unknown = typeof error === 'object' && error !== null && 'errors' in error ? error.errors : undefined;
  if (!Array.isArray(errors) || errors.length === 0) return error;
  return (
    errors.find((each) => NETWORK_ERRORS[codeOf(each)]?.[0] === 'refused') ??
    errors.find((each) => NETWORK_ERRORS[codeOf(each)]?.[0] !== 'unreachable') ??
    errors[0]
  );
}

/** The errors of certificates (OpenSSL's names, as Node reports them): what is wrong with it. */
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

/** What the errors of a TLS handshake mean. */
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

/** What the errors of an exchange over an open connection mean (undici's, its parser's and those of the socket). */
export function exchangeFailure(error: unknown, host: string): EgressFailure {
  if (error instanceof EgressFailure) return error;
  const [reason, message] = describeExchangeError(codeOf(error), error, host);
  return new EgressFailure(reason, message, { cause: error });
}

function describeExchangeError(code: string, error: unknown, host: string): [FailureReason, string] {
  const ended = `${host} closed the connection before its answer was complete`;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return ['invalid_response', `The headers of ${host} are too long`];
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return ['invalid_response', `The body that ${host} answered is not as long as its Content-Length says`];
  }
  const { name, message: why } = error instanceof Error ? error : { name: '', message: '' };
  // The parser's errors have lost their codes on the way (undici looks them up the wrong way round), so words must do.
  if (name === 'HTTPParserError') {
    if (why.includes('Invalid EOF state')) return ['reset', ended];
    const [, detail = 'not valid'] = /\((.+)\)$/.exec(why) ?? [];
    return ['invalid_response', `${host} answered something other than HTTP/1.1: ${detail}`];
  }
  if (code === 'UND_ERR_SOCKET') {
    if (why === 'bad upgrade') return ['invalid_response', `${host} switched protocols (101), which nobody asked for`];
    if (why === 'bad response') return ['invalid_response', `${host} answered out of turn or asked to continue (100)`];
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
