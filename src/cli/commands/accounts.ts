/** `pigeonpost accounts`: customers of the platform and their API keys. */
import { Option, type Command } from 'commander';
import { unwrap } from '../../client/index.js';
import { jsonObjectOption, noneIsNull, orNone, wholeNumber } from '../arguments.js';
import { workflowModes, type WorkflowMode } from '../../config/defaults.js';
import { OperatorError } from '../../lib/errors.js';
import { confirmDeletion } from '../confirm.js';
import { apiCommand, openContext, type CommandContext, type CommonOptions } from '../context.js';
import { fields, table, when } from '../output.js';
import type { Terminal } from '../terminal.js';
import { addAccountErase } from './erase.js';
import { chosenForKey, showKeys, withKeyChoices, type KeyChoices } from './keys.js';
import { addPauseCommands } from './pause.js';

/** What may be chosen for an account, now or later. */
interface Choices extends CommonOptions {
  readonly settings?: Record<string, unknown>;
  readonly validate?: boolean;
  readonly operations?: boolean;
  readonly disableAfter?: number | 'none';
  readonly retentionDays?: number | 'none';
  readonly weight?: number;
  readonly maxSubscriptions?: number | 'none';
  readonly contactEmail?: string;
  readonly workflows?: WorkflowMode | 'none';
}

export function accountCommands(program: Command, terminal: Terminal): void {
  const accounts = program.command('accounts').description('Customers of the platform');

  apiCommand(accounts, 'list', 'List accounts, the newest first')
    .option('--provider <provider>', 'only accounts of this provider')
    .option('--search <text>', 'a part of the name or of your own id, or the id')
    .option('--limit <number>', 'how many', wholeNumber(1, 250), 50)
    .option('--cursor <cursor>', 'nextCursor of the previous page')
    .action(async ({ provider, search, limit, cursor, ...options }: CommonOptions & ListOptions) => {
      const { client, print } = await openContext(terminal, options);
      const query = { provider, q: search, limit, cursor };
      const page = await unwrap(client.GET('/v1/accounts', { params: { query } }));
      print(page, () => {
        const rows = page.data.map(({ id, provider, name, createdAt }) => [id, provider, name, when(createdAt)]);
        return table(['Account', 'Provider', 'Name', 'Created'], rows);
      });
    });

  withChoices(
    apiCommand(accounts, 'create <provider> <name>', 'Create an account; its first API key is shown once').option(
      '--scope <json>',
      "the provider's own ids; made up when absent",
      jsonObjectOption,
    ),
  ).action(async (provider: string, name: string, options: Choices & { scope?: Record<string, unknown> }) => {
    const { client, print } = await openContext(terminal, options);
    const body = { provider, name, scope: options.scope, ...chosen(options) };
    const account = await unwrap(client.POST('/v1/accounts', { body }));
    print(account, () => fields(account));
  });

  withChoices(
    apiCommand(accounts, 'edit <account>', 'Edit an account; other options stay unchanged').option(
      '--name <name>',
      'its name',
    ),
  ).action(async (id: string, options: Choices & { name?: string }) => {
    const { client, print } = await openContext(terminal, options);
    const body = { name: options.name, ...chosen(options) };
    const account = await unwrap(client.PATCH('/v1/accounts/{id}', { params: { path: { id } }, body }));
    print(account, () => fields(account));
  });

  addPauseCommands(accounts, terminal, {
    noun: 'account',
    pause: (client, id, body) => unwrap(client.POST('/v1/accounts/{id}/pause', { params: { path: { id } }, body })),
    resume: (client, id, body) => unwrap(client.POST('/v1/accounts/{id}/resume', { params: { path: { id } }, body })),
  });

  apiCommand(accounts, 'delete <account>', 'Delete an account; its open deliveries are cancelled')
    .option('--yes', 'do not ask for confirmation')
    .action(async (id: string, { yes, ...options }: CommonOptions & { yes?: boolean }) => {
      const context = await openContext(terminal, options);
      const params = { path: { id } };
      const { name } = await unwrap(context.client.GET('/v1/accounts/{id}', { params }));
      await confirmDeletion(context, `account ${id} (${name}) with its subscriptions and open deliveries`, yes);
      await unwrap(context.client.DELETE('/v1/accounts/{id}', { params }));
      context.print({ id, deleted: true }, () => `deleted ${id}`);
    });

  addAccountErase(accounts, terminal);

  apiCommand(accounts, 'show <account>', 'Show an account and its keys').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const account = await unwrap(client.GET('/v1/accounts/{id}', { params: { path: { id } } }));
      const { keys, ...rest } = account;
      print(account, () => `${fields(rest)}\n\n${showKeys(keys)}`);
    },
  );

  withKeyChoices(
    apiCommand(accounts, 'keys <account>', "List an account's API keys, add one or revoke one")
      .option('--add', 'add a key, which is shown once')
      .option('--name <name>', 'name of the added key')
      .option('--revoke <key>', 'revoke the key of this id'),
  ).action(async (id: string, { add, revoke, ...options }: CommonOptions & AccountKeyOptions) => {
    if (add && revoke !== undefined) throw new OperatorError('Give --add or --revoke, not both.');
    const context = await openContext(terminal, options);
    if (revoke !== undefined) await revokeKey(context, id, revoke);
    if (add) await addKey(context, id, options);
    if (!add && revoke === undefined) await listKeys(context, id);
  });
}

function withChoices(command: Command): Command {
  return command
    .option('--settings <json>', 'settings of the contract', jsonObjectOption)
    .option('--validate', 'reject events that lack a documented field (default)')
    .option('--no-validate', 'accept such events')
    .option('--operations', 'emit operational events to it')
    .option('--no-operations', 'emit no operational events to it (default)')
    .option(
      '--disable-after <hours>',
      'disable a subscription after so many hours of failure, or none',
      orNone(wholeNumber(1, 8_760)),
    )
    .option(
      '--retention-days <days>',
      'days to keep events; 0 keeps them indefinitely, none uses the setting of the installation',
      keptFor,
    )
    .option('--weight <number>', 'deliveries started per round when several accounts wait', wholeNumber())
    .option('--contact-email <address>', 'where alerts for the customer are sent, or none')
    .option('--max-subscriptions <number>', 'maximum number of subscriptions; none for the default', upTo)
    .addOption(
      new Option(
        '--workflows <mode>',
        'when deliveries get a workflow; none uses the setting of the installation',
      ).choices([...workflowModes, 'none']),
    );
}

const keptFor = orNone(wholeNumber(0, 3_650));
const upTo = orNone(wholeNumber(0, 10_000));

function chosen({ settings, validate, operations, disableAfter, weight, ...choices }: Choices) {
  const { retentionDays, maxSubscriptions, workflows, contactEmail } = choices;
  return {
    settings,
    validatePayloads: validate,
    receivesOperationalEvents: operations,
    disableAfterHours: noneIsNull(disableAfter),
    retentionDays: noneIsNull(retentionDays),
    dispatchWeight: weight,
    maxSubscriptions: noneIsNull(maxSubscriptions),
    workflows: noneIsNull(workflows),
    contactEmail: noneIsNull(contactEmail),
  };
}

interface AccountKeyOptions extends KeyChoices {
  readonly add?: boolean;
  readonly name?: string;
  readonly revoke?: string;
}

type Scope = NonNullable<KeyChoices['scope']>[number];

interface ListOptions {
  readonly search?: string;
  readonly provider?: string;
  readonly limit: number;
  readonly cursor?: string;
}

async function listKeys({ client, print }: CommandContext, id: string): Promise<void> {
  const { keys } = await unwrap(client.GET('/v1/accounts/{id}', { params: { path: { id } } }));
  print({ data: keys }, () => showKeys(keys));
}

async function addKey({ client, print }: CommandContext, id: string, options: AccountKeyOptions): Promise<void> {
  const { scopes, expiresAt } = chosenForKey(options);
  // The API names the scopes that a key of an account can have.
  const body = { name: options.name, scopes: scopes as Exclude<Scope, 'publish'>[] | undefined, expiresAt };
  const key = await unwrap(client.POST('/v1/accounts/{id}/keys', { params: { path: { id } }, body }));
  print(key, () => fields(key));
}

async function revokeKey({ client, print }: CommandContext, id: string, keyId: string): Promise<void> {
  await unwrap(client.DELETE('/v1/accounts/{id}/keys/{keyId}', { params: { path: { id, keyId } } }));
  print({ id: keyId, revoked: true }, () => `revoked ${keyId}`);
}
