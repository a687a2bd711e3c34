/** Putting the loads on, group by group. */
import { printProgress } from '../progress.js';
import { DEMO_HOST, makeCertificate } from '../demo/certificates.js';
import { errorMessage } from '#src/lib/errors.js';
import type { Options, Sizes } from './options.js';
import type { LoadMethods } from './processes/load.js';
import type { ReceiverMethods } from './processes/receiver.js';
import { startRemote } from './processes/remote.js';
import type { Load } from './report/measures.js';
import type { Figures } from './report/report.js';
import { readable } from './report/table.js';
import { adapter, groups } from './steps/index.js';
import type { Group, Stage } from './steps/types.js';
import { output } from './system/folders.js';
import { startInstallation } from './system/installation.js';
import { describeServers, type Servers } from './system/machine.js';
import { startSilentNames } from './system/silent-names.js';
import { residentBytes, usageReporter } from './system/usage.js';

const MIB = 1_024 * 1_024;

/** What came of it; `problems` are groups that could not be measured. */
export interface Outcome {
  readonly figures: readonly Figures[];
  readonly servers?: Servers;
  readonly problems: readonly string[];
}

/** Puts every wanted load on, each group on an installation that is new. */
export async function runAll(options: Options): Promise<Outcome> {
  const figures: Figures[] = [];
  const problems: string[] = [];
  let servers: Servers | undefined;
  for (const group of groups) {
    const steps = group.steps.filter(({ load }) => options.loads.has(load));
    if (steps.length === 0 || (group.attack && !options.attacks.has(group.attack))) continue;
    try {
      await onStage({ ...group, steps }, options, async (stage) => {
        servers ??= stage.installation && (await describeServers(stage.installation));
        figures.push(...(await runGroup({ ...group, steps }, stage)));
      });
    } catch (error) {
      problems.push(`${steps.map(({ load }) => load).join(', ')}: ${errorMessage(error)}`);
    }
  }
  return { figures, problems, ...(servers && { servers }) };
}

/** Starts everything a group needs, and stops it. */
async function onStage(group: Group, options: Options, use: (stage: Stage) => Promise<void>): Promise<void> {
  const receiver = startRemote<ReceiverMethods>(`${__dirname}/processes/receiver.js`);
  const load = startRemote<LoadMethods>(`${__dirname}/processes/load.js`);
  const tls = options.https || group.https ? await makeCertificate(output()) : undefined;
  const port = await receiver.call('listen', tls && { key: tls.key, cert: tls.cert });
  const resolve = `${DEMO_HOST}:${port}:127.0.0.1`;
  const silent = group.silentNames ? await startSilentNames() : undefined;
  const installation =
    options.adapter === undefined
      ? await startInstallation(
          { ...group.settings, ...(tls && { PIGEONPOST_CA_FILE: tls.file, PIGEONPOST_RESOLVE: resolve }) },
          options.profile,
          silent?.prefix,
        )
      : undefined;
  try {
    await use({
      sizes: options.sizes,
      receiver,
      receiverUrl: tls ? `https://${DEMO_HOST}:${port}` : `http://127.0.0.1:${port}`,
      load,
      sender: options.adapter ?? adapter('pigeonpost'),
      connection: { ...installation, ...(tls && { receiverCaFile: tls.file, receiverResolve: resolve }) },
      ...(installation && { installation }),
    });
    await load.call('close');
  } finally {
    // The receiver first: attempts that hang end with it, and nothing waits for them.
    receiver.stop();
    load.stop();
    await installation?.stop();
    silent?.stop();
  }
}

async function runGroup({ steps, prepare }: Group, stage: Stage): Promise<Figures[]> {
  const { installation, sizes } = stage;
  const figures: Figures[] = [];
  if (installation && usageReporter) {
    figures.push({ memory_idle: residentBytes(installation.pids.pigeonpost) / MIB });
  }
  await prepare?.(stage);
  for (const step of steps) {
    // Once for little, so that no run has to pay for what is done for the first time.
    if (!step.once) await step.run({ ...stage, sizes: tenthOf(sizes) });
  }
  for (let run = 1; run <= sizes.runs; run += 1) {
    for (const step of steps.filter(({ once }) => run === 1 || !once)) {
      const found = await step.run(stage);
      figures.push(found);
      printProgress(`run ${run}: ${summary(step.load, found)}`);
    }
  }
  return figures;
}

function tenthOf(sizes: Sizes): Sizes {
  const tenth = (number: number): number => Math.ceil(number / 10);
  return {
    ...sizes,
    events: tenth(sizes.events),
    workflows: tenth(sizes.workflows),
    latencySeconds: tenth(sizes.latencySeconds),
  };
}

function summary(load: Load, figures: Figures): string {
  const own = Object.entries(figures).filter(([name]) => !/^(cpu|memory)_/.test(name));
  return own.length === 0 ? load : own.map(([name, figure]) => `${name} ${readable(figure)}`).join(', ');
}
