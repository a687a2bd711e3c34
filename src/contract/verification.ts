/** What receivers check requests with. Pure: the clock is handed in, and secrets are compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** A request as a receiver got it. */
export interface Received {
  /** Node's `request.headers`, any record of names in any case, or the `headers` of a Fetch request. */
  readonly headers:
    Readonly<Record<string, string | readonly string[] | undefined>> | { get(name: string): string | null };
  /** The body as it came, before anything parsed it. */
  readonly body: string | Uint8Array;
  /** The receiver's address exactly as it was registered; needed where the contract signs it. */
  readonly url?: string;
}

export interface VerifyOptions {
  /** The time to compare with the request's; now when absent. */
  readonly now?: Date;
  /** How many seconds the request's time may differ from `now`; the contract's usual when absent, Infinity for any. */
  readonly toleranceS?: number;
}

/** How receivers of one provider verify. */
export interface Verifier<Secret = unknown> {
  /** The provider's name in the API. */
  readonly provider: string;
  /** What is to be known for verifying and how it is written on one line: the end of a sentence. */
  readonly secretForm: string;
  /** Reads a secret that is written on one line. Throws an Error that says how to write it. */
  readSecret(text: string): Secret;
  /** Throws a VerificationError unless the request is genuine, and another Error when the secret is of no use. */
  verify(received: Received, secret: Secret, options?: VerifyOptions): void;
}

/** The request is not what it claims to be; the message says why. */
export class VerificationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'VerificationError';
  }
}

/** The request's time differs from now by more than the tolerance; everything else about it is still unchecked. */
export class TimestampError extends VerificationError {}

/** The value of a header. Throws a VerificationError when the request has none. */
export function requiredHeader({ headers }: Received, name: string): string {
  const value = isFetchHeaders(headers) ? headers.get(name) : findHeader(headers, name);
  if (value === null || value === undefined || value === '')
    throw new VerificationError(`the header ${name} is missing`);
  return value;
}

/** Whether two texts are equal; takes the same time wherever they differ. */
export function sameText(one: string, other: string): boolean {
  return timingSafeEqual(createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest());
}

/** Whether a signature in base64 is the expected one. */
export function sameSignature(given: string, expected: Buffer): boolean {
  const bytes = Buffer.from(given, 'base64');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** Checks a time in seconds since 1970, as a header holds it. Cheap: to be called before anything reads the body. */
export function checkTime(
  timestamp: string,
  { now = new Date(), toleranceS = Infinity }: VerifyOptions,
  header: string,
): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw new VerificationError(`the header ${header} is no time in seconds`);
  const ageS = now.getTime() / 1_000 - Number(timestamp);
  if (Math.abs(ageS) <= toleranceS) return;
  throw new TimestampError(
    ageS > 0 ? `the request is older than ${toleranceS} s` : `the request is more than ${toleranceS} s in the future`,
  );
}

function isFetchHeaders(headers: Received['headers']): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function';
}

function findHeader(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: string,
): string | undefined {
  const [, value] = Object.entries(headers).find(([key]) => key.toLowerCase() === name) ?? [];
  return typeof value === 'string' ? value : value?.join(', ');
}
