/** The build of an earlier release, or of any commit: checked out and built in a folder of the cache. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '#src/config/config.js';
import { fetchOnce } from '#src/embedded/fetch-once.js';
import type { Log } from '#src/embedded/log.js';
import { OperatorError } from '#src/lib/errors.js';

const run = promisify(execFile);

/** This file is compiled into tools/out/upgrade. */
const ROOT = resolve(__dirname, '../../..');

export interface Release {
  /** The commit, abbreviated; the build id of its workers. */
  readonly commit: string;
  /** Its command line. */
  readonly main: string;
  /** Whether its workers can have a version in Temporal. */
  readonly hasVersions: boolean;
}

/**
 * Builds a commit once.
 *
 * @param ref a tag, branch or commit; undefined: the newest tag before HEAD
 * @throws OperatorError when there is none, or it cannot be built
 */
export async function buildOf(ref: string | undefined, log: Log): Promise<Release> {
  const name = ref ?? (await lastTag());
  const commit = await git('rev-parse', '--short=12', `${name}^{commit}`).catch((error: unknown) => {
    throw new OperatorError(
      `There is no commit ${name}.`,
      'Fetch it (git fetch --tags), or name another with --from.',
      {
        cause: error,
      },
    );
  });
  const folder = join(loadConfig().cacheDir, 'releases', commit);
  const main = (at: string): string => join(at, 'dist', 'cli', 'main.js');
  const failures = await fetchOnce({
    what: `the build of ${name}`,
    folder,
    async check(at) {
      await run(process.execPath, [main(at), '--version']);
    },
    ways: [
      { name: `git archive ${commit}, npm ci and a build`, fetch: (draft) => checkOutAndBuild(commit, draft, log) },
    ],
    log,
  });
  if (failures !== undefined)
    throw new OperatorError([`${name} could not be built:`, ...failures].join('\n  - '), 'Name another with --from.');
  return { commit, main: main(folder), hasVersions: existsSync(join(folder, 'dist', 'server', 'worker-versions.js')) };
}

/** This tree, as its build says. */
export function thisTree(): Release {
  return { commit: 'this-tree', main: join(ROOT, 'dist', 'cli', 'main.js'), hasVersions: true };
}

async function checkOutAndBuild(commit: string, folder: string, log: Log): Promise<void> {
  log.info(`Building ${commit}`);
  const archive = join(folder, '.archive.tar');
  await git('archive', '--output', archive, commit);
  await run('tar', ['-xf', archive, '-C', folder]);
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder });
  await run(process.execPath, ['scripts/build.mjs'], { cwd: folder });
}

async function lastTag(): Promise<string> {
  return git('describe', '--tags', '--abbrev=0', '--match', 'v*').catch((error: unknown) => {
    throw new OperatorError(
      'No release is tagged here.',
      'Fetch the tags (git fetch --tags), or name a commit with --from.',
      {
        cause: error,
      },
    );
  });
}

async function git(...args: string[]): Promise<string> {
  return (await run('git', args, { cwd: ROOT })).stdout.trim();
}
