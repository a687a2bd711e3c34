/** `pigeonpost broadcasts`: one event for all accounts of a provider. */
import type { Command } from 'commander';
import { unwrap, type components } from '../../client/index.js';
import { OperatorError } from '../../lib/errors.js';
import { assignment, collect, time, wholeNumber } from '../arguments.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { fields, table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type Broadcast = components['schemas']['Broadcast'];

interface CreateOptions extends CommonOptions {
  readonly data: string;
  readonly occurredAt?: string;
  readonly channel?: string[];
  readonly environment?: 'live' | 'test';
  readonly metadata?: Record<string, string>;
  readonly rate?: number;
  readonly idempotencyKey?: string;
  readonly yes?: boolean;
}

export function broadcastCommands(program: Command, terminal: Terminal): void {
  const broadcasts = program.command('broadcasts').description('One event for all accounts of a provider');
  createCommand(broadcasts, terminal);

  apiCommand(broadcasts, 'list', 'List broadcasts, the newest first')
    .option('--limit <number>', 'how many', wholeNumber(1, 250), 50)
    .option('--cursor <cursor>', 'nextCursor of the previous page')
    .action(async ({ limit, cursor, ...options }: CommonOptions & { limit: number; cursor?: string }) => {
      const { client, print } = await openContext(terminal, options);
      const page = await unwrap(client.GET('/v1/broadcasts', { params: { query: { limit, cursor } } }));
      print(page, () => {
        const rows = page.data.map((each) => [each.id, each.type, each.state, progress(each), when(each.createdAt)]);
        return table(['Broadcast', 'Event type', 'State', 'Progress', 'Created'], rows);
      });
    });

  apiCommand(broadcasts, 'show <broadcast>', 'Show a broadcast and its progress').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const shown = await unwrap(client.GET('/v1/broadcasts/{id}', { params: { path: { id } } }));
      print(shown, () => fields(shown));
    },
  );

  const changes = [
    ['pause', 'Pause a broadcast'],
    ['resume', 'Resume a paused broadcast'],
    ['cancel', 'Cancel a broadcast; what was emitted is delivered'],
  ] as const;
  for (const [name, summary] of changes)
    apiCommand(broadcasts, `${name} <broadcast>`, summary).action(async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const changed = await unwrap(client.POST(`/v1/broadcasts/{id}/${name}`, { params: { path: { id } } }));
      print(changed, () => line(changed));
    });
}

function createCommand(broadcasts: Command, terminal: Terminal): void {
  apiCommand(broadcasts, 'create <provider> <type>', 'Emit an event to all accounts; only counts them without --yes')
    .requiredOption('--data <json>', 'the data as JSON')
    .option('--occurred-at <time>', 'time of the event, or how long ago; now by default', time)
    .option('--channel <channel>', 'channel, for contracts with channels; may be given several times', collect)
    .option('--environment <environment>', 'only accounts of this environment, live or test')
    .option('--metadata <name=text>', 'only accounts with this metadata; may be given several times', assignment)
    .option('--rate <number>', 'accounts per second', wholeNumber(1, 1_000))
    .option('--idempotency-key <key>', 'a repeated request with the same key gets the first response')
    .option('--yes', 'do it')
    .action(async (provider: string, type: string, options: CreateOptions) => {
      const { data, yes = false, idempotencyKey } = options;
      const { occurredAt, channel: channels, environment, metadata, rate: ratePerSecond } = options;
      const rest = JSON.stringify({
        ...{ provider, type, occurredAt, channels, environment, metadata, ratePerSecond },
        dryRun: !yes,
      });
      const text = `${rest.slice(0, -1)},"data":${jsonText(data)}}`;
      const { client, print } = await openContext(terminal, options);
      const header = idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey };
      const responded = await unwrap(
        client.POST('/v1/broadcasts', {
          params: { header },
          // The text itself is sent, so that the payload reaches the receivers as it was given.
          body: { provider, type, data: null },
          bodySerializer: () => text,
        }),
      );
      print(responded, () => {
        if (!('dryRun' in responded)) return line(responded);
        const { accounts, withSubscriptions } = responded;
        return `${accounts} accounts, ${withSubscriptions} with an enabled subscription; --yes emits the event to them.`;
      });
    });
}

function jsonText(data: string): string {
  try {
    JSON.parse(data);
  } catch {
    throw new OperatorError('--data does not hold JSON.', 'Put it in quotes for the shell.');
  }
  return data;
}

/** A broadcast in a line. */
function line(broadcast: Broadcast): string {
  return `${broadcast.id}  ${broadcast.state}  ${progress(broadcast)}`;
}

function progress({ total, emitted, skipped, deliveries }: Broadcast): string {
  const of = `${emitted} of ${total} accounts, ${deliveries} deliveries`;
  return `${of}${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
