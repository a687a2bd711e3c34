/** `npm run chaos -- [--seed n] [--events n] [--seconds n]` */
import { Command } from 'commander';
import { wholeNumber } from '#src/cli/arguments.js';
import { runTool } from '../run-tool.js';
import { chaos } from './chaos.js';
import type { PlanOptions } from './plan.js';

const command = new Command('chaos')
  .description('Run real processes under seeded faults and print the ledger')
  .option('--seed <number>', 'the same seed repeats the same faults', wholeNumber(), 1)
  .option('--events <number>', 'events to emit', wholeNumber(), 500)
  .option('--seconds <number>', 'over how long to spread them', wholeNumber(), 30)
  .parse();
runTool(() => chaos(command.opts<PlanOptions>()));
