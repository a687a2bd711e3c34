/** The machine: Node.js, the data folder and the disk it is on. */
import { constants } from 'fs';
import { access, stat, statfs } from 'fs/promises';
import { dirname } from 'path';
import type { Config } from '../../config/config.js';
import { errorCode } from '../../lib/errors.js';
import { ok, problem, warning, type Finding } from './finding.js';

const GIB = 1_024 ** 3;
/** PostgreSQL stops when it cannot write; below this it soon may not. */
const LITTLE_BYTES = GIB;
const TOO_LITTLE_BYTES = GIB / 8;

/** `wanted` is as package.json writes it, `>=20.11`. */
export function nodeFinding(version: string, wanted: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [least = 0, leastMinor = 0] = (wanted.match(/\d+/g) ?? []).map(Number);
  return major > least || (major === least && minor >= leastMinor)
    ? ok('Node.js', version)
    : problem('Node.js', `${version} is too old.`, `Install ${least}.${leastMinor} or newer.`);
}

/** What is free where the data lies, in bytes. */
export function diskFinding(path: string, free: number): Finding {
  const says = `${(free / GIB).toFixed(1)} GiB are free where ${path} is`;
  if (free >= LITTLE_BYTES) return ok('Disk', says);
  const advice = 'Free some space.';
  return free >= TOO_LITTLE_BYTES ? warning('Disk', `${says}.`, advice) : problem('Disk', `${says}.`, advice);
}

export async function dataFolder({ dataDir }: Config): Promise<Finding[]> {
  const folder = await nearest(dataDir);
  const { bavail, bsize } = await statfs(folder);
  return [await writable(dataDir, folder), diskFinding(dataDir, bavail * bsize)];
}

async function writable(dataDir: string, folder: string): Promise<Finding> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch {
    return problem('Data folder', `${folder} cannot be written.`, 'Change its owner, or set PIGEONPOST_DATA_DIR.');
  }
  if (folder !== dataDir) return ok('Data folder', `${dataDir}, made at the first start`);
  const { mode } = await stat(dataDir);
  // Windows has no such modes.
  return process.platform !== 'win32' && (mode & 0o077) !== 0
    ? warning('Data folder', `Others may look into ${dataDir}, where keys are kept.`, `Run chmod 700 ${dataDir}.`)
    : ok('Data folder', dataDir);
}

/** The folder itself, or the nearest around it that there is. */
async function nearest(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return nearest(dirname(path));
  }
}
