/** Building programs from Go modules, where no build of them can be downloaded. */
import { type Log } from './log.js';
import { CommandError, runCommand } from './run-command.js';

const BUILD_TIMEOUT_MS = 30 * 60_000;
const VERSION_TIMEOUT_MS = 20_000;

export interface GoInstallOptions {
  /** What is built, for messages. */
  readonly what: string;
  /** Packages of one module with its version, as `go install` takes them. */
  readonly targets: readonly string[];
  /** Further flags for the linker. */
  readonly linkerFlags?: string;
  /** Folder that the programs are put into. */
  readonly folder: string;
  readonly log: Log;
  readonly env?: NodeJS.ProcessEnv;
}

/** Builds programs with `go install`. Throws an Error that says why it cannot. */
export async function goInstall(installOptions: GoInstallOptions): Promise<void> {
  const { what, targets, linkerFlags = '', folder, log, env = process.env } = installOptions;
  const options = { doing: `Building ${what} with Go`, log, env: goEnvironment(env, folder) };
  await runCommand('go', ['version'], { ...options, timeoutMs: VERSION_TIMEOUT_MS }).catch((error: unknown) => {
    throw new CommandError('Go is not installed', { cause: error });
  });
  log.info(`${options.doing}, as it cannot be downloaded; this takes some minutes, once`);
  const flags = ['-trimpath', '-ldflags', `-s -w ${linkerFlags}`.trim()];
  await runCommand('go', ['install', ...flags, ...targets], { ...options, timeoutMs: BUILD_TIMEOUT_MS });
}

/** It is built for this machine, without a C compiler, whatever the user's own settings of Go are for. */
function goEnvironment(env: NodeJS.ProcessEnv, folder: string): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !['GOOS', 'GOARCH', 'GOFLAGS'].includes(name));
  return { ...Object.fromEntries(kept), GOBIN: folder, CGO_ENABLED: '0' };
}
