/** `pause` and `resume`, of subscriptions and of accounts. */
import type { Command } from 'commander';
import type { PigeonpostClient } from '../../client/index.js';
import { wholeNumber } from '../arguments.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { fields } from '../output.js';
import type { Terminal } from '../terminal.js';

/** What can be paused, with its requests. */
export interface Pausable {
  readonly noun: 'subscription' | 'account';
  readonly pause: (
    client: PigeonpostClient,
    id: string,
    body: { reason?: string | undefined },
  ) => Promise<Readonly<Record<string, unknown>>>;
  readonly resume: (
    client: PigeonpostClient,
    id: string,
    body: { ratePerSecond: number },
  ) => Promise<Readonly<Record<string, unknown>>>;
}

/** Adds both commands to the commands of subscriptions or accounts. */
export function addPauseCommands(parent: Command, terminal: Terminal, { noun, pause, resume }: Pausable): void {
  apiCommand(parent, `pause <${noun}>`, 'Make no attempts; events are accepted and their deliveries wait')
    .option('--reason <text>', `shown with the ${noun}`)
    .action(async (id: string, { reason, ...options }: CommonOptions & { reason?: string }) => {
      const { client, print } = await openContext(terminal, options);
      const paused = await pause(client, id, { reason });
      print(paused, () => fields(paused));
    });

  apiCommand(parent, `resume <${noun}>`, `Resume a paused ${noun}; what waits is sent, oldest first`)
    .option('--rate <number>', 'deliveries per second', wholeNumber(1, 1_000), 100)
    .action(async (id: string, { rate, ...options }: CommonOptions & { rate: number }) => {
      const { client, print } = await openContext(terminal, options);
      const resumed = await resume(client, id, { ratePerSecond: rate });
      print(resumed, () => fields(resumed));
    });
}
