/** Why a Temporal server cannot be used, from the error texts of the SDK's native library, and the setting to change. */
import type { TemporalConnectionOptions } from '../config/config.js';
import { errorMessage, OperatorError, unreachable } from '../lib/errors.js';

/** What a connection is made with, as far as it decides which setting is wrong. */
type Used = Pick<TemporalConnectionOptions, 'address' | 'apiKey' | 'tls'>;

type Explanation = readonly [why: string, hint: string];

interface Problem {
  readonly pattern: RegExp;
  /** The problem, and what to do. */
  readonly explain: (used: Used) => Explanation;
}

const CLIENT_CERTIFICATE = 'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH (or …_DATA)';

/** The first that matches is the problem. The texts are those of rustls and tonic. */
const PROBLEMS: readonly Problem[] = [
  {
    // RFC 8446, section 6.2.
    pattern: /fatal alert: \w*(Certificate|UnknownCA|AccessDenied|HandshakeFailure)/,
    explain: (used) => explainRejection(used, ''),
  },
  {
    pattern: /NotValidForName/,
    explain: () => [
      'its TLS certificate is for another name',
      'Check TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME to the name in the certificate.',
    ],
  },
  {
    pattern: /InvalidCertificate\((Expired|NotValidYet)/,
    explain: () => ['its TLS certificate is not valid now', 'Renew it, or correct the clock of this machine.'],
  },
  {
    pattern: /InvalidCertificate/,
    explain: () => [
      'its TLS certificate is not by an authority that is trusted here',
      'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH (or …_DATA) to that authority.',
    ],
  },
  { pattern: /InvalidContentType|wrong version number|h2 protocol|frame with invalid/i, explain: explainProtocol },
  {
    // The connection was made, and ended during the first call: by then TLS 1.3 servers have seen the client's certificate.
    pattern: /^(?!.*(timed ?out|deadline)).*GetSystemInfo.*(transport error|transport::Error)/i,
    explain: (used) =>
      hasTls(used) ? explainRejection(used, 'it closed the connection, as when ') : explainProtocol(used),
  },
];

function explainRejection({ tls }: Used, prefix: string): Explanation {
  return typeof tls === 'object' && tls?.clientCertPair
    ? [`${prefix}it does not accept the client certificate`, `Check ${CLIENT_CERTIFICATE}.`]
    : [`${prefix}it requires a client certificate`, `Set ${CLIENT_CERTIFICATE}.`];
}

function explainProtocol(used: Used): Explanation {
  return [
    'it does not use the expected protocol; TLS may be enabled on one side only',
    hasTls(used) ? 'Check TEMPORAL_TLS.' : 'Set TEMPORAL_TLS=true if it uses TLS.',
  ];
}

/** An API key turns TLS on. */
const hasTls = ({ tls, apiKey }: Used): boolean => Boolean(tls ?? apiKey);

/** gRPC's codes for a caller that is not known, or may not do what it asks for; and the texts of the native library. */
const DENIED_CODES: readonly unknown[] = [7, 16];
const DENIED = /valid authentication credentials|permission to execute/;

/** Whether Temporal denied a call because of who called. */
export function isDenied(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return DENIED_CODES.includes(code) || DENIED_CODES.includes(cause?.code) || DENIED.test(errorMessage(error));
}

function explainDenial({ apiKey }: Used): Explanation {
  return apiKey === undefined
    ? ['it denies access', 'Set TEMPORAL_API_KEY, or the client certificate of an identity that may use the namespace.']
    : ['it does not accept the API key', 'Check TEMPORAL_API_KEY, and that it may use TEMPORAL_NAMESPACE.'];
}

/** An error of one line for a Temporal server that cannot be used with these settings. */
export function temporalUnreachable(used: Used, cause: unknown): OperatorError {
  const text = errorMessage(cause);
  const explain = isDenied(cause) ? explainDenial : PROBLEMS.find(({ pattern }) => pattern.test(text))?.explain;
  if (!explain) return unreachable('Temporal', used.address, 'TEMPORAL_ADDRESS', cause);
  const [why, hint] = explain(used);
  return new OperatorError(`Temporal at ${used.address} cannot be used: ${why}.`, hint, { cause });
}
