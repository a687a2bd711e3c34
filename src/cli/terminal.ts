/** What a command is run with: the process's own, or a test's. */
import type { Readable } from 'node:stream';

export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Prints a line on standard output. */
  out(line: string): void;
  /** Prints a line about what goes on, or went wrong. */
  err(line: string): void;
  /** Aborted when the person at the terminal has seen enough. Until it is asked for, Ctrl-C ends the process. */
  onStop(): AbortSignal;
}

/** Control characters (C0, DEL, C1) and those that change the direction of text; not line breaks and tabs. */
const NOT_PRINTABLE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/**
 * Text as it may reach a terminal: of what a receiver or a sender wrote, no character can move the cursor, rename the
 * window or reorder text. They become `\u001b` and the like, so that JSON remains the same JSON.
 */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(NOT_PRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A terminal that is given nothing but printable text. */
export function withPrintable(terminal: Terminal): Terminal {
  return {
    ...terminal,
    out: (line) => terminal.out(printable(line)),
    err: (line) => terminal.err(printable(line)),
  };
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
