/** `pigeonpost deliveries`: find them, follow them and send them commands. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { ApiError, Unreachable, unwrap, type components, type paths } from '../../client/index.js';
import { duration, time, wholeNumber } from '../arguments.js';
import { confirmRepetition } from '../confirm.js';
import { apiCommand, openContext, type CommandContext, type CommonOptions } from '../context.js';
import { deliveryHeads, deliveryLine, deliveryRow, deliveryText } from '../delivery-text.js';
import { fields, table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type Delivery = components['schemas']['Delivery'];
type Query = NonNullable<paths['/v1/deliveries']['get']['parameters']['query']>;

interface FilterOptions extends CommonOptions {
  readonly account?: string;
  readonly provider?: string;
  readonly subscription?: string;
  readonly event?: string;
  readonly type?: string;
  readonly state?: Query['state'];
  readonly from?: string;
  readonly to?: string;
  readonly orderingKey?: string;
  readonly host?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly search?: string;
}

const STATES = ['pending', 'retrying', 'paused', 'delivered', 'failed', 'cancelled'] satisfies Query['state'][];

/** The commands that open or finished deliveries accept. */
const commands = [
  ['cancel', 'Cancel deliveries; an attempt in flight is awaited first', true],
  ['pause', 'Make no further attempt until resumed', true],
  ['resume', 'Continue at the same position of the schedule', false],
  ['retry', 'Make an attempt now, in addition to those of the schedule', false],
  ['park', 'Pause deliveries that block their ordering key, and release the next of the key', true],
  ['redeliver', 'Deliver finished deliveries again, from the start of the schedule', false],
] as const;

export function deliveryCommands(program: Command, terminal: Terminal): void {
  const deliveries = program.command('deliveries').description('Events in flight to subscriptions');

  withFilters(apiCommand(deliveries, 'list', 'List deliveries, the newest first'))
    .option('--to <time>', 'only deliveries created before this time, or so long ago', time)
    .option('--limit <number>', 'how many', wholeNumber(1, 250), 50)
    .option('--cursor <cursor>', 'nextCursor of the previous page')
    .action(async (options: FilterOptions & { limit: number; cursor?: string }) => {
      const { client, print } = await openContext(terminal, options);
      const { limit, cursor } = options;
      const query = { ...queryOf(options), limit, cursor };
      const page = await unwrap(client.GET('/v1/deliveries', { params: { query } }));
      print(page, (paint) => {
        const searched = page.searchedSince ? `\n\nSearched back to ${when(page.searchedSince)}.` : '';
        const more = page.nextCursor === null ? '' : `${searched}\n\nMore with --cursor ${page.nextCursor}`;
        const rows = page.data.map((delivery) => deliveryRow(delivery, paint));
        return table(deliveryHeads, rows) + more;
      });
    });

  apiCommand(deliveries, 'show <delivery>', 'Show a delivery and its attempts').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const delivery = await unwrap(client.GET('/v1/deliveries/{id}', { params: { path: { id } } }));
      print(delivery, () => deliveryText(delivery));
    },
  );

  withFilters(apiCommand(deliveries, 'tail', 'Follow deliveries: a line whenever one changes, until Ctrl-C'))
    .option('--last <number>', 'number of existing deliveries to print first', wholeNumber(0, 250), 10)
    .option('--every <span>', 'interval between requests', duration, 1_000)
    .action(async (options: FilterOptions & { last: number; every: number }) => {
      const { client, printLine } = await openContext(terminal, options);
      const look = async (limit: number) =>
        (await unwrap(client.GET('/v1/deliveries', { params: { query: { ...queryOf(options), limit } } }))).data;
      const print = (delivery: Awaited<ReturnType<typeof look>>[number]) =>
        printLine(delivery, (paint) => deliveryLine(delivery, paint));
      await tail({ look, print, last: options.last, everyMs: options.every, terminal });
    });

  for (const [name, description, hasReason] of commands) {
    const command = apiCommand(deliveries, `${name} <delivery...>`, description);
    if (hasReason) command.option('--reason <text>', 'shown with the delivery and in Temporal');
    if (name === 'redeliver') command.option('--yes', 'redeliver delivered ones without asking');
    command.action(async (ids: string[], { reason, yes, ...options }: CommandOptions) => {
      const context = await openContext(terminal, options);
      for (const id of ids) {
        const given = name === 'redeliver' ? await redelivery(context, id, yes) : { reason };
        await send(context, name, id, given);
      }
    });
  }
  updateCommands(deliveries, terminal);
}

/** Commands whose result the API responds with. */
function updateCommands(deliveries: Command, terminal: Terminal): void {
  apiCommand(deliveries, 'skip <delivery>', 'Skip the planned attempt: move to the next step of the schedule').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const planned = await unwrap(client.POST('/v1/deliveries/{id}/skip', { params: { path: { id } }, body: {} }));
      print(planned, () => fields(planned));
    },
  );

  apiCommand(
    deliveries,
    'extend <delivery> <span>',
    'Make the planned attempt later by a span such as 10m or 2h',
  ).action(async (id: string, span: string, options: CommonOptions) => {
    const { client, print } = await openContext(terminal, options);
    const body = { seconds: duration(span) / 1_000 };
    const planned = await unwrap(client.POST('/v1/deliveries/{id}/extend', { params: { path: { id } }, body }));
    print(planned, () => fields(planned));
  });

  apiCommand(deliveries, 'attempt <delivery>', 'Make an attempt now and wait for its outcome').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const report = await unwrap(client.POST('/v1/deliveries/{id}/attempt', { params: { path: { id } }, body: {} }));
      print(report, () => fields(report));
    },
  );
}

interface CommandOptions extends CommonOptions {
  readonly reason?: string;
  readonly yes?: boolean;
}

/** The body of a redelivery; asks first when the receiver has accepted the delivery. */
async function redelivery(context: CommandContext, id: string, yes = false): Promise<{ allowDelivered: boolean }> {
  const { state, type, url } = await unwrap(context.client.GET('/v1/deliveries/{id}', { params: { path: { id } } }));
  if (state !== 'delivered') return { allowDelivered: false };
  await confirmRepetition(context, `${type} to ${url ?? 'its receiver'}, which has accepted ${id}`, yes);
  return { allowDelivered: true };
}

async function send(
  { client, printLine }: CommandContext,
  command: (typeof commands)[number][0],
  id: string,
  body: { readonly reason?: string | undefined; readonly allowDelivered?: boolean },
): Promise<void> {
  const params = { path: { id } };
  const delivery = await unwrap(client.POST(`/v1/deliveries/{id}/${command}`, { params, body }));
  printLine(delivery, (paint) => deliveryLine(delivery, paint));
}

function withFilters(command: Command): Command {
  return command
    .option('--provider <provider>')
    .option('--account <account>')
    .option('--subscription <subscription>')
    .option('--event <event>')
    .option('--type <type>', 'event type')
    .option('--ordering-key <key>', 'needs --account or --subscription')
    .option('--host <host>', "of the receiver's URL")
    .option('--status <status>', 'of the last response, such as 503 or 5xx')
    .option('--reason <reason>', 'why there was no response, such as timeout')
    .option('--search <text>', 'an id, or a part of the event type, URL, account name or payload')
    .addOption(new Option('--state <state>').choices(STATES))
    .option(
      '--from <time>',
      'only those created since, such as 2026-11-21T14:00:00Z, or 2h for the last two hours',
      time,
    );
}

function queryOf({ account, subscription, event, search, ...options }: FilterOptions): Query {
  const { provider, type, orderingKey, state, host, status, reason, from, to } = options;
  return {
    provider,
    accountId: account,
    subscriptionId: subscription,
    eventId: event,
    type,
    orderingKey,
    state,
    host,
    status,
    reason,
    q: search,
    from,
    to,
  };
}

interface TailOptions {
  /** The newest deliveries, the newest first. */
  readonly look: (limit: number) => Promise<readonly Delivery[]>;
  readonly print: (delivery: Delivery) => void;
  /** How many to begin with. */
  readonly last: number;
  readonly everyMs: number;
  readonly terminal: Terminal;
}

/** How many deliveries `tail` watches; what is older than these may change unseen. */
const WATCHED = 250;

/** Prints deliveries that are new or have changed, the oldest change first, until the terminal stops it. */
async function tail({ look, print, last, everyMs, terminal }: TailOptions): Promise<void> {
  const stop = terminal.onStop();
  let seen: ReadonlyMap<string, string> | undefined;
  let isUnavailable = false;
  while (!stop.aborted) {
    try {
      const deliveries = await look(WATCHED);
      const changed = seen
        ? deliveries.filter(({ id, updatedAt }) => seen?.get(id) !== updatedAt)
        : deliveries.slice(0, last);
      for (const delivery of changed.toSorted(byChange)) print(delivery);
      seen = new Map(deliveries.map(({ id, updatedAt }) => [id, updatedAt]));
      isUnavailable = false;
    } catch (error) {
      if (!seen || !passes(error)) throw error;
      if (!isUnavailable) terminal.err(`${(error as Error).message}; trying again`);
      isUnavailable = true;
    }
    await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

function byChange(one: Delivery, other: Delivery): number {
  return one.updatedAt < other.updatedAt ? -1 : 1;
}

/** Whether waiting may help. */
function passes(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ApiError && error.status >= 500);
}
