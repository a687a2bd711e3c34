#!/usr/bin/env node
/** The command line. */
import './threads.js';
import { Command, InvalidArgumentError } from 'commander';
import type { PlanOptions } from '../chaos/plan.js';
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

program
  .command('chaos', { hidden: true })
  .description('Run real processes under seeded faults and print the ledger (from a clone)')
  .option('--seed <number>', 'the same seed repeats the same faults', wholeNumber, 1)
  .option('--events <number>', 'events to emit', wholeNumber, 500)
  .option('--seconds <number>', 'over how long to spread them', wholeNumber, 30)
  .action(async (options: PlanOptions) => (await import('../chaos/chaos.js')).chaos(options));

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof OperatorError ? `pigeonpost: ${error.toString()}` : error);
  // Not by exit code alone: Temporal's runtime would keep a process that could not start, and no supervisor would see it.
  process.exit(1);
});

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1 on.');
  return Number(text);
}
