/** The sealed columns of the database: checking that their keys are configured, and resealing with the current key. */
import { errorCode, OperatorError } from '../lib/errors.js';
import { unknownKey, type SecretBox } from './secret-box.js';
import type { Store } from './store.js';

/** Columns of secrets; each row is sealed for its `id`. A test compares these lists with the schema. */
export const sealedColumns = [
  { table: 'accounts', column: 'secrets' },
  { table: 'subscriptions', column: 'secrets' },
  { table: 'broadcasts', column: 'payload' },
  { table: 'alert_rules', column: 'target' },
] as const;

/**
 * Columns of payloads (payloads.ts), null where a row is not sealed. Each row is sealed for its primary key, and an index
 * has the ids of the keys.
 */
export const sealedPayloads = [
  { table: 'events', column: 'sealed', key: [{ name: 'id', type: 'text' }] },
  {
    table: 'event_bodies',
    column: 'sealed',
    key: [
      { name: 'event_id', type: 'text' },
      { name: 'variant', type: 'text' },
    ],
  },
  {
    table: 'attempts',
    column: 'sealed',
    key: [
      { name: 'delivery_id', type: 'text' },
      { name: 'number', type: 'integer' },
    ],
  },
] as const;

type SealedColumn = (typeof sealedColumns)[number];
type SealedPayload = (typeof sealedPayloads)[number];

/** Rows that are read, sealed and written at once, and bytes of payloads unless one alone is larger. */
const BATCH = 200;
const MAX_BATCH_BYTES = 8 * 1_048_576;
/** SQLSTATE of a missing table. */
const UNDEFINED_TABLE = '42P01';
/** SQLSTATE of a missing column. */
const UNDEFINED_COLUMN = '42703';
/** The id of the key a column is sealed with: the bytes after the version (see secret-box.ts). */
const keyIdIn = (column: string): string => `substring(${column} FROM 2 FOR 4)`;

/**
 * Checks the oldest and the newest row of each table of secrets, and every key of payloads, so that a process with the wrong
 * key fails at its start. A database without tables passes.
 */
export async function checkKeys(store: Store): Promise<void> {
  const ends = sealedColumns.flatMap(({ table, column }) =>
    ['ASC', 'DESC'].map(
      (direction) =>
        `(SELECT ${keyIdIn(column)} AS id FROM ${table} WHERE ${column} IS NOT NULL ORDER BY id ${direction} LIMIT 1)`,
    ),
  );
  try {
    refuseUnknown(store.box, 'Secrets', await readIds(store, ends.join(' UNION ')));
    refuseUnknown(store.box, 'Payloads', await payloadKeyIds(store));
  } catch (error) {
    // Before the migrations a database has no tables, or no payloads that are sealed.
    if (errorCode(error) !== UNDEFINED_TABLE && errorCode(error) !== UNDEFINED_COLUMN) throw error;
  }
}

/** Checks every row. */
export async function checkAllKeys(store: Store): Promise<void> {
  const all = sealedColumns.map(
    ({ table, column }) => `SELECT ${keyIdIn(column)} AS id FROM ${table} WHERE ${column} IS NOT NULL`,
  );
  try {
    refuseUnknown(store.box, 'Secrets', await readIds(store, all.join(' UNION ')));
    refuseUnknown(store.box, 'Payloads', await payloadKeyIds(store));
  } catch (error) {
    if (errorCode(error) !== UNDEFINED_TABLE) throw error;
    throw new OperatorError('The database has no tables yet.', 'Start Pigeonpost once, or run `pigeonpost migrate`.');
  }
}

async function readIds({ pool }: Store, query: string): Promise<Buffer[]> {
  const { rows } = await pool.query<{ id: Buffer }>(query);
  return rows.map(({ id }) => id);
}

function refuseUnknown(box: SecretBox, what: string, ids: readonly Buffer[]): void {
  const unknown = ids.filter((id) => !box.hasKey(id));
  if (unknown.length > 0) throw unknownKey(`${what} in the database are`, unknown);
}

/** The ids of all keys that payloads are sealed with: one look-up in the index for each, whatever the number of rows. */
async function payloadKeyIds(store: Store): Promise<Buffer[]> {
  const ids: Buffer[] = [];
  for (const sealed of sealedPayloads) ids.push(...(await keyIdsOf(store, sealed)));
  return ids;
}

async function keyIdsOf({ pool }: Store, { table, column }: SealedPayload): Promise<Buffer[]> {
  const ids: Buffer[] = [];
  for (let after: Buffer | undefined = Buffer.alloc(0); after !== undefined;) {
    const { rows }: { rows: { id: Buffer }[] } = await pool.query(
      `SELECT ${keyIdIn(column)} AS id FROM ${table} WHERE ${column} IS NOT NULL AND ${keyIdIn(column)} > $1
       ORDER BY ${keyIdIn(column)} LIMIT 1`,
      [after],
    );
    after = rows[0]?.id;
    if (after) ids.push(after);
  }
  return ids;
}

/**
 * Reseals all rows that are sealed with another key than the current one, a page at a time and without locking a table. Skips
 * rows that are edited in the meantime, as the edit seals them. Can be interrupted and repeated. Returns how many rows of each
 * table were resealed.
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
  for (const sealed of sealedPayloads) counts[sealed.table] = await resealPayloads(store, sealed, batch);
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

async function resealPayloads(store: Store, sealed: SealedPayload, batch: number): Promise<number> {
  const current = store.box.currentKeyId();
  let count = 0;
  for (const former of await keyIdsOf(store, sealed)) {
    if (former.equals(current)) continue;
    // A row that is edited in the meantime is not changed here, and has the current key or no payload any more.
    for (let found = 1; found > 0;) {
      const page = await resealPayloadPage(store, sealed, former, batch);
      ({ found } = page);
      count += page.changed;
    }
  }
  return count;
}

async function resealPayloadPage(
  { pool, box }: Store,
  { table, column, key }: SealedPayload,
  former: Buffer,
  batch: number,
): Promise<{ found: number; changed: number }> {
  const names = key.map(({ name }) => name).join(', ');
  const { rows } = await pool.query<{ key: (string | number)[]; sealed: Buffer }>(
    `SELECT json_build_array(${names}) AS key, sealed FROM (
       SELECT ${names}, sealed, sum(octet_length(sealed)) OVER (ORDER BY ${names}) - octet_length(sealed) AS bytes_before
       FROM (
         SELECT ${names}, ${column} AS sealed FROM ${table} WHERE ${column} IS NOT NULL AND ${keyIdIn(column)} = $1
         ORDER BY ${names} LIMIT $2
       ) page
     ) sized
     WHERE bytes_before < ${MAX_BATCH_BYTES}`,
    [former, batch],
  );
  if (rows.length === 0) return { found: 0, changed: 0 };
  const types = key.map(({ type }, index) => `$${index + 3}::${type}[]`).join(', ');
  const [first] = key;
  const { rowCount } = await pool.query(
    `UPDATE ${table} t SET ${column} = resealed.sealed
     FROM unnest($1::bytea[], $2::bytea[], ${types}) AS resealed (former, sealed, ${names})
     WHERE t.${first.name} = ANY($3) AND ${key.map(({ name }) => `t.${name} = resealed.${name}`).join(' AND ')}
       AND t.${column} = resealed.former`,
    [
      rows.map(({ sealed }) => sealed),
      rows.map(({ key: values, sealed }) => box.sealText(box.openText(sealed, values.join(' ')), values.join(' '))),
      ...key.map((_, index) => rows.map(({ key: values }) => values[index])),
    ],
  );
  return { found: rows.length, changed: rowCount ?? 0 };
}
