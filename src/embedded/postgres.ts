import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Client, DatabaseError } from 'pg';
import { OperatorError } from '../lib/errors.js';
import { type DataDir } from './data-dir.js';
import { type Log } from './log.js';
import { LOCALHOST, checkFree, isFree, pickPort } from './ports.js';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries.js';
import { PIGEONPOST, openCluster, type PostgresCluster } from './postgres-cluster.js';
import { postgresUser, type PostgresUser } from './postgres-user.js';
import { commandLine, stopLeftover } from './processes.js';
import { postgresTrace, readPid } from './running-servers.js';
import { ServerProcess, ServerStartError, serverEnvironment } from './server-process.js';

export interface PostgresOptions {
  dataDir: DataDir;
  log: Log;
  /** Port to listen on; absent: a free one, picked once and kept in the data folder. */
  port?: number;
  /** Whether data survives a power failure, not only a killed process. Only tests can do without; the default is true. */
  durable?: boolean;
  /** npm package of another PostgreSQL than the one that is embedded: tests run the oldest supported version too. */
  packageName?: string;
}

/** A PostgreSQL that runs as a child of this process. */
export interface EmbeddedPostgres {
  /** URL of the database `pigeonpost`, with the password. */
  url: string;
  port: number;
  /** Its process id; another one after it had to be started again. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

const NAME = 'PostgreSQL';
/** Fast shutdown: open transactions are rolled back; then immediate, which needs recovery at the next start. */
const STOP_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;
const MAX_STOP_MS = 15_000;
/** Long, as recovery after a crash may take its time. */
const START_TIMEOUT_MS = 10 * 60_000;
const CONNECT_TIMEOUT_MS = 2_000;
const PORT_TRIES = 3;

/** Starts the PostgreSQL of this data folder, creating it first when there is none. */
export async function startPostgres({
  dataDir,
  log,
  port: wanted,
  durable = true,
  packageName,
}: PostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = await postgresBinaries(packageName);
  const user = await postgresUser(binaries, dataDir.path);
  const cluster = await openCluster(dataDir, binaries, user, durable);
  await stopLeftoverPostgres(dataDir, log);
  if (wanted !== undefined) await checkFree(NAME, wanted, 'PIGEONPOST_POSTGRES_PORT');
  for (let attempt = 1; ; attempt++) {
    const port = wanted ?? (await keptPort(dataDir));
    try {
      const server = await serve(dataDir, binaries, user, cluster, port, durable, log);
      await createDatabase(cluster, port).catch(async (error: unknown) => {
        await server.stop();
        throw error;
      });
      return {
        url: urlOf(cluster, port, PIGEONPOST),
        port,
        get pid() {
          return server.pid;
        },
        stop: () => stopServer(server, binaries, cluster),
      };
    } catch (error) {
      if (wanted !== undefined || attempt === PORT_TRIES || !lostPort(error)) throw error;
      // Something took the port between the look at it and the start.
    }
  }
}

async function serve(
  dataDir: DataDir,
  binaries: PostgresBinaries,
  user: PostgresUser,
  cluster: PostgresCluster,
  port: number,
  durable: boolean,
  log: Log,
): Promise<ServerProcess> {
  const { file, args } = user.command(binaries.postgres, ['-D', cluster.folder, ...settings(port, durable)]);
  return ServerProcess.start(
    {
      name: NAME,
      file,
      args,
      ...(user.as && { as: user.as }),
      logFile: dataDir.file('logs', 'postgres.log'),
      responds: () => responds(cluster, port),
      startTimeoutMs: START_TIMEOUT_MS,
      stopSignals: STOP_SIGNALS,
      maxStopMs: MAX_STOP_MS,
    },
    log,
  );
}

function settings(port: number, durable: boolean): string[] {
  const values: Record<string, string | number> = {
    listen_addresses: LOCALHOST,
    port,
    unix_socket_directories: '',
    max_connections: 200,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(!durable && { fsync: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** On Windows there are no signals to ask with. */
async function stopServer(server: ServerProcess, binaries: PostgresBinaries, cluster: PostgresCluster): Promise<void> {
  if (process.platform === 'win32' && server.pid !== undefined) {
    const args = ['stop', '-D', cluster.folder, '-m', 'fast', '-w'];
    server.expectEnd();
    await promisify(execFile)(binaries.pgCtl, args, { env: serverEnvironment() }).catch(() => undefined);
  }
  await server.stop();
}

/** Stops a PostgreSQL of an earlier run, and removes its pid file if another process has that id now. */
export async function stopLeftoverPostgres(dataDir: DataDir, log: Log): Promise<void> {
  const { pidFile, mark } = postgresTrace(dataDir.path);
  const pid = await readPid(pidFile);
  if (pid === undefined) return;
  await stopLeftover({ name: NAME, pid, mark, signals: [...STOP_SIGNALS, 'SIGKILL'], maxWaitMs: MAX_STOP_MS }, log);
  const now = await commandLine(pid);
  if (now !== '' && !now.includes('postgres')) await rm(pidFile, { force: true });
}

async function keptPort(dataDir: DataDir): Promise<number> {
  const keptIn = dataDir.file('postgres-port');
  const kept = Number(await readFile(keptIn, 'utf8').catch(() => ''));
  if (Number.isInteger(kept) && kept > 0 && kept < 65_536 && (await isFree(kept))) return kept;
  const port = await pickPort();
  await writeFile(keptIn, `${port}\n`, { mode: 0o600 });
  return port;
}

function lostPort(error: unknown): boolean {
  return error instanceof ServerStartError && error.output.includes('Address already in use');
}

function urlOf({ password }: PostgresCluster, port: number, database: string): string {
  return `postgres://${PIGEONPOST}:${password}@${LOCALHOST}:${port}/${database}`;
}

async function connected<T>(cluster: PostgresCluster, port: number, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: urlOf(cluster, port, 'postgres'),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: 10 * CONNECT_TIMEOUT_MS,
  });
  // A broken connection fails its query; it must not end this process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function responds(cluster: PostgresCluster, port: number): Promise<boolean> {
  try {
    await connected(cluster, port, (client) => client.query('select 1'));
    return true;
  } catch (error) {
    // 28P01: it responds, but the password is not the stored one.
    if (error instanceof DatabaseError && error.code === '28P01') {
      throw new OperatorError(
        `${NAME} on port ${port} refuses the password kept for ${cluster.folder}.`,
        'Restore the file postgres-password next to that folder, or delete both to start with an empty database.',
        { cause: error },
      );
    }
    return false;
  }
}

async function createDatabase(cluster: PostgresCluster, port: number): Promise<void> {
  await connected(cluster, port, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [PIGEONPOST]);
    if (rowCount === 0) await client.query(`create database ${PIGEONPOST}`);
  });
}
