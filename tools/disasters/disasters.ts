/** `npm run disasters`: databases of a cluster are lost or restored under load, and what the runbook says is done. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchSignals } from '#src/server/signals.js';
import { printProgress } from '../progress.js';
import { disasters, type DisasterName } from './disaster.js';
import { runDisaster, type LoadOptions } from './run.js';

/** Only the first of many problems are printed. */
const MAX_PROBLEMS = 40;

export type DisasterOptions = LoadOptions;

/** Runs these disasters one after the other, each on a new cluster, and prints a line for each. */
export async function runAll(names: readonly DisasterName[], options: DisasterOptions): Promise<void> {
  watchSignals();
  for (const name of names) {
    const folder = await mkdtemp(join(tmpdir(), `pigeonpost-${name}-`));
    printProgress(`${name}: logs in ${join(folder, 'logs')}`);
    const { result, problems } = await runDisaster(disasters[name], folder, options);
    for (const problem of problems.slice(0, MAX_PROBLEMS)) printProgress(problem);
    console.log(JSON.stringify({ disaster: name, ...result }));
    if (problems.length === 0) await rm(folder, { recursive: true, force: true });
    else printProgress(`something is wrong; everything is kept in ${folder}`);
    if (problems.length > 0) process.exitCode = 1;
  }
  // Connections of clients would keep the process.
  process.exit();
}
