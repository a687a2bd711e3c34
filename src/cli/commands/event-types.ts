/** `pigeonpost event-types`: the event types that the platform defines. */
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { unwrap, type components } from '../../client/index.js';
import { explainFileError, OperatorError } from '../../lib/errors.js';
import { jsonObjectOption, wholeNumber } from '../arguments.js';
import { confirmDeletion } from '../confirm.js';
import { apiCommand, ExitError, openContext, type CommonOptions } from '../context.js';
import { fields, table } from '../output.js';
import type { Terminal } from '../terminal.js';

interface PutOptions extends CommonOptions {
  readonly description?: string;
  readonly group?: string;
  readonly schema?: string;
  readonly example?: Record<string, unknown>;
  readonly enforce?: boolean;
  readonly archived?: boolean;
  readonly featureFlag?: string;
}

interface ListOptions extends CommonOptions {
  readonly limit: number;
  readonly cursor?: string;
  readonly group?: string;
  readonly archived?: boolean;
}

type Import = components['schemas']['EventTypeImport'];

export function eventTypeCommands(program: Command, terminal: Terminal): void {
  const eventTypes = program
    .command('event-types')
    .description('Event types that the platform defines, for contracts without their own');

  apiCommand(eventTypes, 'list', 'List event types by name')
    .option('--limit <number>', 'how many', wholeNumber(1, 100), 50)
    .option('--cursor <cursor>', 'nextCursor of the previous page')
    .option('--group <group>', 'only of this group')
    .option('--archived', 'only archived ones')
    .action(async ({ limit, cursor, group, archived, ...options }: ListOptions) => {
      const { client, print } = await openContext(terminal, options);
      const query = { limit, cursor, group, ...(archived && { archived: 'true' as const }) };
      const page = await unwrap(client.GET('/v1/event-types', { params: { query } }));
      print(page, () => {
        const rows = page.data.map(({ name, group, version, enforce, archived, description }) => [
          ...[name, group, version, enforce ? 'enforced' : 'no', archived ? 'yes' : 'no', description.split('\n')[0]],
        ]);
        return table(['Event type', 'Group', 'Version', 'Schema', 'Archived', 'Description'], rows);
      });
    });

  apiCommand(eventTypes, 'show <name>', 'Show an event type and the versions of its schema')
    .option('--schema-version <number>', 'show the schema of this version', wholeNumber())
    .action(
      async (name: string, { schemaVersion: version, ...options }: CommonOptions & { schemaVersion?: number }) => {
        const { client, print } = await openContext(terminal, options);
        const params = { path: { name }, query: { version } };
        const shown = await unwrap(client.GET('/v1/event-types/{name}', { params }));
        print(shown, () => fields({ ...shown, versions: shown.versions.map(({ version }) => version).join(', ') }));
      },
    );

  apiCommand(eventTypes, 'put <name>', 'Define an event type, or replace its definition')
    .option('--description <text>')
    .option('--group <group>', 'a heading in lists')
    .option('--schema <file>', 'file with the JSON Schema of the data')
    .option('--example <json>', 'an example of the data as JSON', jsonObjectOption)
    .option('--enforce', 'refuse events whose data break the schema')
    .option('--archived', 'refuse its events')
    .option('--feature-flag <flag>', 'show it only to accounts with this flag')
    .action(async (name: string, options: PutOptions) => {
      const { description, group, schema, example, enforce, archived, featureFlag } = options;
      const body = {
        ...{ description, group, enforce, archived, featureFlag },
        ...(schema !== undefined && { schema: await readJsonObject(schema) }),
        ...(example && { examples: [example] }),
      };
      const { client, print } = await openContext(terminal, options);
      const saved = await unwrap(client.PUT('/v1/event-types/{name}', { params: { path: { name } }, body }));
      print(saved, () => fields(saved));
    });

  apiCommand(eventTypes, 'delete <name>', 'Delete an event type with the versions of its schema')
    .option('--yes', 'do not ask for confirmation')
    .action(async (name: string, { yes, ...options }: CommonOptions & { yes?: boolean }) => {
      const context = await openContext(terminal, options);
      const params = { path: { name } };
      await unwrap(context.client.GET('/v1/event-types/{name}', { params }));
      await confirmDeletion(context, `event type ${name} with the versions of its schema`, yes);
      await unwrap(context.client.DELETE('/v1/event-types/{name}', { params }));
      context.print({ name, deleted: true }, () => `deleted ${name}`);
    });

  importCommand(eventTypes, terminal);
}

function importCommand(eventTypes: Command, terminal: Terminal): void {
  apiCommand(eventTypes, 'import <file>', 'Import event types from the webhooks of an OpenAPI 3.1 document in JSON')
    .option('--dry-run', 'only say what would change')
    .action(async (file: string, { dryRun = false, ...options }: CommonOptions & { dryRun?: boolean }) => {
      const document = await readJsonObject(file);
      const { client, print } = await openContext(terminal, options);
      const result = await unwrap(client.POST('/v1/event-types/import', { body: { document, dryRun } }));
      print(result, () => importText(result));
      if (result.errors.length > 0) throw new ExitError(1);
    });
}

function importText({ dryRun, created, updated, unchanged, errors }: Import): string {
  const lines = [
    ...created.map((name) => `created    ${name}`),
    ...updated.map(({ name, changes }) => `updated    ${name} (${changes.join(', ')})`),
    ...unchanged.map((name) => `unchanged  ${name}`),
    ...errors.map(({ name, path, message }) => `refused    ${name}: ${path} ${message}`),
    ...(dryRun ? ['Nothing was saved: this was a dry run.'] : []),
  ];
  return lines.join('\n');
}

async function readJsonObject(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw explainFileError(error, file);
  });
  try {
    return jsonObjectOption(text);
  } catch {
    throw new OperatorError(`${file} does not hold a JSON object.`, 'Convert YAML to JSON first.');
  }
}
