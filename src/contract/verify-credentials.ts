/** Verifying requests that nothing signs: by Basic authentication, or by headers that only the sender knows. */
import { basicAuthorization, type BasicCredentials } from './basic-auth.js';
import { requiredHeader, sameText, VerificationError, type Received } from './verification.js';

/** The credentials of a genuine request; all that are given must match. */
export interface Credentials {
  readonly basicAuth?: BasicCredentials;
  /** Headers by name, in any case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A name as RFC 9110 allows it, a colon and a space. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): +(.*)$/;

/** Throws a VerificationError unless the request has these credentials. */
export function verifyCredentials(received: Received, { basicAuth, headers = {} }: Credentials): void {
  const expected = Object.entries(headers);
  if (basicAuth) expected.push(['authorization', basicAuthorization(basicAuth)]);
  // Without this every request would pass.
  if (expected.length === 0) throw new Error('there are no credentials to compare with');
  for (const [name, value] of expected) {
    if (!sameText(requiredHeader(received, name.toLowerCase()), value))
      throw new VerificationError(`the header ${name} has another value`);
  }
}

/** Reads `Name: value`; undefined for any other text. */
export function readHeader(text: string): Credentials | undefined {
  const [, name, value = ''] = HEADER.exec(text) ?? [];
  return name === undefined || value === '' ? undefined : { headers: { [name]: value } };
}
