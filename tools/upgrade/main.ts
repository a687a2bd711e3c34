/** `npm run upgrade -- [--from ref] [--seed n] [--events n] [--seconds n]` */
import { Command } from 'commander';
import { wholeNumber } from '#src/cli/arguments.js';
import { runTool } from '../run-tool.js';
import { upgrade, type UpgradeOptions } from './upgrade.js';

const command = new Command('upgrade')
  .description('Replace the processes of a release one after the other by those of this tree, under load')
  .option('--from <ref>', 'tag, branch or commit to start with; the newest tag by default')
  .option('--seed <number>', 'the same seed repeats the same load', wholeNumber(), 1)
  .option('--events <number>', 'events to emit', wholeNumber(), 1_000)
  .option('--seconds <number>', 'over how long to spread them', wholeNumber(), 90)
  .parse();
runTool(() => upgrade(command.opts<UpgradeOptions>()));
