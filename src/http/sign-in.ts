/**
 * Sign-in with an account's key, for `/v1` and for the providers' own APIs.
 *
 * A valid key is always accepted, even if others fail from the same address or with the same prefix: many customers may
 * share a proxy. So each key is looked up first, and only failures are limited. To bound the cost of lookups, an
 * address or prefix over its limit gets only a few concurrent lookups of keys that have not yet succeeded in this
 * process; more are rejected without a lookup.
 */
import { LRUCache } from 'lru-cache';
import { findAccount, type StoredAccount } from '../store/accounts/accounts.js';
import { findApiKey, type FoundKey } from '../store/accounts/api-keys.js';
import type { Store } from '../store/store.js';
import { fingerprint, type Caller, type SignInFailures } from './sign-in-failures.js';

/** Maximum concurrent lookups of keys that are probably wrong. */
const MAX_SUSPECT_LOOKUPS = 4;
/** Maximum number of remembered valid keys. */
const MAX_KNOWN_KEYS = 10_000;
/** Retry-After for a key that was not looked up, in seconds. */
const LOOKUP_RETRY_S = 1;

export interface SignedIn {
  readonly account: StoredAccount;
  readonly keyId: string;
}

/**
 * Returns the account of a key, of this provider if given; undefined for a missing or wrong key. Throws the problem
 * `rate_limited` after too many wrong keys.
 */
export type SignIn = (caller: Caller, key: string | undefined, provider?: string) => Promise<SignedIn | undefined>;

export function createSignIn(store: Store, failures: SignInFailures): SignIn {
  const known = new LRUCache<string, true>({ max: MAX_KNOWN_KEYS });
  let suspectLookups = 0;

  async function findSuspect(key: string): Promise<FoundKey | undefined> {
    if (suspectLookups >= MAX_SUSPECT_LOOKUPS) throw failures.rejected(LOOKUP_RETRY_S);
    suspectLookups += 1;
    try {
      return await findApiKey(store, key);
    } finally {
      suspectLookups -= 1;
    }
  }

  return async (caller, key, provider) => {
    if (key === undefined || key === '') return void failures.recordMissing();
    const hash = fingerprint(key);
    const isSuspect = !known.has(hash) && failures.isOver(caller, key);
    const found = await (isSuspect ? findSuspect(key) : findApiKey(store, key));
    if (!found) return void failures.record(caller, key, 'unknown');
    const account = found.revoked ? undefined : await findAccount(store, found.accountId);
    if (!account) return void failures.record(caller, key, 'revoked', found.accountId);
    if (provider !== undefined && account.provider !== provider)
      return void failures.record(caller, key, 'wrong_provider', account.id);
    known.set(hash, true);
    return { account, keyId: found.id };
  };
}
