/** Asking before something that cannot be undone. */
import { createInterface } from 'node:readline';
import { OperatorError } from '../lib/errors.js';
import { ExitError, type CommandContext } from './context.js';

/**
 * Asks whether to delete what `what` names, and returns when the reply is yes; any other reply ends the command. With
 * `yes` nothing is asked. Without a terminal that is an error.
 */
export async function confirmDeletion({ terminal }: CommandContext, what: string, yes = false): Promise<void> {
  if (yes) return;
  if (!terminal.stdin.isTTY) {
    throw new OperatorError(`This deletes ${what}, and there is no terminal to ask at.`, 'Give --yes to delete it.');
  }
  terminal.err(`Delete ${what}? This cannot be undone. [y/N]`);
  if (/^y(es)?$/i.test(await readReply(terminal.stdin))) return;
  terminal.err('Nothing was deleted.');
  throw new ExitError(1);
}

/** The first line that is typed; empty when the input ends before. */
async function readReply(input: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input })) return line.trim();
  return '';
}
