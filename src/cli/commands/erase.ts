/** `pigeonpost events erase`, `pigeonpost accounts erase` and `pigeonpost erasures`. */
import type { Command } from 'commander';
import { unwrap } from '../../client/index.js';
import { wholeNumber } from '../arguments.js';
import { confirmDeletion } from '../confirm.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { fields, table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

interface EraseOptions extends CommonOptions {
  readonly reason: string;
  readonly yes?: boolean;
}

const CONTENT = 'bodies, and what was sent and received';

/** Adds `events` with `erase`, and `erasures`. */
export function erasureCommands(program: Command, terminal: Terminal): void {
  const events = program.command('events').description('Accepted events');
  withEraseOptions(
    apiCommand(events, 'erase <event>', 'Erase the payload of an event; its open deliveries are cancelled'),
  ).action(async (id: string, { reason, yes, ...options }: EraseOptions) => {
    const context = await openContext(terminal, options);
    await confirmDeletion(context, `the payload of ${id} with its ${CONTENT}`, yes);
    const params = { path: { id } };
    const erasure = await unwrap(context.client.POST('/v1/events/{id}/erase', { params, body: { reason } }));
    context.print(erasure, () => fields(erasure));
  });

  apiCommand(program, 'erasures', 'List what was erased, the newest first')
    .option('--account <account>', 'only of this account')
    .option('--limit <number>', 'how many', wholeNumber(1, 250), 50)
    .option('--cursor <cursor>', 'nextCursor of the previous page')
    .action(async ({ account: accountId, limit, cursor, ...options }: CommonOptions & ListOptions) => {
      const { client, print } = await openContext(terminal, options);
      const page = await unwrap(client.GET('/v1/erasures', { params: { query: { accountId, limit, cursor } } }));
      print(page, () => {
        const rows = page.data.map(({ createdAt, accountId, eventId, events, reason }) => [
          when(createdAt),
          eventId ?? accountId,
          String(events),
          reason,
        ]);
        return table(['Erased', 'Of', 'Events', 'Reason'], rows);
      });
    });
}

/** Adds `erase` to `accounts`. It sends requests until nothing remains. */
export function addAccountErase(accounts: Command, terminal: Terminal): void {
  withEraseOptions(
    apiCommand(accounts, 'erase <account>', 'Erase the payloads of all its events; open deliveries are cancelled'),
  ).action(async (id: string, { reason, yes, ...options }: EraseOptions) => {
    const context = await openContext(terminal, options);
    await confirmDeletion(context, `the payloads of all events of ${id} with their ${CONTENT}`, yes);
    const params = { path: { id } };
    const total = { events: 0, deliveries: 0, attempts: 0, messages: 0 };
    let cursor: string | undefined;
    do {
      const body = { reason, cursor };
      const erasure = await unwrap(context.client.POST('/v1/accounts/{id}/erase', { params, body }));
      total.events += erasure.events;
      total.deliveries += erasure.deliveries;
      total.attempts += erasure.attempts;
      total.messages += erasure.messages;
      cursor = erasure.nextCursor ?? undefined;
    } while (cursor !== undefined);
    const erased = { accountId: id, reason, ...total };
    context.print(erased, () => fields(erased));
  });
}

interface ListOptions {
  readonly account?: string;
  readonly limit: number;
  readonly cursor?: string;
}

function withEraseOptions(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--yes', 'do not ask for confirmation');
}
