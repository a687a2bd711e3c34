import { readdirSync, statSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError } from '../lib/errors.js';
import { type Log } from './log.js';
import { runCommand } from './run-command.js';
import { serverEnvironment } from './server-process.js';

/** The test environments of the SDK, each run by a program of its own. */
export type EnvironmentKind = 'createLocal' | 'createTimeSkipping';

const NO_BYTE_AFTER_MS = 20_000;
const NO_NEW_BYTE_AFTER_MS = 45_000;
const DOWNLOAD_TIMEOUT_MS = 20 * 60_000;
const CHECK_TIMEOUT_MS = 60_000;

/**
 * Starts and stops one of the SDK's test environments in a process of its own: it installs the SDK's runtime, of which
 * there is one per process and whose options are not ours to fix, and its download cannot be broken off otherwise.
 */
const SCRIPT = `
const [testing, kind, executable] = process.argv.slice(1);
require(testing).TestWorkflowEnvironment[kind]({ server: { executable: JSON.parse(executable) } })
  .then((environment) => environment.teardown())
  .then(() => process.exit(0), (error) => {
    // The message contains the address twice, each time with a long query.
    console.error(error.message.replace(/\\?[^)]*\\)/g, ')').split(/: (?=error sending request)/).at(-1));
    process.exit(1);
  });
`;

function scriptArguments(kind: EnvironmentKind, executable: object): string[] {
  return ['-e', SCRIPT, require.resolve('@temporalio/testing'), kind, JSON.stringify(executable)];
}

/** Has the SDK download the program of a test environment into `folder`, as the file `name`. */
export async function downloadBySdk(
  kind: EnvironmentKind,
  folder: string,
  name: string,
  doing: string,
  log: Log,
): Promise<void> {
  log.info(doing);
  const executable = { type: 'cached-download', downloadDir: folder };
  await runCommand(process.execPath, scriptArguments(kind, executable), {
    doing,
    log,
    env: serverEnvironment(),
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
    giveUp: stalled(() => bytesIn(folder)),
  });
  const [file, ...more] = await readdir(folder);
  if (file === undefined || more.length > 0) throw new OperatorError(`the SDK wrote ${more.length + 1} files`);
  await rename(join(folder, file), join(folder, name));
}

/** Throws unless the SDK can start a test environment with this program. */
export async function checkBySdk(kind: EnvironmentKind, path: string, log: Log): Promise<void> {
  await runCommand(process.execPath, scriptArguments(kind, { type: 'existing-path', path }), {
    doing: `Trying ${path}`,
    log,
    env: serverEnvironment(),
    timeoutMs: CHECK_TIMEOUT_MS,
  });
}

/** Returns a function that says why to give up once the number of bytes has not grown for too long. */
function stalled(bytes: () => number): () => string | undefined {
  let most = 0;
  let grownAtMs = performance.now();
  return () => {
    const now = bytes();
    if (now > most) [most, grownAtMs] = [now, performance.now()];
    const maxWaitMs = most === 0 ? NO_BYTE_AFTER_MS : NO_NEW_BYTE_AFTER_MS;
    return performance.now() - grownAtMs > maxWaitMs ? `nothing came for ${maxWaitMs / 1_000} s` : undefined;
  };
}

function bytesIn(folder: string): number {
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}
