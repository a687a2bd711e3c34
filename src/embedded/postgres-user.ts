import { execFile } from 'node:child_process';
import { chmod, lchown, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OperatorError } from '../lib/errors.js';
import { type PostgresBinaries } from './postgres-binaries.js';

const run = promisify(execFile);

/** How to run PostgreSQL's programs as a user it accepts. */
export interface PostgresUser {
  /** The program and arguments that run `file`. */
  command(file: string, args: readonly string[]): { file: string; args: string[] };
  /** The user and group to run as, where they differ from ours. */
  as?: { uid: number; gid: number };
  /** Gives that user what it has to own: a file, or a folder with all that is in it. */
  own(path: string): Promise<void>;
}

/** The user with the least rights, by custom, on every system. */
const NOBODY = 65_534;
const NAMESPACE = ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`];
const ROOT = { uid: 0, gid: 0 };
const VERSION_TIMEOUT_MS = 10_000;

/** Root for the file system, `no one` for PostgreSQL. */
const inNamespace: PostgresUser = {
  command: (file, args) => ({ file: 'unshare', args: [...NAMESPACE, file, ...args] }),
  own: (path) => give(path, ROOT),
};

/**
 * PostgreSQL refuses to run as root. In a user namespace where root is mapped to no one it runs nevertheless, with
 * root's own files; where namespaces are not to be had, it runs as another user of this machine, who has to be let
 * through `folder`, the one that holds its data.
 */
export async function postgresUser(binaries: PostgresBinaries, folder: string): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return { command, own: async () => undefined };
  if (await works(inNamespace, binaries, folder)) return inNamespace;
  const other = await otherUser();
  if (other) {
    await chmod(folder, 0o711);
    if (await works(other, binaries, folder)) return other;
  }
  throw new OperatorError(
    'PostgreSQL refuses to run as root, and neither a user namespace (unshare) nor another user can run it here.',
    'Start Pigeonpost as another user, or set DATABASE_URL to a PostgreSQL that runs elsewhere.',
  );
}

function command(file: string, args: readonly string[]) {
  return { file, args: [...args] };
}

/** Whether this user can run the programs and pass through the folder. */
async function works(user: PostgresUser, { postgres }: PostgresBinaries, folder: string): Promise<boolean> {
  const { file, args } = user.command('sh', ['-c', 'cd "$1" && "$2" --version', 'sh', folder, postgres]);
  return run(file, args, { ...user.as, timeout: VERSION_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
}

/** The user `postgres`, or else `no one`. */
async function otherUser(): Promise<PostgresUser | undefined> {
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const entry = /^_?postgres:.*$/m.exec(users) ?? /^nobody:.*$/m.exec(users);
  const [, , uid, gid] = (entry?.[0] ?? '').split(':').map(Number);
  // macOS gives no one the number -2.
  if (uid === undefined || gid === undefined || !(uid > 0 && gid > 0)) return undefined;
  return { command, as: { uid, gid }, own: (path) => give(path, { uid, gid }) };
}

async function give(path: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  const before = await stat(path);
  if (before.uid === uid) return;
  // The folder itself comes last: while it is the former owner's, the work counts as not done.
  const entries = before.isDirectory() ? await readdir(path, { recursive: true }) : [];
  for (const entry of entries) await lchown(join(path, entry), uid, gid);
  await lchown(path, uid, gid);
}
