import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDataDir } from './data-dir.js';
import { type Log } from './log.js';
import { LOCALHOST } from './ports.js';
import { PIGEONPOST } from './postgres-cluster.js';
import { startPostgres } from './postgres.js';

/** The embedded database for a command that may come while Pigeonpost runs or while it does not. */
export interface BorrowedPostgres {
  url: string;
  /** Whether it was started for this call only. */
  alone: boolean;
  /** Stops it if it was started for this. */
  giveBack(): Promise<void>;
}

/** The PostgreSQL of this data folder: the one that runs, or one started for now. */
export async function borrowPostgres(path: string, log: Log, port?: number): Promise<BorrowedPostgres> {
  const running = await runningPostgres(path);
  if (running !== undefined) return { url: running, alone: false, giveBack: async () => undefined };
  const dataDir = await openDataDir(path);
  try {
    const postgres = await startPostgres({ dataDir, log, ...(port !== undefined && { port }) });
    const giveBack = () => postgres.stop().finally(() => dataDir.release());
    return { url: postgres.url, alone: true, giveBack };
  } catch (error) {
    await dataDir.release();
    throw error;
  }
}

/** The URL of the database, when its server runs and accepts the stored password. */
export async function runningPostgres(path: string): Promise<string | undefined> {
  try {
    const password = (await readFile(join(path, 'postgres-password'), 'utf8')).trim();
    // Its fourth line is the port: https://www.postgresql.org/docs/current/storage-file-layout.html
    const port = Number((await readFile(join(path, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[3]);
    const url = `postgres://${PIGEONPOST}:${password}@${LOCALHOST}:${port}/${PIGEONPOST}`;
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    await client.connect();
    await client.end();
    return url;
  } catch {
    return undefined;
  }
}
