/** The package manager that runs this process as a script. It may end without this process getting a signal. */
import { birth, commandLine, exists, parentOf } from '../embedded/processes.js';

/** How often it is looked for, in milliseconds. */
const CHECK_EVERY_MS = 500;

/**
 * Calls `onGone` once the package manager, or the shell it ran the script with, has ended. Does nothing for a process
 * that no package manager started.
 *
 * npm sends SIGTERM to the shell only, which ends without passing it on; a killed npm sends nothing at all.
 */
export async function watchPackageManager(onGone: () => void, env: NodeJS.ProcessEnv = process.env): Promise<void> {
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
