/** Lists of accounts. */
import { toAccount, type AccountRow, type Environment, type StoredAccount } from './accounts.js';
import type { Store } from '../store.js';

export interface AccountFilter {
  /** Only ids before this one. */
  readonly before?: string | undefined;
  readonly limit: number;
  readonly accountId?: string | undefined;
  readonly provider?: string | undefined;
  readonly environment?: Environment | undefined;
  /** In the name or the platform's own id, in any case; or the id. */
  readonly text?: string | undefined;
}

/** Accounts, the newest first. */
export async function listAccounts(
  store: Store,
  { limit, before, accountId, provider, environment, text }: AccountFilter,
): Promise<StoredAccount[]> {
  const { rows } = await store.pool.query<AccountRow>(
    `SELECT * FROM accounts
     WHERE deleted_at IS NULL AND ($2::text IS NULL OR id < $2) AND ($3::text IS NULL OR provider = $3)
       AND ($4::text IS NULL OR environment = $4) AND ($5::text IS NULL OR id = $5)
       AND ($6::text IS NULL OR id = $6 OR strpos(lower(name), $7) > 0 OR strpos(lower(external_id), $7) > 0)
     ORDER BY id DESC LIMIT $1`,
    [
      ...[limit, before ?? null, provider ?? null, environment ?? null, accountId ?? null],
      ...[text ?? null, text?.toLowerCase() ?? null],
    ],
  );
  return rows.map((row) => toAccount(store, row));
}

/** The accounts with these ids, and deleted ones as well, by id. */
export async function findAccounts(store: Store, ids: readonly string[]): Promise<Map<string, StoredAccount>> {
  const { rows } = await store.pool.query<AccountRow>('SELECT * FROM accounts WHERE id = ANY($1)', [ids]);
  return new Map(rows.map((row) => [row.id, toAccount(store, row)]));
}

/** The ids of accounts with a text in their name or in the platform's own id, deleted ones as well, the newest first. */
export async function accountIdsByText(
  store: Store,
  { text, limit }: { readonly text: string; readonly limit: number },
): Promise<string[]> {
  const { rows } = await store.pool.query<{ id: string }>(
    `SELECT id FROM accounts WHERE strpos(lower(name), $1) > 0 OR strpos(lower(external_id), $1) > 0
     ORDER BY id DESC LIMIT $2`,
    [text.toLowerCase(), limit],
  );
  return rows.map(({ id }) => id);
}

/** Whose something is, for lists. */
export interface Owner {
  readonly accountName: string;
  readonly provider: string;
}

/** The names and providers of accounts, also of deleted ones, by id. */
export async function findOwners(store: Store, accountIds: readonly string[]): Promise<Map<string, Owner>> {
  const { rows } = await store.pool.query<Owner & { id: string }>(
    'SELECT id, name AS "accountName", provider FROM accounts WHERE id = ANY($1)',
    [accountIds],
  );
  return new Map(rows.map(({ id, ...owner }) => [id, owner]));
}
