/** What a command is run with: the process's own, or a test's. */
import type { Readable } from 'node:stream';

export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Whether standard output shows colours. */
  readonly hasColours?: boolean;
  /** Prints a line on standard output. */
  out(line: string): void;
  /** Prints a line about what goes on, or went wrong. */
  err(line: string): void;
  /** Aborted when the person at the terminal has seen enough. Until it is asked for, Ctrl-C ends the process. */
  onStop(): AbortSignal;
}

/** The styles that may be written, by the codes of ECMA-48 (SGR) that start and end each. */
const STYLES = { green: [32, 39], yellow: [33, 39], red: [31, 39], dim: [2, 22], bold: [1, 22] } as const;

export type Style = keyof typeof STYLES;

/** Writes text in a style, or as it is where there are no colours. */
export type Paint = (style: Style, text: string) => string;

/** How to write in styles on a terminal. */
export function paintFor({ hasColours = false }: Terminal): Paint {
  return (style, text) => {
    const [start, end] = STYLES[style];
    return hasColours ? `\u001b[${start}m${text}\u001b[${end}m` : text;
  };
}

/** The sequences that `paintFor` writes. From a receiver they could colour its own text, and nothing else. */
const OWN_STYLE = new RegExp(`(\u001b\\[(?:${Object.values(STYLES).flat().join('|')})m)`);

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

/** A terminal that is given nothing but printable text, and the styles of `paintFor` where it has colours. */
export function withPrintable(terminal: Terminal): Terminal {
  const styled = (line: string): string =>
    line
      .split(OWN_STYLE)
      // The parts at odd indices are the separators.
      .map((part, index) => (index % 2 === 1 ? part : printable(part)))
      .join('');
  const shown = terminal.hasColours ? styled : printable;
  return {
    ...terminal,
    out: (line) => terminal.out(shown(line)),
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
    // https://no-color.org
    hasColours: process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    onStop() {
      const stop = new AbortController();
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());
      return stop.signal;
    },
  };
}
