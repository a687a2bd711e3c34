import './global-resolve';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { loadConfig } from '../../src/config/config.js';
import { findTemporalCli } from '../../src/embedded/temporal-binary.js';
import { OperatorError } from '../../src/lib/errors.js';
import { withoutSettings } from './own-settings.js';
import { log, sharePostgres } from './shared-postgres.js';
import { findTemporalTestServer } from './temporal-test-server.js';

/**
 * Runs once before the e2e and browser tests: PostgreSQL as for the integration tests, and
 *
 * - `PIGEONPOST_TEST_TEMPORAL_CLI`: path of a Temporal CLI;
 * - `PIGEONPOST_TEST_TIME_SKIPPING_SERVER`: path of Temporal's time-skipping test server;
 * - `PIGEONPOST_TEST_WORKFLOW_BUNDLE`: path of the bundled workflow code.
 */
export default async function setUpTemporal(): Promise<void> {
  if (process.env.PIGEONPOST_TEST_WORKFLOW_BUNDLE) return;
  const config = loadConfig(withoutSettings(process.env));
  const outcomes = await Promise.allSettled([
    sharePostgres().then(bundleWorkflows),
    findProgram('PIGEONPOST_TEST_TEMPORAL_CLI', findTemporalCli(config, log)),
    findProgram('PIGEONPOST_TEST_TIME_SKIPPING_SERVER', findTemporalTestServer(config, log)),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
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

/** Tests that need a missing program fail with this error; the others run. */
async function findProgram(name: string, program: Promise<string>): Promise<void> {
  delete process.env[name];
  try {
    process.env[name] = await program;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    log.warn(`\n${error.toString()}\nTests that need it will fail.\n`);
  }
}
