/**
 * Sessions: of the dashboard, as long as someone is signed in there, and of the customer portal, as long as its link is
 * valid. Each has a random token, of which only the hash is stored, and ends with the key that it was made with.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { newId } from '../../contract/ids.js';
import { onlyRow, type Store } from '../store.js';
import { hashKey, type Scope } from './api-keys.js';

/** What a session is made with: a stored key, or the admin key of the settings. */
export type SessionKey = { readonly keyId: string } | { readonly adminKey: string };

/** Who a provider of OpenID Connect has named. */
export interface SessionUser {
  /** A name or an address of mail. */
  readonly userName: string;
  /** A hash of the settings of the sign-in. */
  readonly oidcClient: string;
}

export type SessionKind = 'dashboard' | 'portal';

/**
 * What a portal link may allow besides reading: to create, edit, delete, test and pause subscriptions; to show and rotate
 * their secrets, or only to show them; to send again, or cancel, what was or is to be sent.
 */
export const portalCapabilities = ['manage_subscriptions', 'show_secrets', 'view_secrets', 'send_again'] as const;
export type PortalCapability = (typeof portalCapabilities)[number];

export interface NewSession {
  readonly kind: SessionKind;
  readonly madeWith: SessionKey | SessionUser;
  /** Null for a session of an operator, which a portal link never is. */
  readonly accountId: string | null;
  readonly scopes: readonly Scope[];
  /** Of a portal link. */
  readonly capabilities?: readonly PortalCapability[];
  /** Of a portal link: a name by which several can be revoked. */
  readonly group?: string | undefined;
  /** Time until it ends, in seconds. */
  readonly seconds: number;
}

export interface Session {
  readonly id: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** What tokens begin with. */
export const TOKEN_PREFIXES: Readonly<Record<SessionKind, string>> = { dashboard: 'pps_', portal: 'ppl_' };

/** How long sessions are kept after they have ended, in days. */
const KEPT_DAYS = 7;
/** Ended sessions that are deleted whenever one is made. */
const MAX_DELETED = 100;

const COLUMNS = 'id, scopes, created_at AS "createdAt", expires_at AS "expiresAt"';

/** Makes a session, and deletes some that have ended long ago. The token is not stored. */
export async function createSession(
  store: Store,
  { kind, madeWith, accountId, scopes, capabilities = [], group, seconds }: NewSession,
): Promise<Session & { readonly token: string }> {
  await store.pool.query(
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions WHERE expires_at < now() - make_interval(days => $1) LIMIT $2
     )`,
    [KEPT_DAYS, MAX_DELETED],
  );
  const token = `${TOKEN_PREFIXES[kind]}${randomBytes(32).toString('base64url')}`;
  const keyId = 'keyId' in madeWith ? madeWith.keyId : null;
  const proof = 'adminKey' in madeWith ? proofOf(token, madeWith.adminKey) : null;
  const [userName, oidcClient] = 'userName' in madeWith ? [madeWith.userName, madeWith.oidcClient] : [null, null];
  const { rows } = await store.pool.query<Session>(
    `INSERT INTO sessions (id, hash, key_id, admin_proof, account_id, scopes, expires_at, kind, capabilities, group_name,
                           user_name, oidc_client)
     VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7), $8, $9, $10, $11, $12) RETURNING ${COLUMNS}`,
    [
      ...[newId('ses'), hashKey(token), keyId, proof, accountId, scopes, seconds, kind, capabilities, group ?? null],
      ...[userName, oidcClient],
    ],
  );
  return { ...rows[0]!, token };
}

/** A session that is valid now. */
export interface FoundSession {
  readonly id: string;
  readonly accountId: string | null;
  readonly scopes: readonly Scope[];
  readonly keyId: string | null;
  /** The name of its key; null for the admin key of the settings, and for a key without a name. */
  readonly keyName: string | null;
  /** Who has signed in with OpenID Connect; null for a session that was made with a key. */
  readonly userName: string | null;
  readonly capabilities: readonly PortalCapability[];
  readonly expiresAt: Date;
}

/** Of a session `s` with its key `k`: neither it nor its key is revoked or expired, and its account is not deleted. */
export const IS_VALID = `s.revoked_at IS NULL AND s.expires_at > now()
       AND (s.key_id IS NULL OR (k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())))
       AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = s.account_id AND a.deleted_at IS NOT NULL)`;

/** Whose session is looked for. */
export interface SessionLookup {
  readonly kind: SessionKind;
  readonly token: string;
  /** The admin key of the settings as it is now. */
  readonly adminKey: string;
  /** A hash of the settings of OpenID Connect as they are now; absent without a provider. */
  readonly oidcClient?: string | undefined;
}

/**
 * The session of a token; undefined when it has ended, or when the admin key, or the settings of OpenID Connect, that it was
 * made with are others now.
 */
export async function findSession(
  store: Store,
  { kind, token, adminKey, oidcClient }: SessionLookup,
): Promise<FoundSession | undefined> {
  const result = await store.pool.query<FoundSession & { proof: Buffer | null; usedClient: string | null }>(
    `SELECT s.id, s.account_id AS "accountId", s.scopes, s.key_id AS "keyId", k.name AS "keyName",
            s.user_name AS "userName", s.capabilities, s.expires_at AS "expiresAt", s.admin_proof AS proof,
            s.oidc_client AS "usedClient"
     FROM sessions s LEFT JOIN api_keys k ON k.id = s.key_id
     WHERE s.hash = $1 AND s.kind = $2 AND ${IS_VALID}`,
    [hashKey(token), kind],
  );
  const found = onlyRow(result);
  if (!found) return undefined;
  const { proof, usedClient, ...session } = found;
  if (usedClient !== null && usedClient !== oidcClient) return undefined;
  return proof && !timingSafeEqual(proof, proofOf(token, adminKey)) ? undefined : session;
}

/** Ends a session. */
export async function revokeSession(store: Store, id: string): Promise<void> {
  await store.pool.query('UPDATE sessions SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL', [id]);
}

/** The ids of these sessions that are valid. */
export async function validSessionIds(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT s.id FROM sessions s LEFT JOIN api_keys k ON k.id = s.key_id WHERE s.id = ANY($1) AND ${IS_VALID}`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

function proofOf(token: string, adminKey: string): Buffer {
  return createHmac('sha256', token).update(adminKey).digest();
}
