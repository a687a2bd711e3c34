/** All loads, in groups that share an installation. */
import { join } from 'node:path';
import { attackNames } from '../report/measures.js';
import { fill } from './fill.js';
import { flood, type Flood } from './flood.js';
import { neighbours } from './neighbours.js';
import { pace, type Pace } from './pace.js';
import { soak } from './soak.js';
import type { Group, Stage, Step } from './types.js';

/** Path of the module of one of the adapters here. */
export const adapter = (name: string): string => join(__dirname, '../adapters', `${name}.js`);

const BATCH = 100;

const flooding = (load: Flood['name'], options: (stage: Stage) => Omit<Flood, 'name'>): Step => ({
  load,
  async run(stage) {
    const { accepted, ...figures } = await flood(stage, { name: load, ...options(stage) });
    return load === 'single_calls' ? { ...figures, emit_rate: accepted } : figures;
  },
});

const pacing = (load: Pace['name'], options: (stage: Stage) => Omit<Pace, 'name'>): Step => ({
  load,
  run: (stage) => pace(stage, { name: load, ...options(stage) }),
});

const inBatches = ({ sender, sizes }: Stage): Omit<Flood, 'name'> => ({
  adapter: sender,
  events: sizes.events,
  perCall: BATCH,
});

const throughput: Group = {
  steps: [
    flooding('raw_posts', ({ sizes }) => ({ adapter: adapter('raw'), events: sizes.events, perCall: 1 })),
    flooding('raw_commits', ({ sizes }) => ({
      adapter: adapter('commits'),
      events: sizes.events,
      perCall: 1,
      arrives: false,
    })),
    flooding('single_calls', ({ sender, sizes }) => ({ adapter: sender, events: sizes.events, perCall: 1 })),
    flooding('batches', inBatches),
    flooding('fan_out', ({ sender, sizes }) => ({
      adapter: sender,
      events: Math.ceil(sizes.events / 20),
      perCall: 1,
      fansOut: true,
    })),
  ],
};

const workflows: Group = {
  settings: { PIGEONPOST_WORKFLOWS: 'always' },
  steps: [
    flooding('temporal_floor', ({ sizes }) => ({
      adapter: adapter('temporal'),
      events: sizes.workflows,
      perCall: 1,
    })),
    flooding('one_workflow_each', ({ sender, sizes }) => ({ adapter: sender, events: sizes.workflows, perCall: 1 })),
  ],
};

const latency: Group = {
  steps: [
    pacing('raw_latency', ({ sizes }) => ({ adapter: adapter('raw'), seconds: sizes.latencySeconds })),
    pacing('temporal_latency', ({ sizes }) => ({ adapter: adapter('temporal'), seconds: sizes.latencySeconds })),
    pacing('latency', ({ sender, sizes }) => ({ adapter: sender, seconds: sizes.latencySeconds })),
    ...([5, 200, 500] as const).map((perSecond) =>
      pacing(`latency_${perSecond}`, ({ sender, sizes }) => ({
        adapter: sender,
        seconds: sizes.latencySeconds,
        perSecond,
      })),
    ),
    pacing('hanging', ({ sender, sizes }) => ({ adapter: sender, seconds: sizes.latencySeconds, hanging: true })),
  ],
};

const fullTables: Group = {
  prepare: ({ installation, sizes }) => fill(installation!.databaseUrl, sizes.filled),
  steps: [flooding('full_tables', inBatches)],
};

const soaking: Group = { steps: [{ load: 'soak', run: soak, once: true }] };

/** Each on an installation of its own: the effects of one attack must not count for the next. */
const attacked: readonly Group[] = attackNames.map((name) => ({
  attack: name,
  ...(name === 'silent_names' && { silentNames: true }),
  steps: [{ load: 'neighbours', run: (stage) => neighbours(stage, name), once: true }],
}));

export const groups: readonly Group[] = [throughput, workflows, latency, fullTables, soaking, ...attacked];
