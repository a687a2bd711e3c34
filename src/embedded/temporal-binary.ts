import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type Config } from '../config/config.js';
import { OperatorError, errorMessage } from '../lib/errors.js';
import { fetchOnce, type Way } from './fetch-once.js';
import { goBuild, type GoPrograms } from './go-build.js';
import { type Log } from './log.js';
import { downloadBySdk } from './sdk-download.js';
import { serverEnvironment } from './server-process.js';

const run = promisify(execFile);

/** The releases that are built where none can be downloaded, the first that can be. */
const BUILDS: readonly GoPrograms[] = [
  build('1.9.1', 'internal/temporalcli', {
    'github.com/temporalio/cli/cliext': 'v0.0.0-20260914181643-1de87a9f2699',
  }),
  // For a Go that cannot build the other.
  build('1.5.1', 'temporalcli'),
];
const FOLDER = 'temporal-cli-1.9';
/** What earlier versions of Pigeonpost fetched: used where nothing newer can be had. */
const FORMER_FOLDER = 'temporal-cli';
const VERSION_TIMEOUT_MS = 20_000;
/** The first server whose activities can be paused and started at once. */
const OLDEST_SERVER = [1, 28] as const;
const PROGRAM = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/**
 * Path of a Temporal CLI whose server is recent enough: the configured one, the one on the PATH, one fetched earlier, or
 * one that is downloaded or built now.
 */
export async function findTemporalCli(
  config: Pick<Config, 'temporalCli' | 'cacheDir'>,
  log: Log,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  if (config.temporalCli !== undefined) {
    await checkConfigured(config.temporalCli);
    return config.temporalCli;
  }
  const onPath = findOnPath(env.PATH ?? '');
  const tooBad = onPath === undefined ? 'none is there' : await problemOf(onPath);
  if (onPath !== undefined && tooBad === undefined) return onPath;
  if (onPath !== undefined) log.info(`${onPath} is not used: ${tooBad}`);

  const folder = join(config.cacheDir, FOLDER);
  const failures = await fetchOnce({
    what: 'the Temporal CLI',
    folder,
    check: async (where) => {
      const problem = await problemOf(join(where, PROGRAM));
      if (problem !== undefined) throw new Error(problem);
    },
    ways: [download(log), ...BUILDS.map((each) => buildWay(each, log, env))],
    log,
  });
  if (failures === undefined) return join(folder, PROGRAM);
  const former = join(config.cacheDir, FORMER_FOLDER, PROGRAM);
  if ((await problemOf(former)) === undefined) return former;
  throw new OperatorError(
    ['No Temporal server was found or could be fetched:', `on the PATH: ${tooBad}`, ...failures].join('\n  - '),
    'Install the Temporal CLI or Go and start again, or set PIGEONPOST_TEMPORAL_CLI to the path of a Temporal CLI, ' +
      'or TEMPORAL_ADDRESS to a server that runs.',
  );
}

/** The Temporal CLI that can be used without fetching one; undefined when there is none. */
export async function presentTemporalCli(
  { temporalCli, cacheDir }: Pick<Config, 'temporalCli' | 'cacheDir'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  if (temporalCli !== undefined) await checkConfigured(temporalCli);
  const cached = [FOLDER, FORMER_FOLDER].map((folder) => join(cacheDir, folder, PROGRAM));
  const candidates = [temporalCli, findOnPath(env.PATH ?? ''), ...cached];
  for (const path of candidates) if (path !== undefined && (await problemOf(path)) === undefined) return path;
  return undefined;
}

async function checkConfigured(path: string): Promise<void> {
  const problem = await problemOf(path);
  if (problem === undefined) return;
  throw new OperatorError(
    `The Temporal CLI ${path} cannot be used: ${problem}.`,
    'Set PIGEONPOST_TEMPORAL_CLI to another one, or unset it.',
  );
}

/** Why this CLI cannot be used; undefined when it can. */
async function problemOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: VERSION_TIMEOUT_MS, env: serverEnvironment() });
    return tooOld(stdout);
  } catch (error) {
    return `it cannot be run (${errorMessage(error)})`;
  }
}

/** Why a CLI that prints this as its version is too old; undefined when it is not. */
export function tooOld(printed: string): string | undefined {
  const [, major, minor] = /\bServer v?(\d+)\.(\d+)/.exec(printed)?.map(Number) ?? [];
  if (major === undefined || minor === undefined) return `it is no Temporal CLI with a server ("${printed.trim()}")`;
  const [oldestMajor, oldestMinor] = OLDEST_SERVER;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `its server ${major}.${minor} is older than ${oldestMajor}.${oldestMinor}`;
}

/** The first Temporal CLI in these folders. */
function findOnPath(path: string): string | undefined {
  const candidates = path.split(delimiter).flatMap((folder) => (folder === '' ? [] : [join(folder, PROGRAM)]));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function download(log: Log): Way {
  return {
    name: 'download',
    fetch: (folder) => downloadBySdk('createLocal', folder, PROGRAM, 'Downloading the Temporal CLI', log),
  };
}

function buildWay(programs: GoPrograms, log: Log, env: NodeJS.ProcessEnv): Way {
  return {
    name: `Go, ${programs.module}@v${programs.version}`,
    fetch: (folder) => goBuild({ ...programs, what: `the Temporal CLI ${programs.version}`, folder, log, env }),
  };
}

/** A release of the CLI, whose package `variables` has its version. */
function build(version: string, variables: string, replaced: Record<string, string> = {}): GoPrograms {
  const module = 'github.com/temporalio/cli';
  const linkerFlags = `-X ${module}/${variables}.Version=${version}`;
  return { module, version, folders: ['cmd/temporal'], replaced, linkerFlags };
}
