/** `pigeonpost keys`: keys of operators, beside the admin key of the settings. */
import { type Command, Option } from 'commander';
import { unwrap, type components } from '../../client/index.js';
import { collect, fromNow } from '../arguments.js';
import { confirmDeletion } from '../confirm.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { fields, table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type ApiKey = components['schemas']['ApiKey'];
type Scope = ApiKey['scopes'][number];

/** What is chosen for a new key. */
export interface KeyChoices {
  readonly scope?: Scope[];
  readonly expires?: string;
}

export function keyCommands(program: Command, terminal: Terminal): void {
  const keys = program.command('keys').description('Keys of operators');

  apiCommand(keys, 'list', 'List the keys').action(async (options: CommonOptions) => {
    const { client, print } = await openContext(terminal, options);
    const list = await unwrap(client.GET('/v1/keys'));
    print(list, () => showKeys(list.data));
  });

  withKeyChoices(apiCommand(keys, 'create <name>', 'Create a key, which is shown once')).action(
    async (name: string, options: CommonOptions & KeyChoices) => {
      const { client, print } = await openContext(terminal, options);
      const key = await unwrap(client.POST('/v1/keys', { body: { name, ...chosenForKey(options) } }));
      print(key, () => fields(key));
    },
  );

  apiCommand(keys, 'revoke <key>', 'Revoke the key of this id')
    .option('--yes', 'do not ask for confirmation')
    .action(async (id: string, { yes, ...options }: CommonOptions & { yes?: boolean }) => {
      const context = await openContext(terminal, options);
      await confirmDeletion(context, `key ${id}; whatever uses it stops working`, yes);
      await unwrap(context.client.DELETE('/v1/keys/{id}', { params: { path: { id } } }));
      context.print({ id, revoked: true }, () => `revoked ${id}`);
    });
}

/** Adds the options of a new key. */
export function withKeyChoices(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--scope <scope>',
        'publish, read, operate (includes read) or admin (all, default); repeatable',
      ).argParser(collect),
    )
    .option('--expires <time>', 'when it stops working: a time, or a span from now such as 30d', fromNow);
}

/** The fields of a new key's request. */
export function chosenForKey({ scope, expires }: KeyChoices) {
  return { scopes: scope, expiresAt: expires };
}

/** Keys as a table. */
export function showKeys(keys: readonly ApiKey[]): string {
  return table(
    ['Key', 'Name', 'Scopes', 'Ends with', 'Created', 'Last used', 'Expires'],
    keys.map(({ id, name, scopes, hint, createdAt, lastUsedAt, expiresAt }) => [
      ...[id, name, scopes.join(', '), hint],
      ...[createdAt, lastUsedAt, expiresAt].map(when),
    ]),
  );
}
