/**
 * The value of `Postscript-Signature`. The guide promises a token "for your specific webhook" on registration, the
 * reference has one token of the shop and none in a subscription; an account chooses between the two.
 */
import { createHmac } from 'crypto';
import type { Account, Subscription } from '../../contract/types.js';
import type { AccountSecrets, Settings } from './contract.js';

/** Whether the account has a token for each subscription; without a choice it has one for the shop. */
export function hasOwnTokens({ settings }: Pick<Account, 'settings'>): boolean {
  return (settings as Partial<Settings>).tokenPer === 'subscription';
}

/** The token that a subscription's receiver compares with. One of its own is derived, so it is there at any time. */
export function tokenOf(
  account: Pick<Account<unknown, unknown, AccountSecrets>, 'settings' | 'secrets'>,
  { reference }: Pick<Subscription, 'reference'>,
): string {
  const { token } = account.secrets;
  return hasOwnTokens(account) ? createHmac('sha256', token).update(reference).digest('base64url') : token;
}
