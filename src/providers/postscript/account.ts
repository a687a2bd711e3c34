/** What an account is at Postscript: one shop. Its token is the value of `Postscript-Signature`. */
import { createHmac } from 'node:crypto';
import type { Account, Subscription } from '../../contract/entities.js';

export interface Scope {
  readonly shopId: string;
}

export interface Settings {
  /** Whether Postscript's own API responds with 429 to more than 15 requests a second. */
  readonly enforceRateLimit: boolean;
  /** Whose token `Postscript-Signature` holds. */
  readonly tokenPer: 'shop' | 'subscription';
}

export interface AccountSecrets {
  /** What receivers compare the `Postscript-Signature` header with. */
  readonly token: string;
}

/** Whether the account has a token for each subscription; without a choice it has one for the shop. */
export function hasOwnTokens({ settings }: Pick<Account, 'settings'>): boolean {
  return (settings as Partial<Settings>).tokenPer === 'subscription';
}

/**
 * The token that a subscription's receiver compares with. The guide promises one "for your specific webhook" on
 * registration, the reference has one token of the shop and none in a subscription; an account chooses between the two.
 * One of its own is derived, so it is there at any time.
 */
export function tokenOf(
  account: Pick<Account<unknown, unknown, AccountSecrets>, 'settings' | 'secrets'>,
  { reference }: Pick<Subscription, 'reference'>,
): string {
  const { token } = account.secrets;
  return hasOwnTokens(account) ? createHmac('sha256', token).update(reference).digest('base64url') : token;
}
