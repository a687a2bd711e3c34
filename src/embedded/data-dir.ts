import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError, errorCode, explainFileError } from '../lib/errors.js';
import { takeLock } from './file-lock.js';
import { ownerOfServers } from './running-servers.js';

/** The folder of the embedded servers, locked by this process. */
export interface DataDir {
  path: string;
  /** Path of something in it. */
  file(...names: string[]): string;
  /** Lets the next process have it. */
  release: () => Promise<void>;
}

/**
 * Creates the folder, for this user only, and takes hold of it.
 *
 * @throws OperatorError when a running Pigeonpost holds it
 */
export async function openDataDir(path: string): Promise<DataDir> {
  const file = (...names: string[]) => join(path, ...names);
  try {
    await mkdir(file('logs'), { recursive: true, mode: 0o700 });
    const lock = await takeLock(file('lock'));
    if (!lock.acquired) throw alreadyRuns(path, lock.pid);
    // A lock that was damaged or deleted says nothing about its process, but the servers it started do.
    const owner = lock.inherited ? undefined : await ownerOfServers(path);
    if (owner !== undefined) {
      await lock.release();
      throw alreadyRuns(path, owner);
    }
    await makePrivate(path);
    return { path, file, release: lock.release };
  } catch (error) {
    throw explainFileError(error, path);
  }
}

function alreadyRuns(path: string, pid: number): OperatorError {
  return new OperatorError(
    `Pigeonpost already runs here (pid ${pid}).`,
    `Stop it first, or set PIGEONPOST_DATA_DIR to a folder other than ${path}.`,
  );
}

/** Closes a folder that was created by other means to everyone else; one that belongs to another user stays as it is. */
async function makePrivate(path: string): Promise<void> {
  if (((await stat(path)).mode & 0o077) === 0) return;
  await chmod(path, 0o700).catch((error: unknown) => {
    if (errorCode(error) !== 'EPERM') throw error;
  });
}
