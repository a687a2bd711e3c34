/** Whether the database has the schema of this version. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../lib/errors.js';
import type { Queryable } from './store.js';

/** The folder of the migrations. */
export const migrationsFolder = join(__dirname, 'migrations');

/** SQLSTATE of a missing table. */
const UNDEFINED_TABLE = '42P01';

let known: Promise<readonly string[]> | undefined;

/** The names of this version's migrations, sorted. */
export function knownMigrations(): Promise<readonly string[]> {
  return (known ??= readdir(migrationsFolder).then((files) =>
    files.flatMap((file) => (file.endsWith('.sql') ? [file.slice(0, -'.sql'.length)] : [])).sort(),
  ));
}

/** The names of the migrations that were applied to the database. */
export async function appliedMigrations(database: Queryable): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ name: string }>('SELECT name FROM migrations').catch((error: unknown) => {
    if (errorCode(error) !== UNDEFINED_TABLE) throw error;
    return { rows: [] };
  });
  return new Set(rows.map(({ name }) => name));
}

/** Whether no migration of this version is missing. A newer schema is current too, as older processes run during an upgrade. */
export async function isSchemaCurrent(database: Queryable): Promise<boolean> {
  const [names, applied] = await Promise.all([knownMigrations(), appliedMigrations(database)]);
  return names.every((name) => applied.has(name));
}
