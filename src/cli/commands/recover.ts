/** `pigeonpost recover`: sending again, in bulk, what a subscription has missed. */
import { type Command, InvalidArgumentError } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { unwrap, type components, type paths } from '../../client/index.js';
import { collect, duration, time, wholeNumber } from '../arguments.js';
import { apiCommand, ExitError, openContext, type CommandContext, type CommonOptions } from '../context.js';
import { table } from '../output.js';
import type { Terminal } from '../terminal.js';
import { recoveryLine } from './recoveries.js';

type Recovery = components['schemas']['Recovery'];
type Count = components['schemas']['RecoveryCount'];
type Request = paths['/v1/subscriptions/{id}/recover']['post']['requestBody']['content']['application/json'];

interface RecoverOptions extends CommonOptions {
  readonly from: string;
  readonly to?: string;
  readonly state?: NonNullable<Request['states']>;
  readonly type?: string[];
  readonly rate?: number;
  readonly yes?: boolean;
  readonly follow: boolean;
  readonly every: number;
}

const STATES: readonly string[] = [
  'failed',
  'retrying',
  'cancelled',
  'delivered',
  'missing',
] satisfies Request['states'];

export function recoverCommand(program: Command, terminal: Terminal): void {
  apiCommand(
    program,
    'recover <subscription>',
    'Send the missed events of a subscription again; only counts without --yes',
  )
    .requiredOption('--from <time>', 'what was created since, such as 2026-11-21T14:00:00Z, or 2d', time)
    .option('--to <time>', 'created before this time, or so long ago', time)
    .option(
      '--state <state>',
      `${STATES.join(', ')}; failed and retrying when absent; may be given several times`,
      chosenState,
    )
    .option('--type <type>', 'only this event type; may be given several times', collect)
    .option('--rate <number>', 'deliveries per second', wholeNumber(1, 1_000))
    .option('--yes', 'do it')
    .option('--no-follow', 'do not wait for its end')
    .option('--every <span>', 'interval between progress reports', duration, 1_000)
    .action(async (id: string, options: RecoverOptions) => recover(await openContext(terminal, options), id, options));
}

async function recover(
  context: CommandContext,
  id: string,
  { from, to, state: states, type: types, rate: ratePerSecond, yes = false, follow, every }: RecoverOptions,
): Promise<void> {
  const { client, print, printLine } = context;
  // The count comes first, and --yes confirms it.
  const allowDelivered = states?.includes('delivered');
  const body = { from, to, states, types, ratePerSecond, dryRun: !yes, allowDelivered };
  const responded = await unwrap(client.POST('/v1/subscriptions/{id}/recover', { params: { path: { id } }, body }));
  if ('dryRun' in responded) return print(responded, () => countText(responded));
  printLine(responded, () => recoveryLine(responded));
  if (!follow) return;
  const { state } = await followToEnd(context, responded, every);
  if (state !== 'completed') throw new ExitError(1);
}

/** Prints how far it has come whenever that has changed. When stopped, the recovery itself goes on. */
async function followToEnd(
  { client, printLine, terminal }: CommandContext,
  started: Recovery,
  everyMs: number,
): Promise<Recovery> {
  const stop = terminal.onStop();
  const params = { path: { id: started.id } };
  let recovery = started;
  while (recovery.state === 'running') {
    await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) {
      terminal.err(`${started.id} goes on`);
      return recovery;
    }
    const now = await unwrap(client.GET('/v1/recoveries/{id}', { params }));
    if (recoveryLine(now) !== recoveryLine(recovery)) printLine(now, () => recoveryLine(now));
    recovery = now;
  }
  return recovery;
}

function countText({ total, counts }: Count): string {
  if (total === 0) return 'There is nothing to recover.';
  const rows = counts.map(({ state, type, count }) => [state, type, count]);
  return `${table(['State', 'Event type', 'Count'], rows)}\n\n${total} in all; --yes sends them again.`;
}

function chosenState(text: string, former: readonly string[] = []): string[] {
  if (STATES.includes(text)) return [...former, text];
  throw new InvalidArgumentError(`Write one of ${STATES.join(', ')}.`);
}
