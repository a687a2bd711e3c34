/** Applications: accounts that another account, their parent, has created through its provider's API. */
import { onlyRow, inTransaction, violatesUniqueIndex, type Queryable, type Store } from '../store.js';
import { lockAccount, toAccount, type AccountRow, type StoredAccount } from './accounts.js';

/** Of the parent $1: itself and its applications. The account that gets its operational events is none of them. */
const OWN = '(id = $1 OR parent_id = $1) AND deleted_at IS NULL AND NOT reports_parent';

/** The parent itself or one of its applications, by its id in the provider's API, its uid or our id. */
export async function findApplication(
  store: Store,
  parentId: string,
  name: string,
): Promise<StoredAccount | undefined> {
  const row = onlyRow(
    await store.pool.query<AccountRow>(
      `SELECT * FROM accounts WHERE ${OWN} AND (reference = $2 OR uid = $2 OR id = $2) ORDER BY uid = $2 LIMIT 1`,
      [parentId, name],
    ),
  );
  return row && toAccount(store, row);
}

/** A page of the parent and its applications, by id. */
export async function listApplications(
  store: Store,
  parentId: string,
  { from, ascending, limit }: { readonly from?: string; readonly ascending: boolean; readonly limit: number },
): Promise<StoredAccount[]> {
  const { rows } = await store.pool.query<AccountRow>(
    `SELECT * FROM accounts WHERE ${OWN} AND ($2::text IS NULL OR id ${ascending ? '>' : '<'} $2)
     ORDER BY id ${ascending ? 'ASC' : 'DESC'} LIMIT $3`,
    [parentId, from ?? null, limit],
  );
  return rows.map((row) => toAccount(store, row));
}

/** How many accounts were created below a parent; locks it, so that the number holds until the transaction ends. */
export async function countBelow(client: Queryable, parentId: string): Promise<number> {
  await lockAccount(client, parentId);
  const { rows } = await client.query<{ count: number }>(
    'SELECT count(*)::integer AS count FROM accounts WHERE parent_id = $1 AND deleted_at IS NULL',
    [parentId],
  );
  return rows[0]!.count;
}

/** What the owner of an application may change. */
export interface ApplicationEdit {
  readonly name: string;
  readonly uid: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly settings: unknown;
}

/** Edits an application under a lock, so that no concurrent change is lost; undefined when it does not exist. */
export async function editApplication(
  store: Store,
  id: string,
  edit: (former: StoredAccount) => ApplicationEdit,
): Promise<StoredAccount | undefined> {
  return inTransaction(store, async (client) => {
    await lockAccount(client, id);
    const row = onlyRow(
      await client.query<AccountRow>('SELECT * FROM accounts WHERE id = $1 AND deleted_at IS NULL', [id]),
    );
    if (!row) return undefined;
    const { name, uid, metadata, settings } = edit(toAccount(store, row));
    const { rows } = await client.query<AccountRow>(
      `UPDATE accounts SET name = $2, uid = $3, metadata = $4, settings = $5, updated_at = now()
       WHERE id = $1 RETURNING *`,
      [id, name, uid ?? null, JSON.stringify(metadata), JSON.stringify(settings)],
    );
    return toAccount(store, rows[0]!);
  });
}

/** The account that gets the operational events of a parent and its applications. */
export async function findReporting(store: Store, parentId: string): Promise<StoredAccount | undefined> {
  const row = onlyRow(
    await store.pool.query<AccountRow>(
      'SELECT * FROM accounts WHERE parent_id = $1 AND reports_parent AND deleted_at IS NULL',
      [parentId],
    ),
  );
  return row && toAccount(store, row);
}

/** The accounts that get the operational events of these parents, by parent. */
export async function reportingIds(
  client: Queryable,
  parentIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ id: string; parent_id: string }>(
    'SELECT id, parent_id FROM accounts WHERE parent_id = ANY($1) AND reports_parent AND deleted_at IS NULL',
    [parentIds],
  );
  return new Map(rows.map(({ id, parent_id: parentId }) => [parentId, id]));
}

/** Whether an application was refused because another one below the same parent has its uid. */
export const isApplicationUidTaken = (error: unknown): boolean => violatesUniqueIndex(error, 'accounts_by_uid');

/** Whether the account for operational events was refused because a concurrent request has created it. */
export const isReportingTaken = (error: unknown): boolean => violatesUniqueIndex(error, 'accounts_reporting');
