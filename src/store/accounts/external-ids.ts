/** The platform's own ids of accounts. */
import { onlyRow, violatesUniqueIndex, type Store } from '../store.js';
import { toAccount, type AccountRow, type StoredAccount } from './accounts.js';

/** The account with the platform's own id. */
export async function findAccountByExternalId(store: Store, externalId: string): Promise<StoredAccount | undefined> {
  const result = await store.pool.query<AccountRow>(
    'SELECT * FROM accounts WHERE external_id = $1 AND deleted_at IS NULL',
    [externalId],
  );
  const row = onlyRow(result);
  return row && toAccount(store, row);
}

/** The id of the account with the platform's own id. */
export async function findIdByExternalId(store: Store, externalId: string): Promise<string | undefined> {
  const result = await store.pool.query<{ id: string }>({
    name: 'find-account-by-external-id',
    text: 'SELECT id FROM accounts WHERE external_id = $1 AND deleted_at IS NULL',
    values: [externalId],
  });
  return onlyRow(result)?.id;
}

/** Whether an insert failed because another account has the same external id. */
export function isExternalIdTaken(error: unknown): boolean {
  return violatesUniqueIndex(error, 'accounts_by_external_id');
}
