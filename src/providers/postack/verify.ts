/** Verifies requests of Postack, as its receivers do with the package of Svix. */
import type { Received, Verifier, VerifyOptions } from '../../contract/verification.js';
import { MESSAGE_SECRET_FORM, readMessageSecret, verifyMessage } from '../../contract/verify-message.js';

/** Throws a VerificationError unless the request was signed with this secret, at most five minutes ago by default. */
export function verify(received: Received, secret: string, options?: VerifyOptions): void {
  verifyMessage(received, 'svix', secret, options);
}

export const verifier: Verifier<string> = {
  provider: 'postack',
  secretForm: MESSAGE_SECRET_FORM,
  readSecret: readMessageSecret,
  verify,
};
