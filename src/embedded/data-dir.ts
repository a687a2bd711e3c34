import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError, explainFileError } from '../errors.js';
import { takeLock } from './file-lock.js';

/** The folder of the embedded servers, held by this process alone. */
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
    if (lock.held) return { path, file, release: lock.release };
    throw new OperatorError(
      `Pigeonpost already runs here (pid ${lock.pid}).`,
      `Stop it first, or set PIGEONPOST_DATA_DIR to a folder other than ${path}.`,
    );
  } catch (error) {
    throw explainFileError(error, path);
  }
}
