/** Verifying what Postmark sends: nothing is signed, so Basic credentials or a header of one's own must be there. */
import type { Received, Verifier } from '../../contract/verification.js';
import { readHeader, verifyCredentials, type Credentials } from '../../contract/verify-credentials.js';

/** Throws a VerificationError unless the request has these credentials. */
export function verify(received: Received, credentials: Credentials): void {
  verifyCredentials(received, credentials);
}

export const verifier: Verifier<Credentials> = {
  provider: 'postmark',
  secretForm: "Basic credentials as user:password, or a header of the webhook's own as 'Name: value'",
  readSecret(text) {
    const [, username, password] = /^([^:]+):(.*)$/.exec(text) ?? [];
    const credentials = readHeader(text) ?? (username && { basicAuth: { username, password: password ?? '' } });
    if (!credentials) throw new Error("write Basic credentials as user:password, or a header as 'Name: value'");
    return credentials;
  },
  verify,
};
