import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, errorMessage, explainFileError } from '../lib/errors.js';
import { takeLock } from './file-lock.js';
import { type Log } from './log.js';

/** One way to get a program. */
export interface Way {
  /** Where from, for the list of what was tried. */
  name: string;
  /** Puts everything it needs into `folder` and throws an Error saying why it cannot. */
  fetch(folder: string): Promise<void>;
}

export interface FetchOptions {
  /** The program to fetch. */
  what: string;
  /** Folder to keep it in, of its own. */
  folder: string;
  /** Throws unless the program in this folder can be used. */
  check: (folder: string) => Promise<void>;
  ways: readonly Way[];
  log: Log;
}

const WAIT_EVERY_MS = 200;
const REPORT_EVERY_MS = 10_000;

/**
 * Makes sure that a program is in its folder of the cache, fetching it by the first way that works. Processes that want
 * it at the same time wait for the one that fetches it, and a partial download is never used.
 *
 * @returns what went wrong with each way when none worked; undefined when the program is there
 */
export async function fetchOnce({ what, folder, check, ways, log }: FetchOptions): Promise<string[] | undefined> {
  const isThere = async () => (await stat(folder).catch(() => undefined)) !== undefined;
  const isGood = async () =>
    (await isThere()) &&
    check(folder).then(
      () => true,
      () => false,
    );
  if (await isGood()) return undefined;
  await mkdir(dirname(folder), { recursive: true }).catch((error: unknown) => {
    throw explainFileError(error, folder);
  });
  const release = await lockFor(what, `${folder}.lock`, log);
  try {
    if (await isGood()) return undefined;
    await rm(folder, { recursive: true, force: true });
    return await fetch(folder, check, ways);
  } finally {
    await release();
  }
}

async function fetch(
  folder: string,
  check: FetchOptions['check'],
  ways: readonly Way[],
): Promise<string[] | undefined> {
  const failures: string[] = [];
  for (const way of ways) {
    const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
    try {
      await way.fetch(draft);
      await check(draft);
      await rename(draft, folder);
      return undefined;
    } catch (error) {
      // No other way would fare better.
      if (errorCode(error) === 'ENOSPC') throw explainFileError(error, folder);
      failures.push(`${way.name}: ${errorMessage(error)}`);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  return failures;
}

async function lockFor(what: string, lockFile: string, log: Log): Promise<() => Promise<void>> {
  let reportAtMs = 0;
  for (;;) {
    const lock = await takeLock(lockFile);
    if (lock.acquired) return lock.release;
    if (performance.now() >= reportAtMs) {
      log.info(`Waiting for process ${lock.pid}, which is fetching ${what}`);
      reportAtMs = performance.now() + REPORT_EVERY_MS;
    }
    await sleep(WAIT_EVERY_MS);
  }
}
