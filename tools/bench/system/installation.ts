/** Pigeonpost as its users run it: `pigeonpost up` in a process of its own, on a data folder that is new. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pickPort } from '#src/embedded/ports.js';
import { waitUntil } from '#src/embedded/poll.js';
import { output, project } from './folders.js';

const START_LIMIT_MS = 300_000;
const STOP_LIMIT_MS = 60_000;

/** A running Pigeonpost with everything it has embedded. */
export interface Installation {
  readonly url: string;
  readonly adminKey: string;
  readonly databaseUrl: string;
  readonly dataDir: string;
  /** host:port */
  readonly temporalAddress: string;
  readonly pids: { readonly pigeonpost: number; readonly temporal: number; readonly postgres: number };
  stop(): Promise<void>;
}

/**
 * Starts one with these settings beside its own; `profile` has its process write where its processor time goes. `prefix`
 * are words to put before the command: a program that replaces itself by it.
 */
export async function startInstallation(
  settings: Readonly<Record<string, string>>,
  profile: boolean,
  prefix: readonly string[] = [],
): Promise<Installation> {
  const dataDir = output('data');
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  const [port, postgresPort, temporalPort, uiPort] = [
    await pickPort(),
    await pickPort(),
    await pickPort(),
    await pickPort(),
  ];
  const adminKey = randomBytes(16).toString('hex');
  const log = openSync(output('pigeonpost.log'), 'a');
  const flags = profile ? ['--cpu-prof', `--cpu-prof-dir=${output('profiles')}`] : [];
  // In a group of its own, so that Ctrl-C reaches the bench only.
  const command = [...prefix, process.execPath, ...flags, project('dist', 'cli', 'main.js'), 'up'];
  const child = spawn(command[0]!, command.slice(1), {
    env: {
      ...process.env,
      PIGEONPOST_DATA_DIR: dataDir,
      PIGEONPOST_ADMIN_KEY: adminKey,
      PIGEONPOST_PORT: String(port),
      PIGEONPOST_POSTGRES_PORT: String(postgresPort),
      PIGEONPOST_TEMPORAL_PORT: String(temporalPort),
      PIGEONPOST_TEMPORAL_UI_PORT: String(uiPort),
      ...settings,
    },
    stdio: ['ignore', log, log],
    detached: true,
  });
  let ended = false;
  child.once('exit', () => (ended = true));
  const ask = (): void => void child.kill('SIGTERM');
  process.once('exit', ask);
  const pidIn = (...names: string[]): number | undefined => readPid(join(dataDir, ...names));
  const stop = async (): Promise<void> => {
    process.off('exit', ask);
    ask();
    if (!(await waitUntil(() => ended, STOP_LIMIT_MS))) {
      // What it has embedded would go on without it.
      for (const pid of [child.pid, pidIn('temporal.pid'), pidIn('postgres', 'postmaster.pid')]) kill(pid);
    }
    await rm(dataDir, { recursive: true, force: true });
  };

  const url = `http://127.0.0.1:${port}`;
  const responses = async (): Promise<boolean> =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  if (!(await waitUntil(async () => ended || (await responses()), START_LIMIT_MS)) || ended) {
    await stop();
    throw new Error(`Pigeonpost does not start; ${output('pigeonpost.log')} says why.`);
  }
  const password = readFileSync(join(dataDir, 'postgres-password'), 'utf8').trim();
  return {
    url,
    adminKey,
    dataDir,
    databaseUrl: `postgres://pigeonpost:${password}@127.0.0.1:${postgresPort}/pigeonpost`,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    pids: {
      pigeonpost: child.pid!,
      temporal: pidIn('temporal.pid')!,
      postgres: pidIn('postgres', 'postmaster.pid')!,
    },
    stop,
  };
}

/** The process id that a file begins with; undefined where there is no such file. */
function readPid(path: string): number | undefined {
  return existsSync(path) ? parseInt(readFileSync(path, 'utf8'), 10) : undefined;
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
