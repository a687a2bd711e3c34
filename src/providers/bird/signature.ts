/** The signature of Bird, and its verification for receivers. */
import { createHash, createHmac } from 'node:crypto';
import {
  checkTime,
  requiredHeader,
  sameSignature,
  VerificationError,
  type Received,
  type Verifier,
  type VerifyOptions,
} from '../../contract/verification.js';

/** Input of the signature: seconds since 1970, the subscription's registered URL, and the body. */
export interface SignedRequest {
  readonly timestamp: string;
  readonly url: string;
  readonly body: string | Uint8Array;
}

/**
 * The value of `messagebird-signature`: base64 of HMAC-SHA256 over timestamp, line feed, full URL (query included),
 * line feed and the 32 raw bytes of the body's SHA-256. The key is the text of the signing key; Bird's sample looks
 * like base64, but it is not decoded.
 * https://docs.bird.com/api/notifications-api/api-reference/verifying-a-webhook-subscription
 */
export function sign(signingKey: string, { timestamp, url, body }: SignedRequest): string {
  const digest = createHash('sha256').update(body).digest();
  return createHmac('sha256', signingKey).update(`${timestamp}\n${url}\n`).update(digest).digest('base64');
}

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
