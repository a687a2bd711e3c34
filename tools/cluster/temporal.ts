/** A Temporal server on PostgreSQL, as a cluster runs it: its four services in one process, without development settings. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import type { DataDir } from '#src/embedded/data-dir.js';
import type { Log } from '#src/embedded/log.js';
import { LOCALHOST, pickPort } from '#src/embedded/ports.js';
import { waitUntil } from '#src/embedded/poll.js';
import { ServerProcess, ServerStartError, serverEnvironment, type ServerSpec } from '#src/embedded/server-process.js';
import { temporalConfig, type TemporalPorts } from './temporal-config.js';
import type { TemporalPrograms } from './temporal-programs.js';

const run = promisify(execFile);

/** The databases of Temporal, by the name of their schema. */
export const TEMPORAL_DATABASES = { temporal: 'temporal', visibility: 'temporal_visibility' } as const;
const NAMESPACE = 'default';
const RETENTION_S = 3 * 24 * 3_600;
const START_TIMEOUT_MS = 120_000;
const RETRY_MS = 1_000;
const MAX_STOP_MS = 20_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** A new server takes some seconds until it serves a namespace that was just registered. */
const NAMESPACE_TIMEOUT_MS = 60_000;

export interface TemporalServerOptions {
  readonly programs: TemporalPrograms;
  readonly dataDir: DataDir;
  readonly log: Log;
  /** URL of a database of the PostgreSQL server, whose user may create databases. */
  readonly postgresUrl: string;
}

/** A Temporal server that can be started again on the same ports. */
export interface TemporalServer {
  readonly address: string;
  start(): Promise<ServerProcess>;
  /** Creates those of its databases that do not exist, with their schema. */
  createDatabases(): Promise<void>;
}

/** Creates the databases with their schema, and the configuration. Nothing runs yet. */
export async function prepareTemporal(options: TemporalServerOptions): Promise<TemporalServer> {
  const { programs, dataDir, log, postgresUrl } = options;
  const createDatabases = (): Promise<void> => createSchemas(programs.sqlTool, postgresUrl);
  await createDatabases();
  const ports = await pickPorts();
  const folder = dataDir.file('temporal-config');
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/cluster.yaml`, temporalConfig(ports, new URL(postgresUrl)), { mode: 0o600 });
  const address = `${LOCALHOST}:${ports.frontend.grpc}`;
  return {
    address,
    createDatabases,
    async start() {
      const server = await startWithRetry(
        {
          name: 'Temporal',
          file: programs.server,
          args: ['--root', folder, '--config', '.', '--env', 'cluster', '--allow-no-auth', 'start'],
          logFile: dataDir.file('logs', 'temporal.log'),
          responds: () => responds(address),
          startTimeoutMs: START_TIMEOUT_MS,
          stopSignals: ['SIGTERM'],
          maxStopMs: MAX_STOP_MS,
        },
        log,
      );
      await ensureNamespace(address);
      return server;
    },
  };
}

/** It ends at once while PostgreSQL does not respond, and any supervisor would start it again. */
async function startWithRetry(spec: ServerSpec, log: Log): Promise<ServerProcess> {
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await ServerProcess.start(spec, log);
    } catch (error) {
      if (!(error instanceof ServerStartError) || Date.now() > end) throw error;
      log.info('Temporal could not start yet; trying again');
      await sleep(RETRY_MS);
    }
  }
}

async function createSchemas(sqlTool: string, postgresUrl: string): Promise<void> {
  const { hostname, port, username, password } = new URL(postgresUrl);
  for (const [schema, database] of Object.entries(TEMPORAL_DATABASES)) {
    if (!(await createDatabase(postgresUrl, database))) continue;
    const connection = ['--plugin', 'postgres12', '--endpoint', hostname, '--port', port, '--database', database];
    const env = { ...serverEnvironment(), SQL_USER: username, SQL_PASSWORD: decodeURIComponent(password) };
    const tool = (...args: string[]) => run(sqlTool, [...connection, ...args], { env });
    await tool('setup-schema', '--version', '0.0');
    await tool('update-schema', '--schema-name', `postgresql/v12/${schema}`);
  }
}

/** False when there is such a database already. */
async function createDatabase(postgresUrl: string, name: string): Promise<boolean> {
  const client = new Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name}`);
    return rowCount === 0;
  } finally {
    await client.end();
  }
}

async function pickPorts(): Promise<TemporalPorts> {
  const service = async () => ({ grpc: await pickPort(), membership: await pickPort() });
  return {
    frontend: await service(),
    history: await service(),
    matching: await service(),
    worker: await service(),
    http: await pickPort(),
  };
}

async function connected<Result>(address: string, use: (connection: Connection) => Promise<Result>): Promise<Result> {
  const connection = await Connection.connect({ address, connectTimeout: CONNECT_TIMEOUT_MS });
  try {
    return await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, () => use(connection));
  } finally {
    await connection.close();
  }
}

async function responds(address: string): Promise<boolean> {
  return connected(address, ({ workflowService }) => workflowService.getSystemInfo({})).then(
    () => true,
    () => false,
  );
}

/** Registers the namespace, as the installation of a cluster does, and waits until it can be used. */
async function ensureNamespace(address: string): Promise<void> {
  const isThere = () =>
    connected(address, async ({ workflowService }) => {
      const found = await workflowService.describeNamespace({ namespace: NAMESPACE }).catch(() => undefined);
      if (found) return true;
      const workflowExecutionRetentionPeriod = { seconds: RETENTION_S as unknown as Long };
      await workflowService.registerNamespace({ namespace: NAMESPACE, workflowExecutionRetentionPeriod });
      return false;
    }).catch(() => false);
  if (!(await waitUntil(isThere, NAMESPACE_TIMEOUT_MS, 500)))
    throw new Error(`Temporal has no namespace after ${NAMESPACE_TIMEOUT_MS / 1_000} s`);
}

type Long = NonNullable<
  NonNullable<
    Parameters<Connection['workflowService']['registerNamespace']>[0]['workflowExecutionRetentionPeriod']
  >['seconds']
>;
