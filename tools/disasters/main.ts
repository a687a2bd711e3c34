/** `npm run disasters -- [names…] [--events n] [--seconds n] [--seed n]` */
import { Argument, Command } from 'commander';
import { wholeNumber } from '#src/cli/arguments.js';
import { runTool } from '../run-tool.js';
import { disasterNames, type DisasterName } from './disaster.js';
import { runAll, type DisasterOptions } from './disasters.js';

const command = new Command('disasters')
  .description(
    'Lose or restore databases of a cluster under load, reconcile them, and print what became of the deliveries',
  )
  .addArgument(new Argument('[names...]', 'all of them when absent').choices(disasterNames))
  .option('--seed <number>', 'the same seed repeats the same load', wholeNumber(), 1)
  .option('--events <number>', 'events to emit, half of them before the copies are made', wholeNumber(), 600)
  .option('--seconds <number>', 'over how long to spread them', wholeNumber(), 40)
  .parse();
const names = command.args as DisasterName[];
runTool(() => runAll(names.length > 0 ? names : disasterNames, command.opts<DisasterOptions>()));
