/** PgBouncer in session mode between Pigeonpost and PostgreSQL. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { DataDir } from '#src/embedded/data-dir.js';
import type { Log } from '#src/embedded/log.js';
import { LOCALHOST, pickPort } from '#src/embedded/ports.js';
import { postgresBinaries } from '#src/embedded/postgres-binaries.js';
import { postgresUser } from '#src/embedded/postgres-user.js';
import { ServerProcess } from '#src/embedded/server-process.js';

const run = promisify(execFile);

const PROGRAM = 'pgbouncer';
const START_TIMEOUT_MS = 30_000;
const MAX_STOP_MS = 10_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** Connections to PostgreSQL: in session mode as many as all processes together hold. */
const POOL_SIZE = 80;

export interface Pooler {
  /** The URL of the database through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the pooler; undefined when it is not installed. */
export async function startPgBouncer(
  { dataDir, log }: { readonly dataDir: DataDir; readonly log: Log },
  databaseUrl: string,
): Promise<Pooler | undefined> {
  if (!(await isInstalled())) {
    log.warn('pgbouncer is not installed, so the processes connect to PostgreSQL directly');
    return undefined;
  }
  const url = new URL(databaseUrl);
  const { hostname, port: postgresPort, username, password } = url;
  const port = await pickPort();
  const configFile = dataDir.file('pgbouncer.ini');
  const userFile = dataDir.file('pgbouncer-users.txt');
  await writeFile(userFile, `"${username}" "${decodeURIComponent(password)}"\n`, { mode: 0o600 });
  await writeFile(configFile, settings({ hostname, postgresPort, port, userFile }), { mode: 0o600 });
  // It refuses to run as root, as PostgreSQL does.
  const user = await postgresUser(await postgresBinaries(), dataDir.path);
  await Promise.all([user.own(userFile), user.own(configFile)]);
  url.port = String(port);
  const { file, args } = user.command(PROGRAM, [configFile]);
  const server = await ServerProcess.start(
    {
      name: 'PgBouncer',
      file,
      args,
      ...(user.as && { as: user.as }),
      logFile: dataDir.file('logs', 'pgbouncer.log'),
      responds: () => responds(url.href),
      startTimeoutMs: START_TIMEOUT_MS,
      // SIGINT waits for the end of all sessions, and SIGTERM does not.
      stopSignals: ['SIGTERM'],
      maxStopMs: MAX_STOP_MS,
    },
    log,
  );
  return { url: url.href, stop: () => server.stop() };
}

interface Settings {
  readonly hostname: string;
  readonly postgresPort: string;
  readonly port: number;
  readonly userFile: string;
}

function settings({ hostname, postgresPort, port, userFile }: Settings): string {
  return [
    '[databases]',
    `* = host=${hostname} port=${postgresPort}`,
    '[pgbouncer]',
    `listen_addr = ${LOCALHOST}`,
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${userFile}`,
    'pool_mode = session',
    `default_pool_size = ${POOL_SIZE}`,
    `max_client_conn = ${2 * POOL_SIZE}`,
    // Its default of 15 s would make a short absence of PostgreSQL a longer one for everything behind it.
    'server_login_retry = 1',
    // Settings that Pigeonpost gives with a connection.
    'ignore_startup_parameters = extra_float_digits,options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout',
    '',
  ].join('\n');
}

function isInstalled(): Promise<boolean> {
  return run(PROGRAM, ['--version']).then(
    () => true,
    () => false,
  );
}

async function responds(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
