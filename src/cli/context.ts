/** What commands that talk to the API have in common. */
import type { Command } from 'commander';
import type { PigeonpostClient } from '../client/index.js';
import { readPackage } from '../lib/package.js';
import type { ApiOptions } from './find-api.js';
import { paintFor, type Paint, type Terminal } from './terminal.js';

/** How the command line names itself; the audit log shows it. */
const CLI_USER_AGENT = `pigeonpost-cli/${readPackage().version}`;

/** The options of every command that talks to the API. */
export interface CommonOptions extends ApiOptions {
  readonly json?: boolean;
}

export interface CommandContext {
  readonly client: PigeonpostClient;
  readonly terminal: Terminal;
  /** Prints a response: as JSON for programs, as `text` for people. */
  readonly print: (unwrap: unknown, text: (paint: Paint) => string) => void;
  /** Prints one of several responses: a line of JSON each for programs. */
  readonly printLine: (unwrap: unknown, text: (paint: Paint) => string) => void;
}

/** Ends a command that has said itself what is wrong. */
export class ExitError extends Error {
  constructor(readonly exitCode: number) {
    super(`ends with ${exitCode}`);
  }
}

/** A command below `parent` that talks to the API. */
export function apiCommand(parent: Command, nameAndArguments: string, description: string): Command {
  return withJson(parent.command(nameAndArguments).description(description))
    .option('--url <url>', 'URL of the API (or PIGEONPOST_URL)')
    .option('--key <key>', 'API key (or PIGEONPOST_API_KEY)');
}

/** Adds `--json`. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON for programs');
}

/** Finds the API and says how to print. */
export async function openContext(terminal: Terminal, options: CommonOptions): Promise<CommandContext> {
  const { findApi } = await import('./find-api.js');
  const { createClient } = await import('../client/index.js');
  return {
    client: createClient({ ...(await findApi(options, terminal.env)), userAgent: CLI_USER_AGENT }),
    terminal,
    ...printers(terminal, options),
  };
}

/** How a command prints, by whether it was asked for JSON. */
export function printers(
  terminal: Terminal,
  { json = false }: CommonOptions,
): Pick<CommandContext, 'print' | 'printLine'> {
  const paint = paintFor(terminal);
  return {
    print: (unwrap, text) => terminal.out(json ? JSON.stringify(unwrap, null, 2) : text(paint)),
    printLine: (unwrap, text) => terminal.out(json ? JSON.stringify(unwrap) : text(paint)),
  };
}
