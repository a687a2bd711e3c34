/** Verifying what postpress.ai sends: nothing is signed, so a header that was given with the webhook must be there. */
import type { Received, Verifier } from '../../contract/verification.js';
import { readHeader, verifyCredentials, type Credentials } from '../../contract/verify-credentials.js';

/** Headers by name that only postpress and the receiver know. */
export type Secret = Required<Pick<Credentials, 'headers'>>;

/** Throws a VerificationError unless the request has these headers. */
export function verify(received: Received, { headers }: Secret): void {
  verifyCredentials(received, { headers });
}

export const verifier: Verifier<Secret> = {
  provider: 'postpress',
  secretForm: "a header of the webhook's own, as 'Name: value'",
  readSecret(text) {
    const { headers } = readHeader(text) ?? {};
    if (headers === undefined) throw new Error("write a header that the webhook was given, as 'Name: value'");
    return { headers };
  },
  verify,
};
