/** `pigeonpost recoveries`: those that were begun, and ending them. */
import type { Command } from 'commander';
import { unwrap, type components } from '../../client/index.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type Recovery = components['schemas']['Recovery'];

export function recoveryCommands(program: Command, terminal: Terminal): void {
  const recoveries = program.command('recoveries').description('Recoveries that `recover` started');

  apiCommand(recoveries, 'list <subscription>', "List a subscription's recoveries, the newest first").action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const page = await unwrap(client.GET('/v1/subscriptions/{id}/recoveries', { params: { path: { id } } }));
      print(page, () => {
        const rows = page.data.map(({ id, state, from, ...recovery }) => [id, state, when(from), progress(recovery)]);
        return table(['Recovery', 'State', 'Since', 'Progress'], rows);
      });
    },
  );

  apiCommand(recoveries, 'cancel <recovery>', 'End a recovery; the page in progress is finished first').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const recovery = await unwrap(client.POST('/v1/recoveries/{id}/cancel', { params: { path: { id } } }));
      print(recovery, () => recoveryLine(recovery));
    },
  );
}

/** A recovery in a line. */
export function recoveryLine(recovery: Recovery): string {
  return `${recovery.id}  ${recovery.state}  ${progress(recovery)}`;
}

function progress({ total, recovered, skipped }: Pick<Recovery, 'total' | 'recovered' | 'skipped'>): string {
  const of = total === null ? 'counting' : `${recovered} of ${total} recovered`;
  return `${of}${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
