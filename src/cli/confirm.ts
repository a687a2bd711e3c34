/** Asking before something that cannot be undone. */
import { createInterface } from 'node:readline';
import { OperatorError } from '../lib/errors.js';
import { ExitError, type CommandContext } from './context.js';

/**
 * Asks whether to delete what `what` names, and returns when the reply is yes; any other reply ends the command. With
 * `yes` nothing is asked. Without a terminal that is an error.
 */
export function confirmDeletion(context: CommandContext, what: string, yes = false): Promise<void> {
  return confirm(context, yes, {
    does: `deletes ${what}`,
    advice: 'Give --yes to delete it.',
    question: `Delete ${what}? This cannot be undone.`,
    refused: 'Nothing was deleted.',
  });
}

/** The same for sending an event again that a receiver has accepted. */
export function confirmRepetition(context: CommandContext, what: string, yes = false): Promise<void> {
  return confirm(context, yes, {
    does: `sends ${what}, once more`,
    advice: 'Give --yes to send it.',
    question: `Send ${what}, once more?`,
    refused: 'Nothing was sent.',
  });
}

/** The same for a change that follows from a comparison. */
export function confirmRepair(context: CommandContext, what: string, yes = false): Promise<void> {
  return confirm(context, yes, {
    does: what,
    advice: 'Give --yes to do it.',
    question: `This ${what}. Do it?`,
    refused: 'Nothing was changed.',
  });
}

interface Texts {
  readonly does: string;
  readonly advice: string;
  readonly question: string;
  readonly refused: string;
}

async function confirm({ terminal }: CommandContext, yes: boolean, texts: Texts): Promise<void> {
  if (yes) return;
  if (!terminal.stdin.isTTY)
    throw new OperatorError(`This ${texts.does}, and there is no terminal to ask at.`, texts.advice);
  terminal.err(`${texts.question} [y/N]`);
  if (/^y(es)?$/i.test(await readReply(terminal.stdin))) return;
  terminal.err(texts.refused);
  throw new ExitError(1);
}

/** The first line that is typed; empty when the input ends before. */
async function readReply(input: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input })) return line.trim();
  return '';
}
