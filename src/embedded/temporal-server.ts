import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { Connection } from '@temporalio/client';
import { type DataDir } from './data-dir.js';
import { type Log } from './log.js';
import { LOCALHOST, checkFree, pickPort } from './ports.js';
import { stopLeftover } from './processes.js';
import { readPid, temporalTrace } from './running-servers.js';
import { ServerProcess, ServerStartError } from './server-process.js';

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
  if (!existsSync(databaseFile(dataDir))) await writeFile(fairnessMark(dataDir), '');
  await makePrivate(databaseFile(dataDir));
  // Set explicitly: receivers must not be able to use them, and ports that it picks itself are unknown.
  const [httpPort, metricsPort] = [await pickPort(), await pickPort()];
  const server = await startWithRetry({ ...options, httpPort, metricsPort }, pidFile);
  return {
    address: `${LOCALHOST}:${port}`,
    urls: [httpPort, metricsPort].map((each) => `http://${LOCALHOST}:${each}`),
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
  };
}

interface AllPorts extends TemporalServerOptions {
  httpPort: number;
  metricsPort: number;
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
function fairnessMark(dataDir: DataDir): string {
  return dataDir.file('temporal-fairness');
}

function databaseFile(dataDir: DataDir): string {
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
