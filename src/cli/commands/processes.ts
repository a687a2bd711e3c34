/** The processes of an installation, and what is done to its database. */
import type { Command } from 'commander';
import { withJson, type CommonOptions } from '../context.js';

type JsonOption = Pick<CommonOptions, 'json'>;

/** Says at once what takes a while, before the code for it is loaded. On standard error: `--json` has the other. */
function announce(text: string): void {
  console.error(text);
}

export function processCommands(program: Command): void {
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
  program
    .command('rotate-encryption-key')
    .description('Encrypt every secret in the database with a new key, or with a newly set one')
    .action(async () => (await import('../../server/rotate-encryption-key.js')).rotateEncryptionKey());
}
