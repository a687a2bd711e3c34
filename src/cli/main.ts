#!/usr/bin/env node
/** The command line. */
import { Command } from 'commander';
import { OperatorError } from '../errors.js';

const program = new Command('pigeonpost').description('Webhook delivery orchestrator on Temporal').version('0.1.0');

// Each command loads its own code, so that none waits for what it does not use.
program
  .command('up')
  .description('Run API and worker in one process, with PostgreSQL and Temporal embedded unless set')
  .action(async () => (await import('./up.js')).up());
program
  .command('api')
  .description('Run the API only')
  .action(async () => (await import('./roles.js')).api());
program
  .command('worker')
  .description('Run a worker only')
  .action(async () => (await import('./roles.js')).worker());
program
  .command('migrate')
  .description('Bring the database to the newest schema')
  .action(async () => (await import('./roles.js')).migrateDatabase());
program
  .command('rotate-encryption-key')
  .description('Encrypt every secret in the database with a new key, or with the one that was set anew')
  .action(async () => (await import('./rotate-encryption-key.js')).rotateEncryptionKey());

program
  .command('demo')
  .description('Show every contract at work against local receivers (from a clone, with its development packages)')
  .action(async () => (await import('../demo/demo.js')).demo());

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof OperatorError ? `pigeonpost: ${error.toString()}` : error);
  process.exitCode = 1;
});
