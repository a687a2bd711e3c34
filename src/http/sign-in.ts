/**
 * Sign-in with a stored key, of an account or of an operator, for `/v1` and for the providers' own APIs.
 *
 * A valid key is always accepted, even if others fail from the same address or with the same prefix: many customers may
 * share a proxy. So each key is looked up first, and only failures are limited. To bound the cost of lookups, an
 * address or prefix over its limit gets only a few concurrent lookups of keys that have not yet succeeded in this
 * process; more are rejected without a lookup.
 */
import { LRUCache } from 'lru-cache';
import { findAccount } from '../store/accounts/accounts.js';
import { findApiKey, type FoundKey } from '../store/accounts/api-keys.js';
import type { Store } from '../store/store.js';
import type { KeyUse } from './key-use.js';
import type { Principal } from './principal.js';
import { fingerprint, type Caller, type SignInFailures } from './sign-in-failures.js';

/** Maximum concurrent lookups of keys that are probably wrong. */
const MAX_SUSPECT_LOOKUPS = 4;
/** Maximum number of remembered valid keys. */
const MAX_KNOWN_KEYS = 10_000;
/** Retry-After for a key that was not looked up, in seconds. */
const LOOKUP_RETRY_S = 1;
/** What keys of operators begin with. */
export const OPERATOR_KEY_PREFIX = 'ppk_';
/**
 * How long an operator's key is valid without another lookup, in milliseconds: a platform emits all its events with one
 * key. A key that is revoked in another process is accepted for so long.
 */
const OPERATOR_KEY_MS = 1_000;
const MAX_OPERATOR_KEYS = 1_000;

export interface SignIn {
  /**
   * Who has a key, which must be of an account of this provider if one is given; undefined for a missing or wrong key.
   * Throws the problem `rate_limited` after too many wrong keys.
   */
  (caller: Caller, key: string | undefined, provider?: string): Promise<Principal | undefined>;
  /** Looks operators' keys up again: one was revoked. */
  forget(): void;
}

export function createSignIn(store: Store, failures: SignInFailures, use: KeyUse): SignIn {
  const known = new LRUCache<string, true>({ max: MAX_KNOWN_KEYS });
  const operators = new LRUCache<string, FoundKey>({ max: MAX_OPERATOR_KEYS, ttl: OPERATOR_KEY_MS });
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

  async function find(caller: Caller, key: string, hash: string): Promise<FoundKey | undefined> {
    const remembered = operators.get(hash);
    if (remembered) return remembered;
    const isSuspect = !known.has(hash) && failures.isOver(caller, key);
    return isSuspect ? findSuspect(key) : findApiKey(store, key);
  }

  const signIn = async (
    caller: Caller,
    key: string | undefined,
    provider: string | undefined,
  ): Promise<Principal | undefined> => {
    if (key === undefined || key === '') return void failures.recordMissing();
    const hash = fingerprint(key);
    const found = await find(caller, key, hash);
    if (!found) return void failures.record(caller, key, 'unknown');
    const { id, accountId, name, scopes } = found;
    const account = found.revoked || accountId === null ? undefined : await findAccount(store, accountId);
    if (found.revoked || (accountId !== null && !account))
      return void failures.record(caller, key, 'revoked', accountId ?? undefined);
    if (found.expired) return void failures.record(caller, key, 'expired', accountId ?? undefined);
    if (provider !== undefined && account?.provider !== provider)
      return void failures.record(caller, key, 'wrong_provider', account?.id);
    known.set(hash, true);
    use.add(id);
    const credential = { kind: 'key', id, name, scopes } as const;
    if (account) return { role: 'account', account, credential };
    if (!operators.has(hash)) operators.set(hash, found);
    return { role: 'operator', credential };
  };
  return Object.assign(
    (caller: Caller, key: string | undefined, provider?: string) => signIn(caller, key, provider),
    { forget: () => operators.clear() },
  );
}
