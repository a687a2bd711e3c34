/** The servers of a data folder as other processes recognise them: by their process id files and command lines. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, parentOf } from './processes.js';

/** How a server of a data folder is found. */
export interface ServerTrace {
  pidFile: string;
  /** Part of the command line that only a server of this data folder has. */
  mark: string;
}

export function postgresTrace(path: string): ServerTrace {
  const folder = join(path, 'postgres');
  return { pidFile: join(folder, 'postmaster.pid'), mark: `-D ${folder} ` };
}

export function temporalTrace(path: string): ServerTrace {
  return { pidFile: join(path, 'temporal.pid'), mark: join(path, 'temporal.db') };
}

/** The process id in the first line of a file; undefined when there is none. */
export async function readPid(pidFile: string): Promise<number | undefined> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  return pid > 0 ? pid : undefined;
}

/** The process id of init, which adopts the children of processes that ended. */
const INIT = 1;

/** The process that started the servers of this data folder, while both it and one of them run. */
export async function ownerOfServers(path: string): Promise<number | undefined> {
  for (const { pidFile, mark } of [postgresTrace(path), temporalTrace(path)]) {
    const pid = await readPid(pidFile);
    if (pid === undefined || !(await commandLine(pid)).includes(mark)) continue;
    const parent = await parentOf(pid);
    if (parent !== undefined && parent !== INIT) return parent;
  }
  return undefined;
}
