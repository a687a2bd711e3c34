/** The PostgreSQL that all test files share. Each tier of tests has its own set-up, in one process. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDataDir, type DataDir } from '../../src/embedded/data-dir.js';
import { type Log } from '../../src/embedded/log.js';
import { startPostgres, stopLeftoverPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.js';
import { migrate } from '../../src/store/migrate.js';

const PREFIX = 'pigeonpost-test-';
const TEMPLATE = 'pigeonpost_template';

interface SharedPostgres {
  readonly dataDir: DataDir;
  readonly postgres: EmbeddedPostgres;
}

const holder = globalThis as { pigeonpostTest?: Promise<SharedPostgres> };

export const log: Log = {
  info: (message) => console.error(message),
  warn: (message) => console.error(message),
};

/** Starts it unless another tier has; resolves with a folder for shared files. */
export async function sharePostgres(): Promise<string> {
  if (!holder.pigeonpostTest) endOnSignals();
  holder.pigeonpostTest ??= start();
  return (await holder.pigeonpostTest).dataDir.path;
}

/** Stops it, once. */
export async function stopSharedPostgres(): Promise<void> {
  const starting = holder.pigeonpostTest;
  delete holder.pigeonpostTest;
  if (!starting) return;
  const { postgres, dataDir } = await starting;
  await postgres.stop();
  await rm(dataDir.path, { recursive: true, force: true });
}

async function start(): Promise<SharedPostgres> {
  await removeLeftovers();
  const dataDir = await openDataDir(await mkdtemp(join(tmpdir(), PREFIX)));
  const postgres = await startPostgres({
    dataDir,
    log,
    durable: false,
    packageName: process.env.PIGEONPOST_TEST_POSTGRES_PACKAGE,
  });
  process.env.PIGEONPOST_TEST_DATABASE_URL = postgres.url;
  await prepareDatabase(postgres.url);
  return { dataDir, postgres };
}

/** The template database that test files clone. */
async function prepareDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE}`);
  await client.end();
  const template = new URL(url);
  template.pathname = `/${TEMPLATE}`;
  await migrate(template.href);
}

/** Jest ends at once on a signal; a normal exit stops PostgreSQL too. */
function endOnSignals(): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
}

/** Data of an earlier run that was killed. */
async function removeLeftovers(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  for (const path of names.map((name) => join(tmpdir(), name))) {
    try {
      const dataDir = await openDataDir(path);
      await stopLeftoverPostgres(dataDir, log);
      await rm(path, { recursive: true, force: true });
    } catch {
      // Another run uses it, or it is not ours.
    }
  }
}
