import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../lib/errors.js';
import { birth, exists } from './processes.js';

/** Either ours until released, or another process's. */
export type Lock =
  | {
      acquired: true;
      /** Whether it was the lock of a process that is known to have ended; false where there was none, or a damaged one. */
      inherited: boolean;
      release: () => Promise<void>;
    }
  | { acquired: false; pid: number };

const GUARD_PAUSE_MS = 10;

interface Holder {
  pid: number;
  birth: string;
}

/** Takes the lock that is this file, unless a running process has it; a dead one's, or a damaged one, is taken over. */
export async function takeLock(lockFile: string): Promise<Lock> {
  const mine = JSON.stringify({ pid: process.pid, birth: await birth(process.pid) } satisfies Holder);
  const draft = `${lockFile}.${randomUUID()}`;
  let inherited = false;
  try {
    await writeFile(draft, mine, { mode: 0o600 });
    // Creating a link is atomic, so a partly written lock is never read.
    while (!(await linked(draft, lockFile))) {
      const text = await readIfThere(lockFile);
      if (text === undefined) continue;
      const holder = parse(text);
      if (holder && (await isAlive(holder))) return { acquired: false, pid: holder.pid };
      inherited = holder !== undefined;
      await removeStale(lockFile, text);
    }
  } finally {
    await rm(draft, { force: true });
  }
  const release = async () => {
    if ((await readIfThere(lockFile)) === mine) await rm(lockFile, { force: true });
  };
  return { acquired: true, inherited, release };
}

/** The process that holds this lock; undefined when none does. */
export async function lockHolder(lockFile: string): Promise<number | undefined> {
  const holder = parse((await readIfThere(lockFile)) ?? '');
  return holder && (await isAlive(holder)) ? holder.pid : undefined;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock of a dead process. Only who holds the guard may, and looks again first: else a slow process could
 * remove the lock of a faster one that has just taken it over.
 */
async function removeStale(lockFile: string, stale: string): Promise<void> {
  const guard = await takeLock(`${lockFile}.guard`);
  if (!guard.acquired) return sleep(GUARD_PAUSE_MS);
  try {
    if ((await readIfThere(lockFile)) === stale) await rm(lockFile, { force: true });
  } finally {
    await guard.release();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, birth } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === 'number' && typeof birth === 'string' ? { pid, birth } : undefined;
  } catch {
    return undefined;
  }
}

/** Process ids are used again, after a restart of a container even at once, so the time of birth decides. */
async function isAlive(holder: Holder): Promise<boolean> {
  if (!exists(holder.pid)) return false;
  return holder.birth === (await birth(holder.pid));
}
