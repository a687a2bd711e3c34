/** Ending when the terminal or the system says so, or when the package manager that runs this process has ended. */
import { birth, commandLine, exists, parentOf } from '../embedded/processes.js';

/** One Ctrl-C may arrive twice, from the terminal and from npm: this soon after the first it is the same, in ms. */
const SAME_MS = 1_000;

/** How often the package manager is looked for, in milliseconds. */
const CHECK_EVERY_MS = 500;

export interface Signals {
  /** From now on a signal asks for an orderly stop: resolves at the first; another one ends the process at once. */
  orderly(): Promise<void>;
}

/** Watches for signals, and for the end of a package manager that started this process. Until `orderly` is called one ends the process at once, and with it what it has started. */
export function watchSignals(): Signals {
  let onFirst = (): void => process.exit(130);
  let firstAt: number | undefined;
  const onSignal = (): void => {
    if (firstAt !== undefined && Date.now() - firstAt < SAME_MS) return;
    if (firstAt !== undefined) process.exit(130);
    firstAt = Date.now();
    onFirst();
  };
  // SIGHUP: the terminal's window was closed.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  // After a signal this is no second one: Ctrl-C ends npm's shell as well.
  void watchPackageManager(() => {
    if (firstAt === undefined) onSignal();
  });
  return {
    orderly: () =>
      new Promise((resolve) => {
        onFirst = () => {
          console.error('Stopping: attempts in flight are finished first (press Ctrl-C again to stop at once).');
          resolve();
        };
      }),
  };
}

/**
 * Calls `onGone` once the package manager, or the shell it ran the script with, has ended. Does nothing for a process
 * that no package manager started.
 *
 * npm sends SIGTERM to the shell only, which ends without passing it on; a killed npm sends nothing at all.
 */
async function watchPackageManager(onGone: () => void, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const { npm_lifecycle_script: script } = env;
  if (script === undefined) return;
  const watched = [await identify(process.ppid)];
  // Some shells are replaced by the command they run; then the parent is the package manager itself.
  if ((await commandLine(process.ppid)).includes(script)) {
    const starter = await parentOf(process.ppid);
    if (starter !== undefined) watched.push(await identify(starter));
  }
  const timer = setInterval(() => {
    void Promise.all(watched.map(hasEnded)).then((ended) => {
      if (!ended.includes(true)) return;
      clearInterval(timer);
      onGone();
    });
  }, CHECK_EVERY_MS);
  timer.unref();
}

interface Identity {
  readonly pid: number;
  readonly born: string;
}

async function identify(pid: number): Promise<Identity> {
  return { pid, born: await birth(pid) };
}

async function hasEnded({ pid, born }: Identity): Promise<boolean> {
  return !exists(pid) || (await birth(pid)) !== born;
}
