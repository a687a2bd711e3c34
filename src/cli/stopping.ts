/** Stopping in order when the terminal or the system says so. */
import type { Logger } from 'pino';

/** Resolves when the process is told to stop. A second time ends it at once. */
export function told(log: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(130);
      asked = true;
      log.info('stopping: attempts under way are finished first (once more to stop at once)');
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
