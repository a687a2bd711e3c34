/** What a command is run with: the process's own, or a test's. */
import type { Readable } from 'stream';

export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Prints a line of the answer. */
  out(line: string): void;
  /** Prints a line about what goes on, or went wrong. */
  err(line: string): void;
  /** Aborted when the person at the terminal has seen enough. Until it is asked for, Ctrl-C ends the process. */
  onStop(): AbortSignal;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // What reads our output may stop reading, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    env: process.env,
    stdin: process.stdin,
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    onStop() {
      const stop = new AbortController();
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
      return stop.signal;
    },
  };
}
