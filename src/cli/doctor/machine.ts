/** The machine: Node.js, the data folder and the disk it is on. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config/config.js';
import { errorCode } from '../../lib/errors.js';
import { ok, problem, warning, type Finding } from './finding.js';

const GIB = 1_024 ** 3;
/** PostgreSQL stops when it cannot write; below this it soon may not. */
const LITTLE_BYTES = GIB;
const TOO_LITTLE_BYTES = GIB / 8;

/** The oldest Node.js with which everything still works. */
const OLDEST_NODE = [20, 19] as const;

/** `supported` is as package.json writes it, such as `>=22`. */
export function nodeFinding(version: string, supported: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const least = Number(/\d+/.exec(supported));
  if (major >= least) return ok('Node.js', version);
  const works = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const advice = `Install Node.js ${least} or newer.`;
  return works
    ? warning('Node.js', `${version} still works, but is past its end of life.`, advice)
    : problem('Node.js', `${version} is too old.`, advice);
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
