/** The processes of an installation, and what is done to its database. */
import type { Command } from 'commander';
import type { PlanOptions } from '../../chaos/plan.js';
import { wholeNumber } from '../arguments.js';
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
      await (await import('../up.js')).up(json);
    });
  program
    .command('api')
    .description('Run the API only')
    .action(async () => {
      announce('Starting the API…');
      await (await import('../roles.js')).api();
    });
  program
    .command('worker')
    .description('Run a worker only')
    .action(async () => {
      announce('Starting a worker…');
      await (await import('../roles.js')).worker();
    });
  withJson(program.command('migrate'))
    .description('Bring the database to the newest schema')
    .action(async ({ json = false }: JsonOption) => (await import('../roles.js')).migrateDatabase(json));
  program
    .command('rotate-encryption-key')
    .description('Encrypt every secret in the database with a new key, or with the one that was set anew')
    .action(async () => (await import('../rotate-encryption-key.js')).rotateEncryptionKey());
  program
    .command('demo')
    .description('Show every contract at work against local receivers (from a clone, with its development packages)')
    .action(async () => {
      announce('Starting the demo…');
      await (await import('../../demo/demo.js')).demo();
    });
  program
    .command('chaos', { hidden: true })
    .description('Run real processes under seeded faults and print the ledger (from a clone)')
    .option('--seed <number>', 'the same seed repeats the same faults', wholeNumber(), 1)
    .option('--events <number>', 'events to emit', wholeNumber(), 500)
    .option('--seconds <number>', 'over how long to spread them', wholeNumber(), 30)
    .action(async (options: PlanOptions) => (await import('../../chaos/chaos.js')).chaos(options));
}
