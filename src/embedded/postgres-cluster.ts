import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { OperatorError, errorCode, errorMessage, explainFileError } from '../lib/errors.js';
import { type DataDir } from './data-dir.js';
import { type PostgresBinaries } from './postgres-binaries.js';
import { type PostgresUser } from './postgres-user.js';
import { serverEnvironment } from './server-process.js';

const run = promisify(execFile);

/** Name of the only user and of its database. */
export const PIGEONPOST = 'pigeonpost';

/** A folder with a database cluster in it, ready to be served. */
export interface PostgresCluster {
  folder: string;
  password: string;
}

/** Where the cluster of this data folder is, or will be. */
export function clusterFolder(dataDir: DataDir): string {
  return dataDir.file('postgres');
}

/** The cluster in this data folder, created when there is none. */
export async function openCluster(
  dataDir: DataDir,
  binaries: PostgresBinaries,
  user: PostgresUser,
  durable: boolean,
): Promise<PostgresCluster> {
  const folder = clusterFolder(dataDir);
  const passwordFile = dataDir.file('postgres-password');
  try {
    const kept = await readFile(passwordFile, 'utf8').catch(unlessMissing);
    if (await isThere(folder)) {
      if (kept === undefined) throw passwordLost(passwordFile, folder);
      await user.own(folder);
      return { folder, password: kept.trim() };
    }
    const password = kept?.trim() ?? randomBytes(24).toString('base64url');
    // Kept before the cluster exists, so there never is a cluster without its password.
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    await create(folder, password, binaries, user, durable);
    return { folder, password };
  } catch (error) {
    throw explainFileError(error, dataDir.path);
  }
}

/** Created under another name and renamed when complete, so that a killed start never leaves a partial cluster. */
async function create(
  folder: string,
  password: string,
  binaries: PostgresBinaries,
  user: PostgresUser,
  durable: boolean,
): Promise<void> {
  const draft = `${folder}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  const passwordFile = `${draft}-password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  await Promise.all([user.own(draft), user.own(passwordFile)]);
  const { file, args } = user.command(binaries.initdb, [
    `--pgdata=${draft}`,
    `--username=${PIGEONPOST}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--no-locale',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ]);
  try {
    await run(file, args, { ...user.as, env: serverEnvironment() });
  } catch (error) {
    throw initdbFailed(error, folder);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(draft, folder);
}

function initdbFailed(error: unknown, folder: string): OperatorError {
  const { stderr = '' } = error as { stderr?: string };
  if (stderr.includes('No space left on device')) {
    return new OperatorError(`The disk that holds ${folder} is full.`, 'Free some space and start again.');
  }
  const line = stderr.split('\n').find((text) => /error|fatal/i.test(text)) ?? errorMessage(error);
  return new OperatorError(`The embedded PostgreSQL could not be created in ${folder}: ${line.trim()}.`, undefined, {
    cause: error,
  });
}

function passwordLost(passwordFile: string, folder: string): OperatorError {
  return new OperatorError(
    `${passwordFile} is missing, so the data in ${folder} cannot be opened.`,
    'Restore it, or delete both to start with an empty database.',
  );
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error: unknown) => unlessMissing(error) ?? false,
  );
}

function unlessMissing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
  return undefined;
}
