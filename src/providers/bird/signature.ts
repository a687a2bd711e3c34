import { createHash, createHmac } from 'node:crypto';

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
