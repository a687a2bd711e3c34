/** Keys that are made at the first start and kept in the data folder, readable by their owner only. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { errorCode, explainFileError } from '../lib/errors.js';
import { KEY_FILE, newKeyText, readKeyFiles } from './key-files.js';
import type { KeyRing } from '../store/secret-box.js';

export interface Keys {
  readonly adminKey: string;
  /** The keys that secrets are sealed and opened with, as they are now. */
  readonly encryptionKeys: () => KeyRing;
}

/** The keys of the settings, or those in the data folder, made when there are none. */
export async function loadKeys(config: Config): Promise<Keys> {
  const { api, dataDir } = config;
  return {
    adminKey: api.adminKey ?? (await kept(dataDir, 'admin-key', () => `ppk_${randomBytes(24).toString('base64url')}`)),
    encryptionKeys: await loadEncryptionKeys(config),
  };
}

/** The encryption keys alone. */
export async function loadEncryptionKeys(config: Config): Promise<() => KeyRing> {
  const { encryptionKey, previousEncryptionKeys = [], dataDir } = config;
  if (encryptionKey) return () => [encryptionKey, ...previousEncryptionKeys];
  await kept(dataDir, KEY_FILE, newKeyText);
  const read = (): KeyRing => [...readKeyFiles(dataDir), ...previousEncryptionKeys];
  read();
  return read;
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
