/** `npm run bench`: puts loads on Pigeonpost and reports each figure beside what bounds it. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { watchSignals } from '#src/server/signals.js';
import { readOptions } from './options.js';
import { draw } from './report/chart.js';
import { measures } from './report/measures.js';
import { layOutPeers, type Peers } from './report/peers.js';
import { drawRates } from './report/rate-chart.js';
import { makeReport } from './report/report.js';
import { layOut } from './report/table.js';
import { runAll } from './run.js';
import { output, project } from './system/folders.js';
import { describeMachine, machineLine } from './system/machine.js';

async function main(): Promise<void> {
  const options = readOptions(process.argv);
  watchSignals();
  await mkdir(output(), { recursive: true });
  await rm(output('pigeonpost.log'), { force: true });
  const { figures, servers, problems } = await runAll(options);
  const report = makeReport(measures, figures);
  const machine = describeMachine(servers);
  const title = machineLine(machine);
  await writeFile(output('latest.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(output('machine.json'), `${JSON.stringify(machine, null, 2)}\n`);
  await writeFile(output('latest.svg'), draw(report, title));
  const rates = drawRates(report, title);
  // Never the picture of another run.
  if (rates === undefined) await rm(output('latest-rates.svg'), { force: true });
  else await writeFile(output('latest-rates.svg'), rates);
  console.log(`${title}\n\n${layOut(report)}`);
  const peers = JSON.parse(await readFile(project('tools', 'bench', 'peers.json'), 'utf8')) as Peers;
  const besidePeers = options.adapter === undefined ? layOutPeers(report, peers) : undefined;
  if (besidePeers !== undefined) console.log(`\n${besidePeers}`);
  for (const problem of problems) console.error(`not measured: ${problem}`);
  // Not by exit code alone: connections that are kept alive would keep the process.
  process.exit(problems.length > 0 ? 1 : 0);
}

void main();
