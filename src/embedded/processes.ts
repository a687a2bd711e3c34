import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorCode } from '../lib/errors.js';
import { type Log } from './log.js';
import { waitUntil } from './poll.js';

const run = promisify(execFile);

/**
 * Whether a process with this id exists. A finished one whose parent has not taken notice still counts, so ask for its
 * command line to know whether it runs.
 */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

/** The command line of a running process; empty when there is none, when it has finished, or when it is unknown. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return text.replaceAll('\0', ' ').trim();
  }
  return ps(pid, 'command');
}

/**
 * Distinguishes a process from a later one with the same id: its start time by the system clock.
 * Empty when it does not run or the time is unknown.
 */
export async function birth(pid: number): Promise<string> {
  if (process.platform !== 'linux') return ps(pid, 'lstart');
  try {
    const [boot, fields] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), statusFields(pid)]);
    // The start time is the 22nd field of the file.
    return fields[0] === 'Z' ? '' : `${boot.trim()} ${fields[19]}`;
  } catch {
    return '';
  }
}

/** The process id of a process's parent; undefined when it does not run or this cannot be found out. */
export async function parentOf(pid: number): Promise<number | undefined> {
  const text = process.platform === 'linux' ? (await statusFields(pid).catch(() => []))[1] : await ps(pid, 'ppid');
  const parent = Number(text);
  return parent > 0 ? parent : undefined;
}

/** The fields of Linux's `/proc/<pid>/stat` after the program's name, which stands in parentheses and may hold anything. */
async function statusFields(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function ps(pid: number, column: string): Promise<string> {
  if (process.platform === 'win32') return '';
  const { stdout } = await run('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim();
}

/** Sends a signal to a process; does nothing when it has ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/**
 * Stops a server that a killed Pigeonpost did not stop: the process `pid`, if its command line shows `mark`, which only
 * a server of this data folder has. The signals are tried in turn, each for `patienceMs`.
 */
export async function stopLeftover(
  leftover: { name: string; pid: number; mark: string; signals: readonly NodeJS.Signals[]; maxWaitMs: number },
  log: Log,
): Promise<void> {
  const { name, pid, mark, signals, maxWaitMs: patienceMs } = leftover;
  const isThere = async () => (await commandLine(pid)).includes(mark);
  if (!(await isThere())) return;
  log.info(`Stopping ${name} of an earlier run (process ${pid})`);
  for (const each of signals) {
    signal(pid, each);
    if (await waitUntil(async () => !(await isThere()), patienceMs)) return;
  }
  log.warn(`${name} of an earlier run (process ${pid}) does not stop`);
}
