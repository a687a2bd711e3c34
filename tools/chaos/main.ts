/** `npm run chaos -- [--seed n] [--events n] [--seconds n] [--cluster]` */
import { Command } from 'commander';
import { wholeNumber } from '#src/cli/arguments.js';
import { runTool } from '../run-tool.js';
import { chaos, type ChaosOptions } from './chaos.js';

const command = new Command('chaos')
  .description('Run real processes under seeded faults and print the ledger')
  .option('--seed <number>', 'the same seed repeats the same faults', wholeNumber(), 1)
  .option('--events <number>', 'events to emit', wholeNumber(), 500)
  .option('--seconds <number>', 'over how long to spread them', wholeNumber(), 30)
  .option('--cluster', 'on a Temporal server with PostgreSQL, with two APIs behind a load balancer', false)
  .parse();
runTool(() => chaos(command.opts<ChaosOptions>()));
