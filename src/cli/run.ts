/** Runs one command line to its end. */
import { Command, CommanderError } from 'commander';
import { ApiError, Unreachable } from '../client/errors.js';
import { OperatorError } from '../lib/errors.js';
import { readPackage } from '../lib/package.js';
import { accountCommands } from './commands/accounts.js';
import { alertCommands } from './commands/alerts.js';
import { auditCommand } from './commands/audit.js';
import { broadcastCommands } from './commands/broadcasts.js';
import { deliveryCommands } from './commands/deliveries.js';
import { doctorCommand } from './commands/doctor.js';
import { emitCommand } from './commands/emit.js';
import { erasureCommands } from './commands/erase.js';
import { eventTypeCommands } from './commands/event-types.js';
import { jobCommands } from './commands/jobs.js';
import { findCommand } from './commands/find.js';
import { keyCommands } from './commands/keys.js';
import { listenCommand } from './commands/listen.js';
import { portalLinkCommand } from './commands/portal-link.js';
import { processCommands } from './commands/processes.js';
import { reconcileCommand } from './commands/reconcile.js';
import { recoverCommand } from './commands/recover.js';
import { recoveryCommands } from './commands/recoveries.js';
import { scheduleCommands } from './commands/schedule.js';
import { subscriptionCommands } from './commands/subscriptions.js';
import { ExitError } from './context.js';
import { withPrintable, type Terminal } from './terminal.js';

/** Runs a command and returns its exit code: 0 when it did what it was asked to. */
export async function run(args: readonly string[], given: Terminal): Promise<number> {
  const terminal = withPrintable(given);
  const program = createProgram(terminal);
  await completionCommand(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError || error instanceof ExitError) return error.exitCode;
    terminal.err(args.includes('--json') ? JSON.stringify(errorFields(error)) : `pigeonpost: ${explain(error)}`);
    return 1;
  }
}

/** An error for programs: what the API responded, or the message. */
function errorFields(error: unknown) {
  if (error instanceof ApiError) return { error: { message: error.message, status: error.status, ...error.problem } };
  const code = error instanceof Unreachable ? 'unreachable' : 'failed';
  return { error: { code, message: error instanceof OperatorError ? error.toString() : String(error) } };
}

/** Every command; each loads its own code when it is run, so that none waits for what it does not use. */
function createProgram(terminal: Terminal): Command {
  const program = new Command('pigeonpost')
    .description('Webhook delivery orchestrator on Temporal')
    .version(readPackage().version)
    .exitOverride()
    .showHelpAfterError('(--help says more)')
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    });
  processCommands(program.commandsGroup('Processes:'), terminal);
  accountCommands(program.commandsGroup('Through the API:'), terminal);
  keyCommands(program, terminal);
  portalLinkCommand(program, terminal);
  auditCommand(program, terminal);
  alertCommands(program, terminal);
  subscriptionCommands(program, terminal);
  eventTypeCommands(program, terminal);
  emitCommand(program, terminal);
  broadcastCommands(program, terminal);
  erasureCommands(program, terminal);
  deliveryCommands(program, terminal);
  jobCommands(program, terminal);
  findCommand(program, terminal);
  recoverCommand(program, terminal);
  recoveryCommands(program, terminal);
  reconcileCommand(program, terminal);
  listenCommand(program.commandsGroup('For development and diagnosis:'), terminal);
  scheduleCommands(program, terminal);
  doctorCommand(program, terminal);
  return program;
}

/** The text for an error. An unexpected error keeps its stack. */
function explain(error: unknown): string {
  if (error instanceof OperatorError) return error.toString();
  if (error instanceof Unreachable)
    return `${error.message}.\nStart Pigeonpost with \`npm start\`, or set --url or PIGEONPOST_URL to where it runs; \`pigeonpost doctor\` looks for what is wrong.`;
  if (error instanceof ApiError) return explainRefusal(error);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function explainRefusal({ status, message, problem, retryAfterS }: ApiError): string {
  const text = message.includes('\n') ? `the API refused:\n${message.replace(/^/gm, '  ')}` : message;
  if (status === 401) return `${text}.\nThe key is not the API's: check --key or PIGEONPOST_API_KEY.`;
  if (problem === undefined) return `${text}.\nIs --url or PIGEONPOST_URL right?`;
  return retryAfterS === undefined ? text : `${text} (in ${retryAfterS} s)`;
}

/** Adds the command that prints a shell's script for completion, and the hidden one that the script asks. */
async function completionCommand(program: Command): Promise<void> {
  // Published as an ES module only.
  const { default: tab } = await import('@bomb.sh/tab/commander');
  tab(program, { completionCommandName: 'completion' });
}
