/**
 * The schema of a development server's SQLite database. The server creates it with a new file and never changes it: one of
 * a newer release fails on older data at the first table or column that is missing there.
 */
import { rmSync } from 'node:fs';
import { Database } from 'node-sqlite3-wasm';

/** A row of SQLite's own table of what there is. */
interface Definition {
  readonly type: 'table' | 'index' | 'trigger' | 'view';
  readonly name: string;
  readonly sql: string;
}

/** A virtual table has its content in shadow tables of its own. */
type TableKind = 'table' | 'virtual' | 'shadow' | 'view';

interface Schema {
  readonly definitions: ReadonlyMap<string, Definition>;
  readonly kinds: ReadonlyMap<string, TableKind>;
}

/**
 * Adds to the database in `file` what the schema of the one in `sample` has beyond it: tables, columns, indexes, triggers
 * and the columns of full-text search, all or nothing. What only `file` has stays. No server may have either open.
 *
 * @returns how many definitions were changed
 * @throws Error of SQLite, when a change is one that rows of the older schema do not allow
 */
export function adoptSchema(file: string, sample: string): number {
  const wanted = withDatabase(sample, schemaOf);
  return withDatabase(file, (db) => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const statements = changes(db, schemaOf(db), wanted);
      for (const statement of statements) db.exec(statement);
      db.exec('COMMIT');
      return statements.length;
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  });
}

function withDatabase<T>(file: string, use: (db: Database) => T): T {
  // The library locks with a folder, which a killed process leaves behind; the data folder is locked by the caller.
  rmSync(`${file}.lock`, { recursive: true, force: true });
  const db = new Database(file);
  try {
    // It has no shared memory, and needs none of it for a write-ahead log that no other process uses.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    return use(db);
  } finally {
    db.close();
  }
}

function schemaOf(db: Database): Schema {
  const definitions = db.all(
    'SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL',
  ) as unknown as Definition[];
  const tables = db.all('PRAGMA table_list') as unknown as { name: string; type: TableKind }[];
  return {
    definitions: new Map(definitions.map((definition) => [definition.name, definition])),
    kinds: new Map(tables.map(({ name, type }) => [name, type])),
  };
}

/** The statements that make one schema the other: tables first, then what depends on them. */
function changes(db: Database, present: Schema, wanted: Schema): string[] {
  const isMissing = ({ name, sql }: Definition): boolean => present.definitions.get(name)?.sql !== sql;
  const all = [...wanted.definitions.values()];
  const ofKind = (kind: TableKind) => all.filter(({ name }) => wanted.kinds.get(name) === kind);
  const ofType = (type: Definition['type']) => all.filter((definition) => definition.type === type);

  const triggers = ofType('trigger').filter(isMissing);
  const searches = ofKind('virtual').filter(isMissing);
  const indexes = ofType('index').filter(({ name }) => !present.definitions.has(name));
  return [
    ...triggers.map(({ name }) => `DROP TRIGGER IF EXISTS ${quoted(name)}`),
    ...ofKind('table').flatMap((table) => (present.kinds.has(table.name) ? addedColumns(db, table) : [table.sql])),
    ...searches.flatMap(({ name, sql }) => [
      `DROP TABLE IF EXISTS ${quoted(name)}`,
      sql,
      // Reads the content again from the table that it is of: https://www.sqlite.org/fts5.html#the_rebuild_command
      `INSERT INTO ${quoted(name)} (${quoted(name)}) VALUES ('rebuild')`,
    ]),
    ...indexes.map(({ sql }) => sql),
    ...triggers.map(({ sql }) => sql),
  ];
}

function addedColumns(db: Database, { name, sql }: Definition): string[] {
  const columns = db.all(`PRAGMA table_xinfo(${quoted(name)})`) as unknown as { name: string }[];
  const present = new Set(columns.map((column) => column.name.toLowerCase()));
  return columnLines(sql)
    .filter(([column]) => !present.has(column.toLowerCase()))
    .map(([, line]) => `ALTER TABLE ${quoted(name)} ADD COLUMN ${line}`);
}

/** The columns of a table as its definition writes them, one a line, by name. */
function columnLines(sql: string): [name: string, line: string][] {
  const lines = sql.split('\n').slice(1);
  return lines.flatMap((line): [string, string][] => {
    const text = line.replace(/--.*$/, '').trim().replace(/,$/, '');
    const [, name] = /^(\w+) +\w/.exec(text) ?? [];
    if (name === undefined || /^(PRIMARY|UNIQUE|CHECK|FOREIGN|CONSTRAINT)$/i.test(name)) return [];
    // SQLite adds generated columns to rows that exist only when they are not stored.
    return [[name, text.replace(/ STORED$/, '')]];
  });
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
