/** The PostgreSQL and the Temporal of a run, and what can be done to them. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { loadConfig } from '#src/config/config.js';
import type { DataDir } from '#src/embedded/data-dir.js';
import type { Log } from '#src/embedded/log.js';
import { pickPort } from '#src/embedded/ports.js';
import { startPostgres } from '#src/embedded/postgres.js';
import { signal } from '#src/embedded/processes.js';
import { findTemporalCli } from '#src/embedded/temporal-binary.js';
import { startTemporalServer } from '#src/embedded/temporal-server.js';
import { searchAttributeTypes } from '#src/temporal/registration.js';

const run = promisify(execFile);
/** Between two tries of a statement while the server does not take it, in milliseconds. */
const AGAIN_MS = 250;
/** How long it is tried, in milliseconds. */
const RETRY_FOR_MS = 90_000;

/** A server that its supervisor starts again whenever it dies. */
export interface Target {
  /** Kills it; it is started again at once. */
  kill(): void;
  /** Stops it in order and starts it again. */
  restart(): Promise<void>;
  /** Kills it and restarts it after a number of milliseconds. */
  outage(forMs: number): Promise<void>;
  /** Stops it and everything it has forked, and resumes it after a number of milliseconds. */
  freeze(forMs: number): Promise<void>;
}

/** A target that can also stay stopped for a while. */
export interface StoppableTarget extends Target {
  stop(): Promise<void>;
  /** Starts it again after a stop. */
  start(): Promise<void>;
}

export interface Servers {
  /** The URL of the database. */
  readonly databaseUrl: string;
  /** The URL that Pigeonpost's processes use: that of a connection pooler, where there is one. */
  readonly pooledUrl: string;
  readonly temporalAddress: string;
  readonly postgres: Target;
  readonly temporal: Target;
  /** Makes PostgreSQL refuse every write, in open connections too, for a number of milliseconds. */
  refuseWrites(forMs: number): Promise<void>;
  stop(): Promise<void>;
}

interface Running {
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** Starts both on ports of their own, with their data in this folder. */
export async function startServers(dataDir: DataDir, log: Log): Promise<Servers> {
  const [port, temporalPort, uiPort, cli] = await Promise.all([
    pickPort(),
    pickPort(),
    pickPort(),
    findTemporalCli(loadConfig(), log),
  ]);
  const temporalOptions = { cli, dataDir, log, port: temporalPort, uiPort, searchAttributes: searchAttributeTypes };
  const first = await startPostgres({ dataDir, log, port });
  const postgres = target(first, () => startPostgres({ dataDir, log, port }));
  const temporal = target(await startTemporalServer(temporalOptions), () => startTemporalServer(temporalOptions));
  return {
    databaseUrl: first.url,
    pooledUrl: first.url,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    postgres,
    temporal,
    refuseWrites: (forMs) => refuseWrites(first.url, forMs),
    async stop() {
      await Promise.all([postgres.stop(), temporal.stop()]);
    },
  };
}

/** Makes a server a target: `start` starts it again. */
export function target(first: Running, start: () => Promise<Running>): StoppableTarget {
  let running = first;
  const kill = (): void => {
    if (running.pid !== undefined) signal(running.pid, 'SIGKILL');
  };
  return {
    kill,
    async restart() {
      await running.stop();
      running = await start();
    },
    async outage(forMs) {
      kill();
      await running.stop();
      await sleep(forMs);
      running = await start();
    },
    async freeze(forMs) {
      const { pid } = running;
      if (pid === undefined) return;
      const all = [pid, ...(await childrenOf(pid))];
      for (const each of all) signal(each, 'SIGSTOP');
      await sleep(forMs);
      for (const each of all) signal(each, 'SIGCONT');
    },
    stop: () => running.stop(),
    async start() {
      running = await start();
    },
  };
}

/** PostgreSQL's processes are not in the process group of their parent, so they are looked up. */
async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
}

/** Makes a PostgreSQL refuse every write, in open connections too, for a number of milliseconds. */
export async function refuseWrites(url: string, forMs: number): Promise<void> {
  await reconfigure(url, 'ALTER SYSTEM SET default_transaction_read_only = on');
  await sleep(forMs);
  await reconfigure(url, 'ALTER SYSTEM RESET default_transaction_read_only');
}

async function reconfigure(url: string, statement: string): Promise<void> {
  await queryWithRetry(url, async (client) => {
    await client.query(statement);
    await client.query('SELECT pg_reload_conf()');
  });
}

/** Uses a connection of its own, again and again until that succeeds. */
export async function queryWithRetry<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const end = Date.now() + RETRY_FOR_MS;
  for (;;) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 10_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await use(client);
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(AGAIN_MS);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
