/** An API or a worker as a process of its own, started again whenever it ends, as any supervisor would. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '#src/embedded/poll.js';
import { signal } from '#src/embedded/processes.js';
import { printProgress } from '../progress.js';

/** Wait before a process that ended is started again, in milliseconds. */
const RESTART_MS = 500;
/** How long an orderly stop may take, in milliseconds: a worker waits for attempts in flight. */
const STOP_MS = 60_000;
/** How long a start may take, in milliseconds. */
const START_MS = 120_000;

export interface RoleSpec {
  readonly name: string;
  readonly command: 'api' | 'worker';
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** What it prints once it is at work. */
  readonly readyText: string;
  /** Path of the command line that it runs; absent: that of this tree. */
  readonly main?: string;
}

/** Another build of a process. */
export type Replacement = Required<Pick<RoleSpec, 'main' | 'env'>>;

export interface Role {
  readonly ready: boolean;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** How often it ended by itself although it had been at work, or did not end when it was asked to. */
  readonly crashes: number;
  kill(): void;
  /** Asks it to stop and waits until it has; it is started again as after any end. */
  restart(): Promise<void>;
  /** Asks it to stop, waits until it has, and until the other build is at work. `env` is added to its environment. */
  replace(by: Replacement): Promise<void>;
  freeze(forMs: number): Promise<void>;
  /** Asks it to stop, or kills it at once, and does not start it again. */
  stop(how?: 'in order' | 'killed'): Promise<void>;
}

/** In a group of its own, so that Ctrl-C reaches the harness only, which then stops everything in order. */
function launch(main: string, command: string, env: RoleSpec['env']): ChildProcess {
  const options = { env: { ...process.env, ...env }, detached: true };
  return spawn(process.execPath, [main, command], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function freeze(pid: number | undefined, forMs: number): Promise<void> {
  if (pid === undefined) return;
  signal(pid, 'SIGSTOP');
  await sleep(forMs);
  signal(pid, 'SIGCONT');
}

export function startRole(spec: RoleSpec): Role {
  const log = createWriteStream(spec.logFile, { flags: 'a' });
  // Output of a killed process may come after its end.
  log.on('error', () => undefined);
  let child: ChildProcess | undefined;
  let ready = false;
  /** Whether its end is our doing. */
  let expected = false;
  let stopping = false;
  let crashes = 0;
  let { main = require.resolve('#src/cli/main.js'), env } = spec;

  const start = (): void => {
    if (stopping) return;
    ready = false;
    expected = false;
    child = launch(main, spec.command, env);
    child.stdout!.on('data', (chunk: Buffer) => {
      log.write(chunk);
      ready ||= chunk.includes(spec.readyText);
    });
    child.stderr!.on('data', (chunk: Buffer) => log.write(chunk));
    child.once('exit', (code, name) => {
      log.write(`--- ended (${name ?? code}) at ${new Date().toISOString()}\n`);
      if (ready && !expected) crashes += 1;
      ready = false;
      child = undefined;
      setTimeout(start, RESTART_MS).unref();
    });
  };
  const kill = (): void => {
    expected = true;
    if (child?.pid !== undefined) signal(child.pid, 'SIGKILL');
  };
  const end = async (ending: ChildProcess | undefined): Promise<void> => {
    if (ending?.pid === undefined) return;
    expected = true;
    signal(ending.pid, 'SIGTERM');
    if (await waitUntil(() => child !== ending, STOP_MS)) return;
    crashes += 1;
    printProgress(`${spec.name} does not stop in order; it is killed`);
    kill();
  };
  process.on('exit', kill);
  start();

  return {
    get ready() {
      return ready;
    },
    get pid() {
      return child?.pid;
    },
    get crashes() {
      return crashes;
    },
    kill,
    async restart() {
      await end(child);
    },
    async replace(by) {
      main = by.main;
      env = { ...env, ...by.env };
      await end(child);
      if (!(await waitUntil(() => ready, START_MS)))
        throw new Error(`${spec.name} is not at work after its replacement`);
    },
    freeze: (forMs) => freeze(child?.pid, forMs),
    async stop(how = 'in order') {
      stopping = true;
      const ending = child;
      if (how === 'killed') {
        kill();
        await waitUntil(() => child !== ending || ending === undefined, STOP_MS);
      } else await end(ending);
      process.off('exit', kill);
      log.end();
    },
  };
}
