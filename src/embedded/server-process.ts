import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError, errorMessage, explainFileError } from '../lib/errors.js';
import { type Log } from './log.js';
import { elapsed, waitUntil } from './poll.js';
import { signal } from './processes.js';

/** A server to run as a child process, and how to deal with it. */
export interface ServerSpec {
  /** What to call it in messages. */
  name: string;
  file: string;
  args: readonly string[];
  /** The user and group to run as, where they differ from ours. */
  as?: { uid: number; gid: number };
  /** File that gets what it prints; an earlier one is kept and appended to. */
  logFile: string;
  /** File that holds its process id while it runs. */
  pidFile?: string;
  /** Polled until it is true: whether the server responds. An error ends the start. */
  responds: () => Promise<boolean>;
  /** How long the server may take to respond. */
  startTimeoutMs: number;
  /** What asks it to stop, politest first. */
  stopSignals: readonly NodeJS.Signals[];
  /** How long each of these is given. */
  maxStopMs: number;
}

/** The server ended before it responded; `output` is the last it printed. */
export class ServerStartError extends OperatorError {
  constructor(
    spec: ServerSpec,
    how: string,
    readonly output: string,
  ) {
    super(`${spec.name} did not start (${how})${summary(output)}.`, `More is in ${spec.logFile}.`);
    this.name = 'ServerStartError';
  }
}

/** When a log file is set aside at a start, and how much of it is read to explain a failure. */
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;
const TAIL_BYTES = 8 * 1024;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** A server that ran this long is well again: its next failure is taken as the first. */
const WELL_AFTER_MS = 60_000;
const REPORT_EVERY_MS = 10_000;

interface Running {
  child: ChildProcess;
  startedMs: number;
  /** How it ended, as text, once it has. */
  ended: Promise<string>;
  hasEnded: boolean;
  /** Size of the log when it was started. */
  logOffset: number;
}

/**
 * A server that is started as a child in a process group of its own (so Ctrl-C reaches only Pigeonpost, which then stops
 * everything in order), started again when it dies, and stopped with rising force.
 */
export class ServerProcess {
  private readonly stopping = new AbortController();
  private readonly onExit = () => this.signalNow();
  private running: Running | undefined;
  private supervision: Promise<void> = Promise.resolve();

  private constructor(
    private readonly spec: ServerSpec,
    private readonly log: Log,
  ) {}

  /** Starts a server and waits until it responds. */
  static async start(spec: ServerSpec, log: Log): Promise<ServerProcess> {
    const server = new ServerProcess(spec, log);
    // The last resort when Pigeonpost ends without stopping it; after a crash, for example.
    process.on('exit', server.onExit);
    try {
      await server.launch();
    } catch (error) {
      process.off('exit', server.onExit);
      throw error;
    }
    server.supervision = server.supervise();
    return server;
  }

  /** Its process id; another one after it had to be started again. */
  get pid(): number | undefined {
    return this.running?.hasEnded === false ? this.running.child.pid : undefined;
  }

  /** Marks it as being stopped by other means, so that it is not restarted. */
  expectEnd(): void {
    this.stopping.abort();
  }

  /** Stops it and waits until it has ended. May be called more than once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.running) await this.end(this.running);
    await this.supervision;
    process.off('exit', this.onExit);
    if (this.spec.pidFile !== undefined) rmSync(this.spec.pidFile, { force: true });
  }

  private async supervise(): Promise<void> {
    const { name } = this.spec;
    const { signal: stopped } = this.stopping;
    for (let failures = 0; ; failures++) {
      if (this.running) {
        const how = await this.running.ended;
        if (stopped.aborted) return;
        if (performance.now() - this.running.startedMs >= WELL_AFTER_MS) failures = 0;
        this.log.warn(`${name} stopped unexpectedly (${how}); starting it again. More is in ${this.spec.logFile}`);
        this.running = undefined;
      }
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
      await sleep(pauseMs, undefined, { signal: stopped }).catch(() => undefined);
      if (stopped.aborted) return;
      await this.launch().then(
        () => this.log.info(`${name} runs again`),
        (error: unknown) => {
          if (!stopped.aborted) this.log.warn(`${errorMessage(error)} Trying again`);
        },
      );
    }
  }

  private async launch(): Promise<void> {
    const running = this.spawn();
    this.running = running;
    try {
      await this.untilResponding(running);
    } catch (error) {
      await this.end(running);
      this.running = undefined;
      throw error;
    }
  }

  private spawn(): Running {
    const { file, args, as, logFile, pidFile } = this.spec;
    try {
      const logOffset = prepareLog(logFile);
      const output = openSync(logFile, 'a', 0o600);
      try {
        const child = privately(() =>
          spawn(file, args, {
            ...as,
            detached: true,
            windowsHide: true,
            env: serverEnvironment(),
            stdio: ['ignore', output, output],
          }),
        );
        const ended = new Promise<string>((resolve) => {
          child.once('error', (error) => resolve(errorMessage(error)));
          child.once('exit', (code, name) => resolve(name === null ? `exit code ${code}` : name));
        });
        const running: Running = { child, startedMs: performance.now(), ended, hasEnded: false, logOffset };
        void ended.then(() => (running.hasEnded = true));
        if (pidFile !== undefined && child.pid !== undefined) writeFileSync(pidFile, `${child.pid}\n`, { mode: 0o600 });
        return running;
      } finally {
        closeSync(output);
      }
    } catch (error) {
      throw explainFileError(error, logFile);
    }
  }

  private async untilResponding(running: Running): Promise<void> {
    const { name, startTimeoutMs, responds, logFile } = this.spec;
    let reportAtMs = running.startedMs + REPORT_EVERY_MS;
    const responded = await waitUntil(async () => {
      if (running.hasEnded || (await responds())) return true;
      if (performance.now() > reportAtMs) {
        this.log.info(`${name} is still starting (${elapsed(running.startedMs)})`);
        reportAtMs += REPORT_EVERY_MS;
      }
      return false;
    }, startTimeoutMs);
    // A moment later, so that the end of a server that responded just before is not missed.
    await sleep(0);
    if (running.hasEnded) throw new ServerStartError(this.spec, await running.ended, tail(logFile, running.logOffset));
    if (!responded) {
      const how = `no response after ${elapsed(running.startedMs)}`;
      throw new ServerStartError(this.spec, how, tail(logFile, running.logOffset));
    }
  }

  private async end({ child, ended }: Running): Promise<void> {
    if (child.pid === undefined) return;
    let hasEnded = false;
    void ended.then(() => (hasEnded = true));
    await sleep(0);
    for (const each of [...this.spec.stopSignals, 'SIGKILL' as const]) {
      if (hasEnded) return;
      signal(child.pid, each);
      await Promise.race([ended, sleep(this.spec.maxStopMs, undefined, { ref: false })]);
    }
  }

  private signalNow(): void {
    const { pid } = this;
    const [politest] = this.spec.stopSignals;
    if (pid !== undefined && politest !== undefined) signal(pid, politest);
  }
}

/** Starts a process whose files only this user can read, unless it asks for more itself. */
function privately<T>(start: () => T): T {
  const before = process.umask(0o077);
  try {
    return start();
  } finally {
    process.umask(before);
  }
}

/** Our environment without our settings and without variables that change how the servers behave. */
export function serverEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(PG|TEMPORAL_|PIGEONPOST_|DATABASE_URL$|LC_|LANG)/.test(name));
  // Their messages are read, so they have to be in English.
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

/** Sets a log that has grown large aside, and says how long the one to append to is. */
function prepareLog(path: string): number {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes < LOG_LIMIT_BYTES) return bytes;
  renameSync(path, `${path}.1`);
  return 0;
}

function tail(path: string, offset: number): string {
  try {
    const printed = readFileSync(path).subarray(offset);
    return printed.subarray(Math.max(0, printed.length - TAIL_BYTES)).toString('utf8');
  } catch {
    return '';
  }
}

/** The line that says most about why it failed, after a colon. */
function summary(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /FATAL|PANIC|ERROR|error|panic/.test(line));
  const line = errors[0] ?? lines.at(-1);
  return line === undefined ? '' : `: ${line.trim().slice(0, 300).replace(/\.$/, '')}`;
}
