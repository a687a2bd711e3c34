/** Ending when the terminal or the system says so. */
import { watchPackageManager } from './package-manager.js';

/** One Ctrl-C may arrive twice, from the terminal and from npm: this soon after the first it is the same, in ms. */
const SAME_MS = 1_000;

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
