import { spawn } from 'node:child_process';
import { errorMessage } from '../lib/errors.js';
import { type Log } from './log.js';
import { elapsed } from './poll.js';

export interface CommandOptions {
  /** What it does, for the lines that report the elapsed time. */
  doing: string;
  log: Log;
  env?: NodeJS.ProcessEnv;
  /** Folder to run it in; this process's by default. */
  cwd?: string;
  /** It is killed after this time. */
  timeoutMs: number;
  /** Asked again and again: a reason to give up before that, if there is one. */
  giveUp?: () => string | undefined;
}

/** The program could not be run, or failed; the message says why in one line. */
export class CommandError extends Error {}

const REPORT_EVERY_MS = 10_000;
const ASK_EVERY_MS = 250;
const OUTPUT_LIMIT_CHARACTERS = 16_384;

/**
 * Runs a program that may take long, and reports every ten seconds what it does and for how long.
 *
 * @returns the last it printed
 */
export async function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { doing, log, env = process.env, cwd, timeoutMs, giveUp } = options;
  const startedMs = performance.now();
  const child = spawn(file, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
  let output = '';
  const collect = (text: string) => (output = (output + text).slice(-OUTPUT_LIMIT_CHARACTERS));
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);

  let reason: string | undefined;
  const kill = () => child.kill('SIGKILL');
  const reports = setInterval(() => log.info(`${doing} (${elapsed(startedMs)})`), REPORT_EVERY_MS);
  const questions = setInterval(() => {
    reason ??=
      performance.now() - startedMs > timeoutMs
        ? `not done after ${elapsed(performance.now() - timeoutMs)}`
        : giveUp?.();
    if (reason !== undefined) kill();
  }, ASK_EVERY_MS);
  // It is of no use to anyone when this process ends first.
  process.once('exit', kill);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new CommandError(reason ?? lastLine(output) ?? `ended with ${signal ?? `exit code ${code}`}`));
      });
    });
    return output;
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(errorMessage(error), { cause: error });
  } finally {
    clearInterval(reports);
    clearInterval(questions);
    process.off('exit', kill);
  }
}

function lastLine(output: string): string | undefined {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /error/i.test(line)) ?? lines.at(-1))?.trim().slice(0, 400);
}
