/** The processes of an installation, and what is done to its database. */
import type { Command } from 'commander';
import type { VersionState } from '../../temporal/worker-versions.js';
import { wholeNumber } from '../arguments.js';
import { printers, withJson, type CommonOptions } from '../context.js';
import { table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type JsonOption = Pick<CommonOptions, 'json'>;

/** Says at once what takes a while, before the code for it is loaded. On standard error: `--json` has the other. */
function announce(text: string): void {
  console.error(text);
}

export function processCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('up'))
    .description('Run API and worker in one process, with PostgreSQL and Temporal embedded unless set')
    .action(async ({ json = false }: JsonOption) => {
      announce('Starting Pigeonpost…');
      await (await import('../../server/up.js')).up(json);
    });
  program
    .command('api')
    .description('Run the API only')
    .action(async () => {
      announce('Starting the API…');
      await (await import('../../server/run.js')).api();
    });
  program
    .command('worker')
    .description('Run a worker only')
    .action(async () => {
      announce('Starting a worker…');
      await (await import('../../server/run.js')).worker();
    });
  withJson(program.command('migrate'))
    .description('Migrate the database to the schema of this version')
    .action(async ({ json = false }: JsonOption) => (await import('../../server/run.js')).migrateDatabase(json));
  versionCommands(program, terminal);
  program
    .command('rotate-encryption-key')
    .description('Encrypt every secret in the database with a new key, or with a newly set one')
    .action(async () => (await import('../../server/rotate-encryption-key.js')).rotateEncryptionKey());
}

interface UseOptions extends JsonOption {
  readonly percent?: number;
  readonly wait: number;
}

function versionCommands(program: Command, terminal: Terminal): void {
  const versions = program
    .command('worker-versions')
    .description('Builds of the workers that run beside each other (PIGEONPOST_WORKER_DEPLOYMENT)');
  withJson(versions.command('list'))
    .description('List the builds that Temporal knows, the newest first')
    .action(async (options: JsonOption) => {
      show(await (await import('../../server/worker-versions.js')).workerVersions(), options);
    });
  withJson(versions.command('use [build-id]'))
    .description('Give a build all deliveries, by default the build of this software; waits for a worker of it')
    .option('--percent <number>', 'only this percentage of them, from 1 to 99', wholeNumber(1, 99))
    .option('--wait <seconds>', 'how long to wait for a worker', wholeNumber(0), 60)
    .action(async (buildId: string | undefined, { percent, wait, json }: UseOptions) => {
      const choice = { waitMs: wait * 1_000, ...(buildId && { buildId }), ...(percent && { percent }) };
      show(await (await import('../../server/worker-versions.js')).useWorkerVersion(choice), { json });
    });

  function show(found: readonly VersionState[], options: JsonOption): void {
    const rows = found.map(({ buildId, state, percent, createdAt }) => [
      buildId,
      percent === undefined ? state : `${state} (${percent} %)`,
      when(createdAt),
    ]);
    printers(terminal, options).print(found, () =>
      rows.length > 0 ? table(['Build', 'State', 'First seen'], rows) : 'No worker of this deployment has run.',
    );
  }
}
