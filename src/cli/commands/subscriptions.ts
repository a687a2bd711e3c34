/** `pigeonpost subscriptions`: where accounts want which events. */
import { Option, type Command } from 'commander';
import { unwrap, type components } from '../../client/index.js';
import { OperatorError } from '../../lib/errors.js';
import {
  assignment,
  collect,
  header,
  jsonObjectOrNone,
  noneIsNull,
  orNone,
  positive,
  textOption,
  wholeNumber,
} from '../arguments.js';
import { confirmDeletion } from '../confirm.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { fields, table, when, type Cell } from '../output.js';
import type { Terminal } from '../terminal.js';
import { addPauseCommands } from './pause.js';

type Subscription = components['schemas']['Subscription'];

/** What creating and editing have in common. */
interface FieldOptions extends CommonOptions {
  readonly type?: string[];
  readonly header?: Record<string, string>;
  readonly description?: string;
  readonly maxConcurrent?: number | 'none';
  readonly rate?: number | 'none';
  readonly filter?: Record<string, unknown> | 'none';
  readonly transformation?: string;
  readonly set?: Record<string, unknown>;
}

interface ListOptions extends CommonOptions {
  readonly limit: number;
  readonly cursor?: string;
  readonly host?: string;
  readonly search?: string;
  readonly condition?: 'enabled' | 'disabled' | 'paused' | 'failing';
}

const heads = ['Subscription', 'Receiver', 'Event types', 'Enabled', 'Failing since'];

function row({ id, url, eventTypes, enabled, disabledReason, disabledAt, health }: Subscription): Cell[] {
  return [
    ...[id, url, eventTypes.join(', ') || 'all'],
    enabled ? 'yes' : `no, since ${when(disabledAt)}${disabledReason === null ? '' : `: ${disabledReason}`}`,
    when(health?.failingSince),
  ];
}

export function subscriptionCommands(program: Command, terminal: Terminal): void {
  const subscriptions = program
    .command('subscriptions')
    .description('URLs of accounts and the event types they receive');

  listCommand(subscriptions, terminal);

  apiCommand(subscriptions, 'show <subscription>', 'Show a subscription and its health').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const subscription = await unwrap(client.GET('/v1/subscriptions/{id}', { params: { path: { id } } }));
      print(subscription, () => fields(subscription));
    },
  );

  withFields(apiCommand(subscriptions, 'create <account> <receiver>', 'Create a subscription; its secret is shown'))
    .option('--disabled', 'create it disabled')
    .action(async (id: string, url: string, options: FieldOptions & { disabled?: boolean }) => {
      const { client, print } = await openContext(terminal, options);
      const body = { eventTypes: [], ...fieldsOf(options), url, ...(options.disabled && { enabled: false }) };
      const params = { path: { id } };
      const subscription = await unwrap(client.POST('/v1/accounts/{id}/subscriptions', { params, body }));
      print(subscription, () => fields(subscription));
    });

  withFields(apiCommand(subscriptions, 'edit <subscription>', 'Edit a subscription; other options stay unchanged'))
    .option('--receiver <url>', 'new URL of the receiver')
    .action(async (id: string, options: FieldOptions & { receiver?: string }) => {
      await edit(terminal, id, options, { ...fieldsOf(options), ...(options.receiver && { url: options.receiver }) });
    });

  apiCommand(
    subscriptions,
    'enable <subscription>',
    'Enable a subscription; its waiting deliveries are resumed',
  ).action((id: string, options: CommonOptions) => edit(terminal, id, options, { enabled: true }));

  apiCommand(subscriptions, 'disable <subscription>', 'Take no events; open deliveries wait').action(
    (id: string, options: CommonOptions) => edit(terminal, id, options, { enabled: false }),
  );

  addPauseCommands(subscriptions, terminal, {
    noun: 'subscription',
    pause: (client, id, body) =>
      unwrap(client.POST('/v1/subscriptions/{id}/pause', { params: { path: { id } }, body })),
    resume: (client, id, body) =>
      unwrap(client.POST('/v1/subscriptions/{id}/resume', { params: { path: { id } }, body })),
  });

  apiCommand(
    subscriptions,
    'close-breaker <subscription>',
    'Close its circuit breaker; what waits is sent, oldest first',
  ).action(async (id: string, options: CommonOptions) => {
    const { client, print } = await openContext(terminal, options);
    const subscription = await unwrap(
      client.POST('/v1/subscriptions/{id}/breaker/close', { params: { path: { id } } }),
    );
    print(subscription, () => fields(subscription));
  });

  apiCommand(subscriptions, 'delete <subscription>', 'Delete a subscription; its open deliveries are cancelled')
    .option('--yes', 'do not ask for confirmation')
    .action(async (id: string, { yes, ...options }: CommonOptions & { yes?: boolean }) => {
      const context = await openContext(terminal, options);
      const params = { path: { id } };
      const { url } = await unwrap(context.client.GET('/v1/subscriptions/{id}', { params }));
      await confirmDeletion(context, `subscription ${id} (${url}) with its open deliveries`, yes);
      await unwrap(context.client.DELETE('/v1/subscriptions/{id}', { params }));
      context.print({ id, deleted: true }, () => `deleted ${id}`);
    });

  receiverCommands(subscriptions, terminal);
}

function listCommand(subscriptions: Command, terminal: Terminal): void {
  apiCommand(subscriptions, 'list [account]', 'List the subscriptions of an account, or of all, the newest first')
    .option('--host <host>', 'only those of this host; not with an account')
    .option('--search <text>', 'a part of the URL, description or account name, or an id; not with an account')
    .addOption(
      new Option('--condition <condition>', 'only such; not with an account').choices([
        ...['enabled', 'disabled', 'paused', 'failing'],
      ]),
    )
    .option('--limit <number>', 'how many', wholeNumber(1, 250), 50)
    .option('--cursor <cursor>', 'nextCursor of the previous page')
    .action(async (id: string | undefined, { limit, cursor, host, search, condition, ...options }: ListOptions) => {
      if (id !== undefined && (host ?? search ?? condition) !== undefined)
        throw new OperatorError('--host, --search and --condition search all accounts; name no account with them');
      const { client, print } = await openContext(terminal, options);
      if (id !== undefined) {
        const params = { path: { id }, query: { limit, cursor } };
        const page = await unwrap(client.GET('/v1/accounts/{id}/subscriptions', { params }));
        return print(page, () => table(heads, page.data.map(row)));
      }
      const query = { limit, cursor, host, q: search, condition };
      const page = await unwrap(client.GET('/v1/subscriptions', { params: { query } }));
      print(page, () => {
        const rows = page.data.map((listed) => [...row(listed), listed.accountName]);
        return table([...heads, 'Account'], rows);
      });
    });
}

/** Commands about what the receiver gets. */
function receiverCommands(subscriptions: Command, terminal: Terminal): void {
  apiCommand(subscriptions, 'test <subscription>', 'Send a test event to it')
    .option('--type <type>', 'one of its event types; the first by default')
    .action(async (id: string, { type, ...options }: CommonOptions & { type?: string }) => {
      const { client, print } = await openContext(terminal, options);
      const params = { path: { id } };
      const event = await unwrap(client.POST('/v1/subscriptions/{id}/test', { params, body: { type } }));
      print(event, () => `${event.type} is sent as delivery ${event.deliveries.map(({ id }) => id).join(', ')}`);
    });

  apiCommand(subscriptions, 'rotate-secret <subscription>', 'Replace its signing secret; the new one is shown')
    .option('--secret <secret>', 'the new secret; generated by default')
    .option('--overlap <hours>', 'hours for which the old secret signs too', wholeNumber(0, 168), 24)
    .action(async (id: string, options: CommonOptions & { secret?: string; overlap: number }) => {
      const { client, print } = await openContext(terminal, options);
      const params = { path: { id } };
      const body = { secret: options.secret, overlapHours: options.overlap };
      const rotated = await unwrap(client.POST('/v1/subscriptions/{id}/rotate-secret', { params, body }));
      print(rotated, () => fields(rotated));
    });
  policyCommands(subscriptions, terminal);
}

/** Shows the delivery policy in force and applies it to waiting deliveries; `edit --set policy:=…` changes it. */
function policyCommands(subscriptions: Command, terminal: Terminal): void {
  apiCommand(subscriptions, 'policy <subscription>', 'Show the delivery policy in force and where it comes from')
    .option('--event-type <type>', 'for events of this type')
    .action(async (id: string, { eventType, ...options }: CommonOptions & { eventType?: string }) => {
      const { client, print } = await openContext(terminal, options);
      const params = { path: { id }, query: { eventType } };
      const effective = await unwrap(client.GET('/v1/subscriptions/{id}/policy', { params }));
      print(effective, () => fields(effective));
    });

  apiCommand(subscriptions, 'apply-policy <subscription>', 'Apply the delivery policy in force to waiting deliveries')
    .option('--dry-run', 'only count them')
    .action(async (id: string, { dryRun = false, ...options }: CommonOptions & { dryRun?: boolean }) => {
      const { client, print } = await openContext(terminal, options);
      const total = { matched: 0, done: 0 };
      for (let cursor: string | undefined, more = true; more;) {
        const body = { dryRun, ...(cursor === undefined ? {} : { cursor }) };
        const params = { path: { id } };
        const page = await unwrap(client.POST('/v1/subscriptions/{id}/policy/apply', { params, body }));
        total.matched += page.matched;
        total.done += page.done;
        cursor = page.nextCursor ?? undefined;
        more = cursor !== undefined;
      }
      const shown = { dryRun, ...total };
      print(shown, () => fields(shown));
    });
}

function withFields(command: Command): Command {
  return command
    .option('--type <type>', 'event type to receive; may be given several times', collect)
    .option('--header <header>', "'Name: value', sent with every attempt; may be given several times", header)
    .option('--description <text>')
    .option('--max-concurrent <number>', 'maximum concurrent attempts, or none', orNone(wholeNumber(1, 1_000)))
    .option('--rate <number>', 'maximum attempts started per second, or none', orNone(positive))
    .option('--filter <json>', 'receive only events that pass: JSON, @file or none', jsonObjectOrNone)
    .option('--transformation <expression>', 'JSONata that makes the data: an expression, @file or none', textOption)
    .option('--set <field>', "one of the contract's own fields, as name=text or name:=JSON", assignment);
}

function fieldsOf({ type, header: headers, description, maxConcurrent, rate, ...options }: FieldOptions) {
  const { filter, transformation, set } = options;
  const given = {
    ...{ eventTypes: type, headers, description },
    ...{ filter: noneIsNull(filter), transformation: noneIsNull(transformation) },
    ...{ maxConcurrentAttempts: noneIsNull(maxConcurrent), ratePerSecond: noneIsNull(rate), ...set },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function edit(
  terminal: Terminal,
  id: string,
  options: CommonOptions,
  body: Record<string, unknown>,
): Promise<void> {
  const { client, print } = await openContext(terminal, options);
  const subscription = await unwrap(client.PATCH('/v1/subscriptions/{id}', { params: { path: { id } }, body }));
  print(subscription, () => fields(subscription));
}
