/** Verifies requests of postpress.ai: nothing is signed, so a header configured with the webhook must match. */
import type { Received, Verifier } from '../../contract/verification.js';
import { readHeader, verifyCredentials, type Credentials } from '../../contract/verify-credentials.js';

/** Secret headers by name, known only to postpress and the receiver. */
export type Secret = Required<Pick<Credentials, 'headers'>>;

/** Throws a VerificationError unless the request has these headers. */
export function verify(received: Received, { headers }: Secret): void {
  verifyCredentials(received, { headers });
}

export const verifier: Verifier<Secret> = {
  provider: 'postpress',
  secretForm: "a custom header of the webhook, as 'Name: value'",
  readSecret(text) {
    const { headers } = readHeader(text) ?? {};
    if (headers === undefined) throw new Error("write a custom header of the webhook, as 'Name: value'");
    return { headers };
  },
  verify,
};
