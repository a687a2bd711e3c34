/**
 * The encryption key that Pigeonpost makes for itself: a file in the data folder, readable by its owner only. While it is
 * rotated the former key is beside it, so that every process can decrypt with either.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, explainFileError, OperatorError } from '../lib/errors.js';
import type { KeyRing } from '../store/secret-box.js';

export const KEY_FILE = 'encryption-key';
const FORMER_FILE = 'encryption-key.former';

/** A new key as the file holds it. */
export const newKeyText = (): string => randomBytes(32).toString('base64');

/** The key in use, and the former one during a rotation. Read each time: a rotation happens in another process. */
export function readKeyFiles(dataDir: string): KeyRing {
  // In this order: the former key is written before the current one is replaced.
  const current = readKey(dataDir, KEY_FILE);
  if (!current)
    throw new OperatorError(`The file ${KEY_FILE} in the data folder does not exist.`, 'Restore it from a backup.');
  const former = readKey(dataDir, FORMER_FILE);
  return former && !former.equals(current) ? [current, former] : [current];
}

/** Makes a new key and keeps the former, unless a rotation that has begun is to be finished. */
export async function beginKeyRotation(dataDir: string): Promise<void> {
  const [current, former] = readKeyFiles(dataDir);
  if (former) return;
  await replaceFile(dataDir, FORMER_FILE, current.toString('base64'));
  await replaceFile(dataDir, KEY_FILE, newKeyText());
}

/** Forgets the former key. */
export async function endKeyRotation(dataDir: string): Promise<void> {
  await rm(join(dataDir, FORMER_FILE), { force: true });
}

function readKey(dataDir: string, name: string): Buffer | undefined {
  const path = join(dataDir, name);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw explainFileError(error, path);
  }
  const key = Buffer.from(text, 'base64');
  if (key.length === 32) return key;
  throw new OperatorError(`The file ${name} in the data folder is damaged.`, 'Restore it from a backup.');
}

/** Whole or not at all, and on the disk before anything is sealed with it. */
async function replaceFile(dataDir: string, name: string, text: string): Promise<void> {
  const path = join(dataDir, name);
  try {
    await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
    // An earlier try may have created the file.
    await chmod(`${path}.new`, 0o600);
    await rename(`${path}.new`, path);
    await syncFolder(dataDir);
  } catch (error) {
    throw explainFileError(error, path);
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
