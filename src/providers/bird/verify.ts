/** Verifies requests of Bird. */
import {
  checkTime,
  requiredHeader,
  sameSignature,
  VerificationError,
  type Received,
  type Verifier,
  type VerifyOptions,
} from '../../contract/verification.js';
import { sign } from './signature.js';

/**
 * Throws a VerificationError unless the request was signed with this key for this `url`, query included. The timestamp
 * is not limited by default: a retry has the first attempt's, up to eight hours old.
 */
export function verify(received: Received, signingKey: string, options: VerifyOptions = {}): void {
  const { url, body } = received;
  if (url === undefined) throw new Error('url is missing: Bird signs the address that the webhook was registered with');
  const signature = requiredHeader(received, 'messagebird-signature');
  const timestamp = requiredHeader(received, 'messagebird-request-timestamp');
  checkTime(timestamp, options, 'messagebird-request-timestamp');
  const expected = sign(readKey(signingKey), { timestamp, url, body });
  if (!sameSignature(signature, Buffer.from(expected, 'base64')))
    throw new VerificationError('messagebird-signature is not right for this address, body and key');
}

export const verifier: Verifier<string> = {
  provider: 'bird',
  secretForm: 'the signing key',
  readSecret: readKey,
  verify,
};

function readKey(text: string): string {
  if (text === '') throw new Error('the signing key is empty');
  return text;
}
