/** Building programs from Go modules, where no build of them can be downloaded. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log } from './log.js';
import { CommandError, runCommand } from './run-command.js';

const BUILD_TIMEOUT_MS = 30 * 60_000;
const VERSION_TIMEOUT_MS = 20_000;

/** Programs of one version of a Go module. */
export interface GoPrograms {
  /** Path of the module, such as `github.com/temporalio/cli`. */
  readonly module: string;
  /** Without the `v`. */
  readonly version: string;
  /** Folders of the programs in the module; each program is named by the last part. */
  readonly folders: readonly string[];
  /** What the module's own go.mod replaces: versions by the path of a module. Go ignores replacements of a dependency. */
  readonly replaced?: Readonly<Record<string, string>>;
  /** Further flags for the linker. */
  readonly linkerFlags?: string;
}

export interface GoBuildOptions extends GoPrograms {
  /** What is built, for messages. */
  readonly what: string;
  /** Folder that the programs are put into. */
  readonly folder: string;
  readonly log: Log;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Builds programs as dependencies of an empty module: unlike `go install`, that also works for a module whose go.mod has
 * replacements. Throws an Error that says why it cannot.
 */
export async function goBuild(buildOptions: GoBuildOptions): Promise<void> {
  const { what, module, folders, linkerFlags = '', folder, log, env = process.env } = buildOptions;
  const own = await mkdtemp(join(tmpdir(), 'pigeonpost-go-'));
  const options = { doing: `Building ${what} with Go`, log, env: goEnvironment(env), cwd: own };
  try {
    await runCommand('go', ['version'], { ...options, timeoutMs: VERSION_TIMEOUT_MS }).catch((error: unknown) => {
      throw new CommandError('Go is not installed', { cause: error });
    });
    log.info(`${options.doing}, as it cannot be downloaded; this takes some minutes, once`);
    await writeFile(join(own, 'go.mod'), goMod(buildOptions));
    const flags = ['-mod=mod', '-trimpath', '-ldflags', `-s -w ${linkerFlags}`.trim(), '-o', `${folder}/`];
    const packages = folders.map((each) => `${module}/${each}`);
    await runCommand('go', ['build', ...flags, ...packages], { ...options, timeoutMs: BUILD_TIMEOUT_MS });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

function goMod({ module, version, replaced = {} }: GoPrograms): string {
  const replacements = Object.entries(replaced).map(([path, at]) => `replace ${path} => ${path} ${at}`);
  return ['module pigeonpost.invalid/build', 'go 1.21', `require ${module} v${version}`, ...replacements, ''].join(
    '\n',
  );
}

/** It is built for this machine, without a C compiler, whatever the user's own settings of Go are for. */
function goEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !['GOOS', 'GOARCH', 'GOFLAGS', 'GOWORK'].includes(name));
  return { ...Object.fromEntries(kept), CGO_ENABLED: '0', GOWORK: 'off' };
}
