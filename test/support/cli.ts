/** Runs commands of the CLI in this process against the API of the test. */
import { Readable } from 'node:stream';
import { run } from '../../src/cli/run.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { ADMIN_KEY } from './api.js';
import { eventually } from './eventually.js';

/** The output of a command and how it ended. */
export interface Ended {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read output freely
  readonly json: any;
}

/** A command that runs until it is stopped. */
export interface Running {
  /** The lines that it has printed, once there are at least this many. */
  lines(count: number): Promise<readonly string[]>;
  readonly err: readonly string[];
  stop(): Promise<Ended>;
  /** How it ended by itself. */
  readonly ended: Promise<Ended>;
}

export interface ProcessConfig {
  readonly env?: NodeJS.ProcessEnv;
  readonly stdin?: string;
  /** Whether the terminal is interactive; by default when nothing is piped in. */
  readonly isTTY?: boolean;
}

/** Runs a command to its end. */
export function pigeonpost(args: readonly string[], processConfig?: ProcessConfig): Promise<Ended> {
  return start(args, processConfig).ended;
}

/** Starts a command. */
export function start(
  args: readonly string[],
  { env = {}, stdin, isTTY = stdin === undefined }: ProcessConfig = {},
): Running {
  const out: string[] = [];
  const err: string[] = [];
  const stopping = new AbortController();
  const terminal: Terminal = {
    env,
    stdin: Object.assign(Readable.from(stdin === undefined ? [] : [stdin]), { isTTY }),
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    onStop: () => stopping.signal,
  };
  const ended = run(args, terminal).then((exitCode): Ended => {
    const text = out.join('\n');
    return {
      exitCode,
      out: text,
      err: err.join('\n'),
      get json() {
        return JSON.parse(text);
      },
    };
  });
  return {
    lines: (count) =>
      eventually(
        async () => out,
        ({ length }) => length >= count,
      ),
    err,
    async stop() {
      stopping.abort();
      return ended;
    },
    ended,
  };
}

/** Runs commands against this API, as set in the environment. */
export function against(url: string) {
  const env = { PIGEONPOST_URL: url, PIGEONPOST_API_KEY: ADMIN_KEY };
  return {
    env,
    pigeonpost: (args: readonly string[], stdin?: string) =>
      pigeonpost(args, { env, ...(stdin === undefined ? {} : { stdin }) }),
    /** The command in an interactive terminal with this input. */
    typing: (text: string, args: readonly string[]) => pigeonpost(args, { env, stdin: text, isTTY: true }),
    start: (args: readonly string[]) => start(args, { env }),
    /** The output of a command that must succeed. */
    async json(...args: string[]) {
      const ended = await pigeonpost([...args, '--json'], { env });
      if (ended.exitCode !== 0) throw new Error(`${args.join(' ')}: ${ended.err}`);
      return ended.json;
    },
  };
}
