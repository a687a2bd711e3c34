/**
 * Something the person who runs Pigeonpost can put right: one line that says what is wrong and, as the hint, what to do
 * about it. It is shown without a stack trace.
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

  /** What to print: the message, and the hint after it. */
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

/** The message of whatever was thrown, on one line. */
export function errorMessage(error: unknown): string {
  // Not asked with instanceof, as an error may come from another realm.
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  const message = isError && typeof error.message === 'string' ? error.message : String(error);
  return (message === '' ? (errorCode(error) ?? String(error)) : message).replace(/\s*\n\s*/g, ' ').trim();
}

/** A message without its `(PIGEONPOST_… …)`: only operators can change settings, so customers are not shown them. */
export function withoutSettingAdvice(message: string): string {
  return message.replace(/ \(PIGEONPOST_[^)]*\)/g, '');
}

/** A port that something else listens on; `variable` is the setting that changes it. */
export function portInUse(what: string, port: number, variable: string): OperatorError {
  return new OperatorError(
    `Port ${port} for ${what} is already in use.`,
    `Stop what listens there, or set ${variable} to another port.`,
  );
}

/** What drivers and native libraries write about connections, and what it means. */
const CONNECTION_PROBLEMS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|connection ?refused/i, 'the connection was refused'],
  [/ENOTFOUND|EAI_AGAIN|dns error|failed to lookup|name resolution/i, 'the name cannot be resolved'],
  [/ETIMEDOUT|timed? ?out|deadline/i, 'it does not answer in time'],
  [/EHOSTUNREACH|ENETUNREACH|unreachable/i, 'there is no route to it'],
  [/certificate|UnknownIssuer|NotValidForName/i, 'its TLS certificate is not accepted'],
  [
    /InvalidContentType|HandshakeFailure|wrong version number|BrokenPipe|h2 protocol|frame with invalid/i,
    'it does not speak the expected protocol; TLS may be wanted by one side only',
  ],
  [/tonic::|transport error/i, 'the connection failed'],
];

/** Why a connection failed, in words; an error that is none of the known ones as it is. */
function connectionProblem(cause: unknown): string {
  const text = errorMessage(cause);
  // A driver's own message is clear; the code of a system error is not, nor is the text of a native library.
  return CONNECTION_PROBLEMS.find(([pattern]) => pattern.test(`${errorCode(cause) ?? ''} ${text}`))?.[1] ?? text;
}

/** A PostgreSQL that cannot be connected to with this URL. */
export function databaseUnreachable(databaseUrl: string, cause: unknown): OperatorError {
  const { host } = new URL(databaseUrl);
  return unreachable('PostgreSQL', host === '' ? 'its socket' : host, 'DATABASE_URL', cause);
}

/** A database or Temporal server that does not answer; `variable` is the setting that names it. */
export function unreachable(what: string, where: string, variable: string, cause: unknown): OperatorError {
  return new OperatorError(
    `${what} at ${where} cannot be reached: ${connectionProblem(cause)}.`,
    `Check that it runs there and that ${variable} is right.`,
    { cause },
  );
}

/** Turns an error of the file system into one that says what to do; leaves every other as it is. */
export function explainFileError(error: unknown, path: string): unknown {
  if (errorCode(error) === 'ENOSPC') {
    return new OperatorError(`The disk that holds ${path} is full.`, 'Free some space and start again.', {
      cause: error,
    });
  }
  if (typeof error !== 'object' || error === null || !('syscall' in error)) return error;
  return new OperatorError(`${path} cannot be used: ${errorMessage(error)}.`, 'Check that it can be written.', {
    cause: error,
  });
}
