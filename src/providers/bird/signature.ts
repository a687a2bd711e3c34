import { createHash, createHmac } from 'node:crypto';

/** What Bird signs: seconds since 1970, the subscription's address as registered, and the body. */
export interface SignedRequest {
  readonly timestamp: string;
  readonly url: string;
  readonly body: string | Uint8Array;
}

/**
 * The value of `messagebird-signature`: base64 of HMAC-SHA256 over timestamp, line feed, full address (query included),
 * line feed and the 32 raw bytes of the body's SHA-256. The key is the signing key's text itself; although Bird's
 * sample looks like base64 it is not decoded.
 * https://docs.bird.com/api/notifications-api/api-reference/verifying-a-webhook-subscription
 */
export function sign(signingKey: string, { timestamp, url, body }: SignedRequest): string {
  const digest = createHash('sha256').update(body).digest();
  return createHmac('sha256', signingKey).update(`${timestamp}\n${url}\n`).update(digest).digest('base64');
}
