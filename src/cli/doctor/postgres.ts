/** PostgreSQL: that it responds, its version, schema, keys and clock. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import type { Config } from '../../config/config.js';
import { databaseUnreachable } from '../../lib/errors.js';
import { KEY_FILE, readKeyFiles } from '../../server/key-files.js';
import { appliedMigrations, knownMigrations } from '../../store/schema.js';
import { checkKeys } from '../../store/sealed.js';
import { createSecretBox, type KeyRing } from '../../store/secret-box.js';
import { checked, ok, problem, warning, type Finding } from './finding.js';

const NAME = 'PostgreSQL';
const CONNECT_MS = 5_000;
/** The oldest major version that tests and documentation are about. */
const OLDEST = 15;
/** Receivers refuse signatures that are minutes off; a clock kept by NTP is never off by seconds. */
const CLOCK_OFF_S = 5;

export async function postgres(config: Config): Promise<Finding[]> {
  const url = config.databaseUrl ?? (await embeddedUrl(config));
  return url === undefined ? checked(NAME, installed) : external(config, url);
}

async function embeddedUrl({ dataDir }: Config): Promise<string | undefined> {
  const { runningPostgres } = await import('../../embedded/borrow-postgres.js');
  return runningPostgres(dataDir);
}

async function installed(): Promise<Finding> {
  const { postgresBinaries } = await import('../../embedded/postgres-binaries.js');
  await postgresBinaries();
  return ok(NAME, 'the embedded one does not run now; it starts with Pigeonpost');
}

async function external(config: Config, url: string): Promise<Finding[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => undefined);
  const where = new URL(url).host;
  try {
    await client.connect();
  } catch (error) {
    const { message, hint } = databaseUnreachable(url, error);
    return [problem(NAME, message, hint)];
  }
  try {
    const asked = Date.now();
    const { rows } = await client.query<{ version: string; now: Date }>(
      `SELECT current_setting('server_version') AS version, clock_timestamp() AS now`,
    );
    const { version = '', now = new Date() } = rows[0] ?? {};
    return [
      versionFinding(version, where),
      clockFinding(now.getTime(), asked, Date.now()),
      ...(await checked('Schema', () => schema(client))),
      ...(await checked('Encryption key', () => keys(config, url))),
    ];
  } finally {
    await client.end();
  }
}

export function versionFinding(version: string, where: string): Finding {
  return parseInt(version, 10) >= OLDEST
    ? ok(NAME, `${version} at ${where}`)
    : problem(NAME, `${version} at ${where} is too old.`, `Use ${OLDEST} or newer.`);
}

/** The database's clock against ours, in milliseconds; the response came some time after the question. */
export function clockFinding(theirs: number, asked: number, responded: number): Finding {
  const offMs = Math.max(asked - theirs, theirs - responded, 0);
  return offMs <= CLOCK_OFF_S * 1_000
    ? ok('Clock', 'agrees with the clock of PostgreSQL')
    : warning(
        'Clock',
        `This machine and PostgreSQL differ by ${Math.round(offMs / 1_000)} s; receivers refuse signatures whose time is off.`,
        'Have both keep their clocks by NTP.',
      );
}

async function schema(client: Client): Promise<Finding> {
  return schemaFinding(await knownMigrations(), await appliedMigrations(client));
}

/** `known` are the migrations of this version, `applied` those of the database. */
export function schemaFinding(known: readonly string[], applied: ReadonlySet<string>): Finding {
  const missing = known.filter((name) => !applied.has(name));
  const foreign = [...applied].filter((name) => !known.includes(name));
  if (foreign.length > 0)
    return warning('Schema', `The database is of a newer version: ${foreign.join(', ')}.`, 'Run that version.');
  return missing.length === 0
    ? ok('Schema', `up to date (${known.length} applied)`)
    : problem('Schema', `These migrations are missing: ${missing.join(', ')}.`, 'Run `pigeonpost migrate`.');
}

async function keys(config: Config, url: string): Promise<Finding> {
  const ring = keyRing(config);
  if (!ring) return ok('Encryption key', 'made at the first start');
  const pool = new Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  try {
    await checkKeys({ pool, box: createSecretBox(ring) });
    return ok('Encryption key', 'opens what is in the database');
  } finally {
    await pool.end();
  }
}

/** The keys there are; undefined when the first start is still to make one. */
function keyRing({ encryptionKey, previousEncryptionKeys = [], dataDir }: Config): KeyRing | undefined {
  if (encryptionKey) return [encryptionKey, ...previousEncryptionKeys];
  if (!existsSync(join(dataDir, KEY_FILE))) return undefined;
  return [...readKeyFiles(dataDir), ...previousEncryptionKeys];
}
