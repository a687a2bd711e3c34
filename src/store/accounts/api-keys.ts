/** API keys of accounts. Only a hash is stored; keys are random, so that SHA-256 needs no salt. */
import { createHash } from 'node:crypto';
import { newId } from '../../contract/ids.js';
import { onlyRow, type Queryable, type Store } from '../store.js';

export interface ApiKey {
  readonly id: string;
  /** The key's last characters, to recognize it. */
  readonly hint: string;
  readonly createdAt: Date;
}

/** Stores the hash of a key. */
export async function insertApiKey(client: Queryable, accountId: string, key: string): Promise<ApiKey> {
  const { rows } = await client.query<{ id: string; hint: string; created_at: Date }>(
    'INSERT INTO api_keys (id, account_id, hash, hint) VALUES ($1, $2, $3, $4) RETURNING id, hint, created_at',
    [newId('key'), accountId, hashKey(key), key.slice(-4)],
  );
  const row = rows[0]!;
  return { id: row.id, hint: row.hint, createdAt: row.created_at };
}

export async function listApiKeys(store: Store, accountId: string): Promise<ApiKey[]> {
  const { rows } = await store.pool.query<{ id: string; hint: string; created_at: Date }>(
    'SELECT id, hint, created_at FROM api_keys WHERE account_id = $1 AND revoked_at IS NULL ORDER BY id',
    [accountId],
  );
  return rows.map((row) => ({ id: row.id, hint: row.hint, createdAt: row.created_at }));
}

/** Revokes a key; false when the account has no such key. */
export async function revokeApiKey(store: Store, accountId: string, id: string): Promise<boolean> {
  const { rowCount } = await store.pool.query(
    'UPDATE api_keys SET revoked_at = now() WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL',
    [accountId, id],
  );
  return rowCount === 1;
}

/** A key, possibly revoked. */
export interface FoundKey {
  readonly id: string;
  readonly accountId: string;
  readonly revoked: boolean;
}

/** Finds a key by its hash, so that the time of the look-up reveals nothing about stored keys. */
export async function findApiKey(store: Store, key: string): Promise<FoundKey | undefined> {
  const result = await store.pool.query<FoundKey>(
    'SELECT id, account_id AS "accountId", revoked_at IS NOT NULL AS revoked FROM api_keys WHERE hash = $1',
    [hashKey(key)],
  );
  return onlyRow(result);
}

/** The ids of these keys that are not revoked. Deleting an account revokes its keys. */
export async function validKeyIds(store: Store, ids: readonly string[]): Promise<Set<string>> {
  const { rows } = await store.pool.query<{ id: string }>(
    'SELECT id FROM api_keys WHERE id = ANY($1) AND revoked_at IS NULL',
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}

function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
