/**
 * Sessions of the dashboard, as long as someone is signed in there. Each has a random token, of which only the hash is
 * stored, and ends with the key that it was made with.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { newId } from '../../contract/ids.js';
import { onlyRow, type Store } from '../store.js';
import { hashKey, type Scope } from './api-keys.js';

/** What a session is made with: a stored key, or the admin key of the settings. */
export type SessionKey = { readonly keyId: string } | { readonly adminKey: string };

export interface NewSession {
  readonly madeWith: SessionKey;
  /** Null for a session of an operator. */
  readonly accountId: string | null;
  readonly scopes: readonly Scope[];
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
const TOKEN_PREFIX = 'pps_';

/** How long sessions are kept after they have ended, in days. */
const KEPT_DAYS = 7;
/** Ended sessions that are deleted whenever one is made. */
const MAX_DELETED = 100;

const COLUMNS = 'id, scopes, created_at AS "createdAt", expires_at AS "expiresAt"';

/** Makes a session, and deletes some that have ended long ago. The token is not stored. */
export async function createSession(
  store: Store,
  { madeWith, accountId, scopes, seconds }: NewSession,
): Promise<Session & { readonly token: string }> {
  await store.pool.query(
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions WHERE expires_at < now() - make_interval(days => $1) LIMIT $2
     )`,
    [KEPT_DAYS, MAX_DELETED],
  );
  const token = `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
  const [keyId, proof] = 'keyId' in madeWith ? [madeWith.keyId, null] : [null, proofOf(token, madeWith.adminKey)];
  const { rows } = await store.pool.query<Session>(
    `INSERT INTO sessions (id, hash, key_id, admin_proof, account_id, scopes, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) RETURNING ${COLUMNS}`,
    [newId('ses'), hashKey(token), keyId, proof, accountId, scopes, seconds],
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
}

/** Of a session `s` with its key `k`: neither it nor its key is revoked or expired. */
const IS_VALID = `s.revoked_at IS NULL AND s.expires_at > now()
       AND (s.key_id IS NULL OR (k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())))`;

/** The session of a token; undefined when it has ended, or when the admin key that it was made with is another one now. */
export async function findSession(store: Store, token: string, adminKey: string): Promise<FoundSession | undefined> {
  const result = await store.pool.query<FoundSession & { proof: Buffer | null }>(
    `SELECT s.id, s.account_id AS "accountId", s.scopes, s.key_id AS "keyId", k.name AS "keyName", s.admin_proof AS proof
     FROM sessions s LEFT JOIN api_keys k ON k.id = s.key_id
     WHERE s.hash = $1 AND ${IS_VALID}`,
    [hashKey(token)],
  );
  const found = onlyRow(result);
  if (!found) return undefined;
  const { proof, ...session } = found;
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
