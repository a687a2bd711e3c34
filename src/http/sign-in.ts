/**
 * Sign-in with a stored key, of an account or of an operator, or with a session, for `/v1` and for the providers' own APIs.
 *
 * A valid key is always accepted, even if others fail from the same address or with the same prefix: many customers may
 * share a proxy. So each key is looked up first, and only failures are limited. To bound the cost of lookups, an
 * address or prefix over its limit gets only a few concurrent lookups of keys that have not yet succeeded in this
 * process; more are rejected without a lookup.
 */
import { LRUCache } from 'lru-cache';
import { findAccount } from '../store/accounts/accounts.js';
import { findApiKey, type FoundKey } from '../store/accounts/api-keys.js';
import { findSession, type FoundSession, type SessionKind } from '../store/accounts/sessions.js';
import type { Store } from '../store/store.js';
import type { KeyUse } from './key-use.js';
import { ADMIN_KEY_NAME, type Credential, type Principal } from './principal.js';
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
   * Who has a key, which must be of an account of this provider if one is given. Undefined for a missing or wrong one. Throws
   * the problem `rate_limited` after too many wrong ones.
   */
  (caller: Caller, key: string | undefined, provider?: string): Promise<Principal | undefined>;
  /** The same for the token of a session of this kind. */
  withSession(caller: Caller, kind: SessionKind, token: string): Promise<Principal | undefined>;
  /** Looks operators' keys up again: one was revoked. */
  forget(): void;
}

/** What sign-in looks keys and sessions up with. */
export interface SignInParts {
  readonly store: Store;
  readonly adminKey: string;
  /** A hash of the settings of OpenID Connect; absent without a provider. */
  readonly oidcClient?: string | undefined;
  readonly failures: SignInFailures;
  readonly use: KeyUse;
}

export function createSignIn({ store, adminKey, oidcClient, failures, use }: SignInParts): SignIn {
  const known = new LRUCache<string, true>({ max: MAX_KNOWN_KEYS });
  const operators = new LRUCache<string, FoundKey>({ max: MAX_OPERATOR_KEYS, ttl: OPERATOR_KEY_MS });
  let suspectLookups = 0;

  async function lookUp<Found>(caller: Caller, key: string, find: () => Promise<Found>): Promise<Found> {
    if (known.has(fingerprint(key)) || !failures.isOver(caller, key)) return find();
    if (suspectLookups >= MAX_SUSPECT_LOOKUPS) throw failures.rejected(LOOKUP_RETRY_S);
    suspectLookups += 1;
    try {
      return await find();
    } finally {
      suspectLookups -= 1;
    }
  }

  async function signIn(caller: Caller, key: string, provider: string | undefined): Promise<Principal | undefined> {
    const hash = fingerprint(key);
    const found = operators.get(hash) ?? (await lookUp(caller, key, () => findApiKey(store, key)));
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
  }

  async function withSession(caller: Caller, kind: SessionKind, token: string): Promise<Principal | undefined> {
    const found = await lookUp(caller, token, () => findSession(store, { kind, token, adminKey, oidcClient }));
    const account = found && found.accountId !== null ? await findAccount(store, found.accountId) : undefined;
    if (!found || (found.accountId !== null && !account)) return void failures.record(caller, token, 'unknown');
    known.set(fingerprint(token), true);
    if (found.keyId !== null) use.add(found.keyId);
    const credential = credentialOf(kind, found, oidcClient);
    return account ? { role: 'account', account, credential } : { role: 'operator', credential };
  }

  return Object.assign(
    async (caller: Caller, key: string | undefined, provider?: string) => {
      if (key === undefined || key === '') return void failures.recordMissing();
      return signIn(caller, key, provider);
    },
    {
      withSession,
      forget: () => operators.clear(),
    },
  );
}

function credentialOf(kind: SessionKind, found: FoundSession, oidcClient: string | undefined): Credential {
  const { id, scopes, keyId, keyName, userName, capabilities, expiresAt } = found;
  const name = keyId === null ? (userName ?? ADMIN_KEY_NAME) : keyName;
  return {
    ...{ kind, id, keyId, name, scopes },
    ...(userName !== null && oidcClient !== undefined && { user: { userName, oidcClient } }),
    ...(kind === 'portal' && { portal: { capabilities, expiresAt } }),
  };
}
