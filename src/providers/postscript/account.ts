/** A Postscript account is one shop. Its token is the value of `Postscript-Signature`, which receivers compare. */
import { createHmac } from 'node:crypto';
import type { Account, Subscription } from '../../contract/entities.js';
import {
  requiredHeader,
  sameText,
  VerificationError,
  type Received,
  type Verifier,
} from '../../contract/verification.js';

export interface Scope {
  readonly shopId: string;
}

export interface Settings {
  /** Whether Postscript's own API responds with 429 to more than 15 requests a second. */
  readonly enforceRateLimit: boolean;
  /** Whether `Postscript-Signature` has the token of the shop or of the subscription. */
  readonly tokenPer: 'shop' | 'subscription';
}

export interface AccountSecrets {
  /** The token that receivers compare with the `Postscript-Signature` header. */
  readonly token: string;
}

/** Whether the account has a token per subscription; the default is one token for the shop. */
export function hasOwnTokens({ settings }: Pick<Account, 'settings'>): boolean {
  return (settings as Partial<Settings>).tokenPer === 'subscription';
}

/**
 * The token for a subscription's receiver. On registration the guide promises one "for your specific webhook"; the
 * reference has one token per shop and none in a subscription, so an account selects one of the two. A subscription's
 * token is derived and not stored.
 */
export function tokenOf(
  account: Pick<Account<unknown, unknown, AccountSecrets>, 'settings' | 'secrets'>,
  { reference }: Pick<Subscription, 'reference'>,
): string {
  const { token } = account.secrets;
  return hasOwnTokens(account) ? createHmac('sha256', token).update(reference).digest('base64url') : token;
}

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
