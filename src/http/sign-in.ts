/**
 * Signing in by the key of an account, for `/v1` and the providers' own APIs alike.
 *
 * A valid key is accepted whatever others do at the same address or with similar keys: many customers may be behind one
 * proxy. So each key is looked up first, and only those that fail are limited. What lookups may cost is bounded: once an
 * address or prefix is over its limit, keys that have not succeeded in this process before are looked up a few at a
 * time, and rejected unseen beyond that.
 */
import { LRUCache } from 'lru-cache';
import { findAccount, type StoredAccount } from '../store/accounts/accounts.js';
import { findApiKey, type FoundKey } from '../store/accounts/api-keys.js';
import type { Store } from '../store/store.js';
import { fingerprint, type Caller, type SignInFailures } from './sign-in-failures.js';

/** Lookups at a time of keys that are probably wrong. */
const MAX_SUSPECT_LOOKUPS = 4;
/** Keys that are remembered for having succeeded. */
const MAX_KNOWN_KEYS = 10_000;
/** Seconds after which a key that was not looked up may be sent again. */
const LOOKUP_RETRY_S = 1;

export interface SignedIn {
  readonly account: StoredAccount;
  readonly keyId: string;
}

/**
 * The account of a key, of this provider if one is given; undefined for a missing or a wrong key. Throws the problem
 * `rate_limited` when there were too many wrong ones.
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
