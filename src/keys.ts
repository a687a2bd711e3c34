/** Keys that are made at the first start and kept in the data folder, readable by their owner only. */
import { randomBytes } from 'crypto';
import { mkdir, readFile, writeFile } from 'fs/promises';
import { join } from 'path';
import type { Config } from './config.js';
import { errorCode, explainFileError, OperatorError } from './errors.js';

export interface Keys {
  readonly adminKey: string;
  /** 32 bytes. */
  readonly encryptionKey: Buffer;
}

/** The keys of the settings, or those in the data folder, made when there are none. */
export async function loadKeys({ api, encryptionKey, dataDir }: Config): Promise<Keys> {
  return {
    adminKey: api.adminKey ?? (await kept(dataDir, 'admin-key', () => `ppk_${randomBytes(24).toString('base64url')}`)),
    encryptionKey: encryptionKey ?? readKey(await kept(dataDir, 'encryption-key', newKey)),
  };
}

const newKey = (): string => randomBytes(32).toString('base64');

function readKey(text: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length === 32) return key;
  throw new OperatorError('The file encryption-key in the data folder is damaged.', 'Restore it from a backup.');
}

/** What a file in the data folder says; the first process to come writes it. */
async function kept(dataDir: string, name: string, make: () => string): Promise<string> {
  const path = join(dataDir, name);
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(path, make(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw explainFileError(error, path);
  }
  return (await readFile(path, 'utf8')).trim();
}
