import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { OperatorError, errorMessage } from '../lib/errors.js';
import { type DataDir } from './data-dir.js';
import { type Log } from './log.js';
import { LOCALHOST, checkFree, pickPort } from './ports.js';
import { stopLeftover } from './processes.js';
import { runCommand } from './run-command.js';
import { readPid, temporalTrace } from './running-servers.js';
import { ServerProcess, ServerStartError, serverEnvironment } from './server-process.js';
import { adoptSchema } from './temporal-schema.js';

/** Types a search attribute can have. */
export type SearchAttributeKind = 'Text' | 'Keyword' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList';

/** Search attributes to register: their types by name. */
export type SearchAttributes = Readonly<Record<string, SearchAttributeKind>>;

export interface TemporalServerOptions {
  /** Path of the Temporal CLI. */
  cli: string;
  dataDir: DataDir;
  log: Log;
  port: number;
  /** Port of the web interface. */
  uiPort: number;
  searchAttributes: SearchAttributes;
}

/** A Temporal development server that runs as a child of this process. */
export interface TemporalServer {
  /** Where it listens, host:port. */
  address: string;
  /** What it serves beside: its HTTP API and its metrics. */
  urls: readonly string[];
  /** Its process id; another one after it had to be started again. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** The namespace that a development server always has. */
export const NAMESPACE = 'default';

const NAME = 'Temporal';
const STOP_SIGNALS = ['SIGTERM'] as const;
/** It takes some three seconds to stop in order. */
const MAX_STOP_MS = 15_000;
const START_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** How often it is started when another process is in its way for a moment only. */
const STARTS = 5;
const VERSION_TIMEOUT_MS = 20_000;

/**
 * Settings of the server: activities may be sent to the worker with the response to its workflow task, which halves the
 * time to the first attempt; and its limits, meant for a cluster that many share, are out of the way of one machine.
 */
const DYNAMIC_CONFIG = {
  'system.enableActivityEagerExecution': true,
  'frontend.rps': 20_000,
  'frontend.namespaceRPS': 20_000,
  'frontend.namespaceRPS.visibility': 1_000,
  'frontend.namespaceCount': 10_000,
};

/**
 * Without this setting the fairness keys of deliveries are taken and not looked at. It is for servers that began with it:
 * with fairness a backlog is kept in another table, and what waits in the first one would not be found there.
 */
const FAIRNESS = 'matching.enableFairness';

/** Starts a development server that keeps its state in this data folder. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const { dataDir, log, port, uiPort } = options;
  const { pidFile, mark } = temporalTrace(dataDir.path);
  await clearLeftover(pidFile, mark, log);
  await checkFree('the embedded Temporal server', port, 'PIGEONPOST_TEMPORAL_PORT');
  await checkFree("Temporal's web interface", uiPort, 'PIGEONPOST_TEMPORAL_UI_PORT');
  const isNew = !existsSync(databaseFile(dataDir));
  if (isNew) await writeFile(fairnessMark(dataDir), '');
  await makePrivate(databaseFile(dataDir));
  const version = await versionOf(options);
  if (!isNew) await upgradeDatabase(options, version, pidFile);
  const ports = await withPorts(options);
  const server = await startWithRetry(ports, pidFile);
  await writeFile(versionMark(dataDir), version);
  return {
    address: `${LOCALHOST}:${port}`,
    urls: [ports.httpPort, ports.metricsPort].map((each) => `http://${LOCALHOST}:${each}`),
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
  };
}

/** What the command line prints as its version: its own, and that of the server in it. */
async function versionOf({ cli, log }: TemporalServerOptions): Promise<string> {
  const options = { doing: `Trying ${cli}`, log, env: serverEnvironment(), timeoutMs: VERSION_TIMEOUT_MS };
  return (await runCommand(cli, ['--version'], options)).trim();
}

/** Brings data that another release of the server has written to the schema of this one. */
async function upgradeDatabase(options: TemporalServerOptions, version: string, pidFile: string): Promise<void> {
  const { dataDir, log } = options;
  const former = await readFile(versionMark(dataDir), 'utf8').catch(() => undefined);
  if (former === version) return;
  log.info(`Bringing Temporal's data to the schema of ${version}`);
  const folder = await mkdtemp(`${databaseFile(dataDir)}-sample-`);
  const sample = { path: folder, file: (...names: string[]) => join(folder, ...names) };
  await mkdir(sample.file('logs'));
  try {
    // A server creates a database with its schema as soon as it starts.
    const [port, uiPort] = [await pickPort(), await pickPort()];
    const server = await startWithRetry(await withPorts({ ...options, dataDir: sample, port, uiPort }), pidFile);
    await server.stop();
    adoptSchema(databaseFile(dataDir), databaseFile(sample));
  } catch (error) {
    throw new OperatorError(
      `Temporal's data cannot be brought to the schema of ${version}: ${errorMessage(error)}.`,
      `Set PIGEONPOST_TEMPORAL_CLI to the release that wrote them${former === undefined ? '' : ` (${former})`}.`,
      { cause: error },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface ServerOptions extends Omit<TemporalServerOptions, 'dataDir'> {
  dataDir: Pick<DataDir, 'path' | 'file'>;
}

interface AllPorts extends ServerOptions {
  httpPort: number;
  metricsPort: number;
}

/** All ports are set explicitly: receivers must not be able to use them, and ports that it picks itself are unknown. */
async function withPorts(options: ServerOptions): Promise<AllPorts> {
  return { ...options, httpPort: await pickPort(), metricsPort: await pickPort() };
}

async function startWithRetry(options: AllPorts, pidFile: string): Promise<ServerProcess> {
  const { cli, dataDir, log, port } = options;
  for (let start = 1; ; start++) {
    try {
      return await ServerProcess.start(
        {
          name: NAME,
          file: cli,
          args: serverArguments(options),
          logFile: dataDir.file('logs', 'temporal.log'),
          pidFile,
          responds: () => responds(port),
          startTimeoutMs: START_TIMEOUT_MS,
          stopSignals: STOP_SIGNALS,
          maxStopMs: MAX_STOP_MS,
        },
        log,
      );
    } catch (error) {
      if (start === STARTS || !(error instanceof ServerStartError) || !passes(error.output)) throw error;
      log.info(`${NAME} could not start yet; trying again`);
      await new Promise((resolve) => setTimeout(resolve, 1_000 * start));
    }
  }
}

/** A former server that still shuts down holds the database; the ports it picks for itself may be in use by then. */
function passes(output: string): boolean {
  return /database is locked|address already in use/.test(output);
}

function serverArguments(options: AllPorts): string[] {
  const { dataDir, port, uiPort, httpPort, metricsPort, searchAttributes } = options;
  return [
    // A write-ahead log is as durable as SQLite's usual journal, at less than half the time for each workflow.
    ...['server', 'start-dev', '--db-filename', databaseFile(dataDir), '--sqlite-pragma', 'journal_mode=WAL'],
    ...['--ip', LOCALHOST, '--port', String(port), '--ui-port', String(uiPort), '--log-level', 'warn'],
    ...['--http-port', String(httpPort), '--metrics-port', String(metricsPort)],
    ...Object.entries(searchAttributes).flatMap(([name, kind]) => ['--search-attribute', `${name}=${kind}`]),
    ...Object.entries({ ...DYNAMIC_CONFIG, [FAIRNESS]: existsSync(fairnessMark(dataDir)) }).flatMap(([name, value]) => [
      '--dynamic-config-value',
      `${name}=${value}`,
    ]),
  ];
}

/** A file next to a database that was created with fairness. */
function fairnessMark(dataDir: ServerOptions['dataDir']): string {
  return dataDir.file('temporal-fairness');
}

/** A file next to a database that says which release last started on it. */
function versionMark(dataDir: ServerOptions['dataDir']): string {
  return dataDir.file('temporal-version');
}

function databaseFile(dataDir: ServerOptions['dataDir']): string {
  return dataDir.file('temporal.db');
}

/** SQLite's files of an earlier version, which others could read; new ones are made for this user alone. */
async function makePrivate(database: string): Promise<void> {
  for (const file of ['', '-wal', '-shm'].map((suffix) => database + suffix).filter((file) => existsSync(file)))
    await chmod(file, 0o600);
}

async function clearLeftover(pidFile: string, mark: string, log: Log): Promise<void> {
  const pid = await readPid(pidFile);
  if (pid === undefined) return;
  await stopLeftover({ name: NAME, pid, mark, signals: [...STOP_SIGNALS, 'SIGKILL'], maxWaitMs: MAX_STOP_MS }, log);
}

async function responds(port: number): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({
      address: `${LOCALHOST}:${port}`,
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    const { workflowService } = connection;
    await connection.withDeadline(Date.now() + CONNECT_TIMEOUT_MS, async () => {
      await workflowService.describeNamespace({ namespace: NAMESPACE });
    });
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}
