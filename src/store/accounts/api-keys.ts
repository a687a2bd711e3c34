/**
 * API keys of accounts and, with no account, of operators. Only a hash is stored; keys are random, so that SHA-256 needs
 * no salt.
 */
import { createHash } from 'node:crypto';
import { newId } from '../../contract/ids.js';
import { onlyRow, type Queryable, type Store } from '../store.js';

/** What a key may be used for. `admin` includes all others, and `operate` includes `read`. */
export const scopes = ['publish', 'read', 'operate', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export interface ApiKey {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** The key's last characters, to recognize it. */
  readonly hint: string;
  readonly createdAt: Date;
  /** From when on it is rejected; null for never. */
  readonly expiresAt: Date | null;
  /** To the minute; null before its first use. */
  readonly lastUsedAt: Date | null;
}

/** What is chosen when a key is made. */
export interface NewApiKey {
  /** Null for a key of an operator. */
  readonly accountId: string | null;
  readonly key: string;
  readonly name?: string | null | undefined;
  readonly scopes?: readonly Scope[] | undefined;
  readonly expiresAt?: Date | null | undefined;
}

const COLUMNS =
  'id, name, scopes, hint, created_at AS "createdAt", expires_at AS "expiresAt", last_used_at AS "lastUsedAt"';

/** Stores the hash of a key. */
export async function insertApiKey(
  client: Queryable,
  { accountId, key, name = null, scopes: allowed = ['admin'], expiresAt = null }: NewApiKey,
): Promise<ApiKey> {
  const { rows } = await client.query<ApiKey>(
    `INSERT INTO api_keys (id, account_id, hash, hint, name, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
     RETURNING ${COLUMNS}`,
    [newId('key'), accountId, hashKey(key), key.slice(-4), name, allowed, expiresAt],
  );
  return rows[0]!;
}

/** The keys of an account, or of operators for null, that are not revoked; oldest first, expired ones included. */
export async function listApiKeys(store: Store, accountId: string | null): Promise<ApiKey[]> {
  const { rows } = await store.pool.query<ApiKey>(
    `SELECT ${COLUMNS} FROM api_keys WHERE account_id IS NOT DISTINCT FROM $1 AND revoked_at IS NULL ORDER BY id`,
    [accountId],
  );
  return rows;
}

/** Revokes a key of an account, or of operators for null; false when there is no such key. */
export async function revokeApiKey(store: Store, accountId: string | null, id: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    `UPDATE api_keys SET revoked_at = now()
     WHERE account_id IS NOT DISTINCT FROM $1 AND id = $2 AND revoked_at IS NULL`,
    [accountId, id],
  );
  return rowCount === 1;
}

/** A key, possibly revoked or expired. */
export interface FoundKey {
  readonly id: string;
  /** Null for a key of an operator. */
  readonly accountId: string | null;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  readonly revoked: boolean;
  readonly expired: boolean;
}

/** Finds a key by its hash, so that the time of the look-up reveals nothing about stored keys. */
export async function findApiKey(store: Store, key: string): Promise<FoundKey | undefined> {
  const result = await store.pool.query<FoundKey>(
    `SELECT id, account_id AS "accountId", name, scopes, revoked_at IS NOT NULL AS revoked,
            coalesce(expires_at <= now(), false) AS expired
     FROM api_keys WHERE hash = $1`,
    [hashKey(key)],
  );
  return onlyRow(result);
}

/** The ids of these keys that are neither revoked nor expired. Deleting an account revokes its keys. */
export async function validKeyIds(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await store.pool.query<{ id: string }>(
    'SELECT id FROM api_keys WHERE id = ANY($1) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())',
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Records when keys were last used; a later time that another process has recorded stays. */
export async function recordKeyUse(store: Store, uses: ReadonlyMap<string, Date>): Promise<void> {
  await store.pool.query(
    `UPDATE api_keys SET last_used_at = used.at FROM unnest($1::text[], $2::timestamptz[]) AS used (id, at)
     WHERE api_keys.id = used.id AND (last_used_at IS NULL OR last_used_at < used.at)`,
    [[...uses.keys()], [...uses.values()]],
  );
}

/** The hash by which a key or token is stored. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
