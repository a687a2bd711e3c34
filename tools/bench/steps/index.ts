/** All loads, in groups that share an installation. */
import { join } from 'node:path';
import type { BusyMethods } from '../processes/busy.js';
import { startRemote } from '../processes/remote.js';
import { attackNames, rateLoads } from '../report/measures.js';
import { drainReceiver, drainTemporal } from './drain.js';
import { fill } from './fill.js';
import { EVENTS_PER_CALL, flood, type Flood } from './flood.js';
import { neighbours } from './neighbours.js';
import { pace, type Pace } from './pace.js';
import { soak } from './soak.js';
import type { Group, Stage, Step } from './types.js';

const KIB = 1_024;

/** Path of the module of one of the adapters here. */
export const adapter = (name: string): string => join(__dirname, '../adapters', `${name}.js`);

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
  perCall: EVENTS_PER_CALL,
});

/** Bytes of the events' data in one call, so that those that wait of 50 callers stay below what one account may have. */
const CALL_BYTES = 400 * KIB;
/** Events that are larger are fewer, so that all of a load together have as many bytes as if they had this size. */
const MAX_MEAN_BYTES = 8 * KIB;

const withPayload = (load: Flood['name'], bytes: number): Step =>
  flooding(load, ({ sender, sizes }) => ({
    adapter: sender,
    events: Math.ceil(sizes.events * Math.min(MAX_MEAN_BYTES / bytes, 1)),
    perCall: Math.min(Math.max(Math.floor(CALL_BYTES / bytes), 1), EVENTS_PER_CALL),
    bytes,
  }));

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

/** On an installation of their own, because of the size of its tables. */
const payloads: Group = {
  steps: [withPayload('payload_1k', KIB), withPayload('payload_16k', 16 * KIB), withPayload('payload_256k', 256 * KIB)],
};

/** With what is stored of payloads encrypted. */
const encrypted: Group = {
  settings: { PIGEONPOST_ENCRYPT_PAYLOADS: 'true' },
  steps: [flooding('encrypted', inBatches), withPayload('encrypted_16k', 16 * KIB)],
};

const https: Group = {
  https: true,
  steps: [
    {
      load: 'https',
      async run(stage) {
        const { accepted: _, ...figures } = await flood(stage, { name: 'https', ...inBatches(stage), reconnect: true });
        const { full, resumed } = await stage.receiver.call('handshakes');
        return { ...figures, https_handshakes: full, https_resumed: resumed };
      },
    },
  ],
};

const manyAccounts: Group = {
  steps: [
    flooding('many_accounts', (stage) => ({ ...inBatches(stage), accounts: stage.sizes.accounts })),
    flooding('many_accounts_single_calls', ({ sender, sizes }) => ({
      adapter: sender,
      events: sizes.events,
      perCall: 1,
      accounts: sizes.accounts,
    })),
  ],
};

/** A small load first, because a drain is measured once. */
const warmUp = async (stage: Stage): Promise<void> => {
  const events = Math.ceil(stage.sizes.events / 10);
  await flood(stage, { name: 'batches', ...inBatches(stage), events });
};

const drains: readonly Group[] = [
  { prepare: warmUp, steps: [{ load: 'drain_temporal', run: drainTemporal, once: true }] },
  { prepare: warmUp, steps: [{ load: 'drain_receiver', run: drainReceiver, once: true }] },
];

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

function besideBusyCore(step: Step): Step {
  return {
    load: step.load,
    async run(stage) {
      const busy = startRemote<BusyMethods>(join(__dirname, '../processes/busy.js'));
      try {
        await busy.call('begin');
        return await step.run(stage);
      } finally {
        busy.stop();
      }
    },
  };
}

/**
 * What a process costs that has been at work for a minute, not one that was just started: until then V8 compiles, and each
 * delivery takes twice the processor time.
 */
const warmUpForRates = async (stage: Stage): Promise<void> => {
  const { sender, sizes } = stage;
  await pace(stage, { name: 'latency_100', adapter: sender, seconds: sizes.warmUpSeconds, perSecond: 100 });
};

const latency: Group = {
  prepare: warmUpForRates,
  steps: [
    pacing('raw_latency', ({ sizes }) => ({ adapter: adapter('raw'), seconds: sizes.latencySeconds })),
    pacing('temporal_latency', ({ sizes }) => ({ adapter: adapter('temporal'), seconds: sizes.latencySeconds })),
    ...rateLoads.map(({ load, perSecond }) =>
      pacing(load, ({ sender, sizes }) => ({ adapter: sender, seconds: sizes.latencySeconds, perSecond })),
    ),
    besideBusyCore(pacing('latency_busy', ({ sender, sizes }) => ({ adapter: sender, seconds: sizes.latencySeconds }))),
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

export const groups: readonly Group[] = [
  throughput,
  payloads,
  encrypted,
  https,
  manyAccounts,
  ...drains,
  workflows,
  latency,
  fullTables,
  soaking,
  ...attacked,
];
