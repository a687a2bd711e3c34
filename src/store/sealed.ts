/** The sealed columns of the database: checking that their keys are configured, and resealing with the current key. */
import { errorCode, OperatorError } from '../lib/errors.js';
import { unknownKey } from './secret-box.js';
import type { Store } from './store.js';

/** Sealed columns; each row is sealed for its `id`. A test compares this list with the schema. */
export const sealedColumns = [
  { table: 'accounts', column: 'secrets' },
  { table: 'subscriptions', column: 'secrets' },
  { table: 'broadcasts', column: 'payload' },
] as const;

type SealedColumn = (typeof sealedColumns)[number];

/** Rows that are read, sealed and written at once. */
const BATCH = 200;
/** SQLSTATE of a missing table. */
const UNDEFINED_TABLE = '42P01';
/** The id of the key a column is sealed with: the bytes after the version (see secret-box.ts). */
const keyIdIn = (column: string): string => `substring(${column} FROM 2 FOR 4)`;

/**
 * Checks the oldest and the newest row of each table, so that a process with the wrong key fails at its start. A database
 * without tables passes.
 */
export async function checkKeys(store: Store): Promise<void> {
  const ends = sealedColumns.flatMap(({ table, column }) =>
    ['ASC', 'DESC'].map(
      (direction) =>
        `(SELECT ${keyIdIn(column)} AS id FROM ${table} WHERE ${column} IS NOT NULL ORDER BY id ${direction} LIMIT 1)`,
    ),
  );
  await refuseUnknownKeys(store, ends.join(' UNION ')).catch((error: unknown) => {
    if (errorCode(error) !== UNDEFINED_TABLE) throw error;
  });
}

/** Checks every row. */
export async function checkAllKeys(store: Store): Promise<void> {
  const all = sealedColumns.map(
    ({ table, column }) => `SELECT ${keyIdIn(column)} AS id FROM ${table} WHERE ${column} IS NOT NULL`,
  );
  await refuseUnknownKeys(store, all.join(' UNION ')).catch((error: unknown) => {
    if (errorCode(error) !== UNDEFINED_TABLE) throw error;
    throw new OperatorError('The database has no tables yet.', 'Start Pigeonpost once, or run `pigeonpost migrate`.');
  });
}

async function refuseUnknownKeys({ pool, box }: Store, query: string): Promise<void> {
  const { rows } = await pool.query<{ id: Buffer }>(query);
  const unknown = rows.map(({ id }) => id).filter((id) => !box.hasKey(id));
  if (unknown.length > 0) throw unknownKey('Secrets in the database are', unknown);
}

/**
 * Reseals all rows that are sealed with another key than the current one. Skips rows that are edited in the meantime, as
 * the edit seals them. Can be interrupted and repeated. Returns how many rows of each table were resealed.
 */
export async function resealAll(store: Store, batch = BATCH): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const sealed of sealedColumns) {
    counts[sealed.table] ??= 0;
    for (let after: string | undefined = ''; after !== undefined;) {
      const page = await resealPage(store, sealed, after, batch);
      counts[sealed.table]! += page.changed;
      // One more pass at the end, as rows may have been added or edited with the former key.
      after = page.last ?? (after === '' ? undefined : '');
    }
  }
  return counts;
}

async function resealPage(
  { pool, box }: Store,
  { table, column }: SealedColumn,
  after: string,
  batch: number,
): Promise<{ changed: number; last?: string }> {
  const { rows } = await pool.query<{ id: string; sealed: Buffer }>(
    `SELECT id, ${column} AS sealed FROM ${table} WHERE id > $1 AND ${keyIdIn(column)} <> $2 ORDER BY id LIMIT $3`,
    [after, box.currentKeyId(), batch],
  );
  const last = rows.at(-1)?.id;
  if (last === undefined) return { changed: 0 };
  const { rowCount } = await pool.query(
    `UPDATE ${table} SET ${column} = resealed.sealed
     FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS resealed (id, former, sealed)
     WHERE ${table}.id = resealed.id AND ${column} = resealed.former`,
    [
      rows.map(({ id }) => id),
      rows.map(({ sealed }) => sealed),
      rows.map(({ id, sealed }) => box.seal(box.open(sealed, id), id)),
    ],
  );
  return { changed: rowCount ?? 0, last };
}
