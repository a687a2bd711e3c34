/** Verifies requests of Postmark: nothing is signed, so Basic credentials or a custom header must match. */
import type { Received, Verifier } from '../../contract/verification.js';
import { readHeader, verifyCredentials, type Credentials } from '../../contract/verify-credentials.js';

/** Throws a VerificationError unless the request has these credentials. */
export function verify(received: Received, credentials: Credentials): void {
  verifyCredentials(received, credentials);
}

export const verifier: Verifier<Credentials> = {
  provider: 'postmark',
  secretForm: "Basic credentials as user:password, or a custom header of the webhook as 'Name: value'",
  readSecret(text) {
    const [, username, password] = /^([^:]+):(.*)$/.exec(text) ?? [];
    const credentials = readHeader(text) ?? (username && { basicAuth: { username, password: password ?? '' } });
    if (!credentials) throw new Error("write Basic credentials as user:password, or a header as 'Name: value'");
    return credentials;
  },
  verify,
};
