/** Verifies requests of Postscript: a token that is identical in every request of a shop and does not sign the body. */
import {
  requiredHeader,
  sameText,
  VerificationError,
  type Received,
  type Verifier,
} from '../../contract/verification.js';

/** Throws a VerificationError unless the request has the shop's token. */
export function verify(received: Received, token: string): void {
  if (!sameText(requiredHeader(received, 'postscript-signature'), readToken(token)))
    throw new VerificationError('the header postscript-signature is not the token');
}

export const verifier: Verifier<string> = {
  provider: 'postscript',
  secretForm: "the shop's token",
  readSecret: readToken,
  verify,
};

function readToken(text: string): string {
  if (text === '') throw new Error('the token is empty');
  return text;
}
