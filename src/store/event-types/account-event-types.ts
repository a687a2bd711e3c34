/** Event types that an account defines itself, where its contract leaves the catalogue open to it. */
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';
import { lockAccount } from '../accounts/accounts.js';

/** What is defined of an event type. */
export interface AccountEventTypeFields {
  readonly description: string;
  readonly archived: boolean;
  readonly deprecated: boolean;
  /** JSON Schemas by version; null for none. */
  readonly schemas: Readonly<Record<string, unknown>> | null;
  readonly groupName: string | null;
  readonly featureFlags: readonly string[] | null;
}

export interface AccountEventType extends AccountEventTypeFields {
  readonly name: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Maximum number of event types of an account. */
export const MAX_ACCOUNT_EVENT_TYPES = 2_000;

/** A change would exceed the maximum number. */
export class TooManyEventTypes extends Error {}

const COLUMNS = `name, description, archived, deprecated, schemas, group_name AS "groupName",
  feature_flags AS "featureFlags", created_at AS "createdAt", updated_at AS "updatedAt"`;

export async function findAccountEventType(
  { pool }: Pick<Store, 'pool'>,
  accountId: string,
  name: string,
  client: Queryable = pool,
): Promise<AccountEventType | undefined> {
  return onlyRow(
    await client.query<AccountEventType>(
      `SELECT ${COLUMNS} FROM account_event_types WHERE account_id = $1 AND name = $2`,
      [accountId, name],
    ),
  );
}

/** A page of the event types of an account, by name. */
export async function listAccountEventTypes(
  store: Store,
  accountId: string,
  filter: {
    readonly withArchived: boolean;
    readonly from?: string;
    readonly ascending: boolean;
    readonly limit: number;
  },
): Promise<AccountEventType[]> {
  const { withArchived, from, ascending, limit } = filter;
  const { rows } = await store.pool.query<AccountEventType>(
    `SELECT ${COLUMNS} FROM account_event_types
     WHERE account_id = $1 AND (NOT archived OR $2) AND ($3::text IS NULL OR name ${ascending ? '>' : '<'} $3)
     ORDER BY name ${ascending ? 'ASC' : 'DESC'} LIMIT $4`,
    [accountId, withArchived, from ?? null, limit],
  );
  return rows;
}

/** One event type to save. */
export interface AccountEventTypeChange {
  readonly name: string;
  /** Makes the new fields of the former ones; throws to change nothing. */
  readonly fields: (former: AccountEventType | undefined) => AccountEventTypeFields;
}

/**
 * Saves event types of an account in one transaction, one change of the account at a time. Archives all others when
 * `archiveOthers` is set. Throws what `fields` throws, and TooManyEventTypes; nothing is saved then.
 */
export async function saveAccountEventTypes(
  store: Store,
  accountId: string,
  changes: readonly AccountEventTypeChange[],
  { archiveOthers = false }: { readonly archiveOthers?: boolean } = {},
): Promise<AccountEventType[]> {
  return inTransaction(store, async (client) => {
    await lockAccount(client, accountId);
    const saved: AccountEventType[] = [];
    for (const { name, fields } of changes) {
      saved.push(
        await saveOne(client, accountId, name, fields(await findAccountEventType(store, accountId, name, client))),
      );
    }
    if (archiveOthers) {
      await client.query(
        `UPDATE account_event_types SET archived = true, updated_at = now()
         WHERE account_id = $1 AND NOT archived AND name <> ALL($2)`,
        [accountId, changes.map(({ name }) => name)],
      );
    }
    const { rows } = await client.query<{ count: number }>(
      'SELECT count(*)::integer AS count FROM account_event_types WHERE account_id = $1',
      [accountId],
    );
    if (rows[0]!.count > MAX_ACCOUNT_EVENT_TYPES) throw new TooManyEventTypes();
    return saved;
  });
}

async function saveOne(
  client: Queryable,
  accountId: string,
  name: string,
  { description, archived, deprecated, schemas, groupName, featureFlags }: AccountEventTypeFields,
): Promise<AccountEventType> {
  const { rows } = await client.query<AccountEventType>(
    `INSERT INTO account_event_types
       (account_id, name, description, archived, deprecated, schemas, group_name, feature_flags)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (account_id, name) DO UPDATE SET
       description = excluded.description, archived = excluded.archived, deprecated = excluded.deprecated,
       schemas = excluded.schemas, group_name = excluded.group_name, feature_flags = excluded.feature_flags,
       updated_at = now()
     RETURNING ${COLUMNS}`,
    [accountId, name, description, archived, deprecated, schemas && JSON.stringify(schemas), groupName, featureFlags],
  );
  return rows[0]!;
}

/** Deletes an event type; false when the account has none of this name. */
export async function deleteAccountEventType(store: Store, accountId: string, name: string): Promise<boolean> {
  const { rowCount } = await store.pool.query('DELETE FROM account_event_types WHERE account_id = $1 AND name = $2', [
    accountId,
    name,
  ]);
  return rowCount === 1;
}
