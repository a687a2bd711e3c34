/**
 * An error that the operator can fix: the message states the problem, and the hint what to do. It is shown without a stack
 * trace.
 */
export class OperatorError extends Error {
  constructor(
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'OperatorError';
  }

  /** The message, followed by the hint. */
  override toString(): string {
    const space = this.message.includes('\n') ? '\n' : ' ';
    return this.hint === undefined ? this.message : `${this.message}${space}${this.hint}`;
  }
}

/** The code of a system error, such as `ENOENT` or `ECONNREFUSED`; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of a thrown value as a single line. */
export function errorMessage(error: unknown): string {
  // Without instanceof, as an error may be from another realm.
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  const message = isError && typeof error.message === 'string' ? error.message : String(error);
  return (message === '' ? (errorCode(error) ?? String(error)) : message).replace(/\s*\n\s*/g, ' ').trim();
}

/** Removes `(PIGEONPOST_… …)` from a message, as only operators can change settings and not customers. */
export function withoutSettingAdvice(message: string): string {
  return message.replace(/ \(PIGEONPOST_[^)]*\)/g, '');
}

/** A port that another process listens on; `variable` is its setting. */
export function portInUse(what: string, port: number, variable: string): OperatorError {
  return new OperatorError(
    `Port ${port} for ${what} is already in use.`,
    `Stop what listens there, or set ${variable} to another port.`,
  );
}

/** Error texts of drivers and native libraries about connections, and their meaning. */
const CONNECTION_PROBLEMS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|connection ?refused/i, 'the connection was refused'],
  [/ENOTFOUND|EAI_AGAIN|dns error|failed to lookup|name resolution/i, 'the name cannot be resolved'],
  [/ETIMEDOUT|timed? ?out|deadline/i, 'it does not respond in time'],
  [/EHOSTUNREACH|ENETUNREACH|unreachable/i, 'there is no route to it'],
  [/certificate|UnknownIssuer|NotValidForName/i, 'its TLS certificate is not accepted'],
  [
    /InvalidContentType|HandshakeFailure|wrong version number|BrokenPipe|h2 protocol|frame with invalid/i,
    'it does not use the expected protocol; TLS may be enabled on one side only',
  ],
  [/tonic::|transport error/i, 'the connection failed'],
];

/** Why a connection failed, as text; the error's own message when it is unknown. */
function connectionProblem(cause: unknown): string {
  const text = errorMessage(cause);
  // A driver's own message is clear, unlike codes of system errors and texts of native libraries.
  return CONNECTION_PROBLEMS.find(([pattern]) => pattern.test(`${errorCode(cause) ?? ''} ${text}`))?.[1] ?? text;
}

/** PostgreSQL cannot be reached with this URL. */
export function databaseUnreachable(databaseUrl: string, cause: unknown): OperatorError {
  const { host } = new URL(databaseUrl);
  return unreachable('PostgreSQL', host === '' ? 'its socket' : host, 'DATABASE_URL', cause);
}

/** A database or Temporal server that cannot be reached; `variable` is its setting. */
export function unreachable(what: string, where: string, variable: string, cause: unknown): OperatorError {
  return new OperatorError(
    `${what} at ${where} cannot be reached: ${connectionProblem(cause)}.`,
    `Check that it is running and that ${variable} is correct.`,
    { cause },
  );
}

/** Converts an error of the file system to an OperatorError; returns any other error unchanged. */
export function explainFileError(error: unknown, path: string): unknown {
  if (errorCode(error) === 'ENOSPC') {
    return new OperatorError(`The disk of ${path} is full.`, 'Free some space and start again.', {
      cause: error,
    });
  }
  if (typeof error !== 'object' || error === null || !('syscall' in error)) return error;
  return new OperatorError(`${path} cannot be used: ${errorMessage(error)}.`, 'Check that it is writable.', {
    cause: error,
  });
}
