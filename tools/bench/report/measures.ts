/** What is measured, in which unit, and what the floor of each figure is. */

/** The loads, each of which is a way to use the system and yields several figures. */
export const loads = [
  'raw_posts',
  'raw_commits',
  'single_calls',
  'batches',
  'fan_out',
  'payload_1k',
  'payload_16k',
  'payload_256k',
  'encrypted',
  'encrypted_16k',
  'https',
  'many_accounts',
  'many_accounts_single_calls',
  'drain_temporal',
  'drain_receiver',
  'temporal_floor',
  'one_workflow_each',
  'raw_latency',
  'temporal_latency',
  'latency_5',
  'latency',
  'latency_100',
  'latency_200',
  'latency_500',
  'latency_1000',
  'latency_busy',
  'hanging',
  'full_tables',
  'soak',
  'neighbours',
] as const;
export type Load = (typeof loads)[number];

/** The loads that differ only in their rate, in events per second, in ascending order. */
export const rateLoads = [
  { perSecond: 5, load: 'latency_5' },
  { perSecond: 20, load: 'latency' },
  { perSecond: 100, load: 'latency_100' },
  { perSecond: 200, load: 'latency_200' },
  { perSecond: 500, load: 'latency_500' },
  { perSecond: 1_000, load: 'latency_1000' },
] as const satisfies readonly { perSecond: number; load: Load }[];

/** Names for several loads. */
const shortcuts: Readonly<Record<string, readonly Load[] | undefined>> = {
  rates: rateLoads.map(({ load }) => load),
  payloads: ['payload_1k', 'payload_16k', 'payload_256k'],
  drain: ['drain_temporal', 'drain_receiver'],
};

/** The processes whose processor time is measured separately; `load` are the callers. */
export const processes = ['pigeonpost', 'temporal', 'postgres', 'receiver', 'load'] as const;
export type ProcessName = (typeof processes)[number];

/** The processes that the sender consists of; their processor time is also reported as one figure. */
export const senderProcesses: readonly ProcessName[] = ['pigeonpost', 'temporal', 'postgres'];

/** What one customer does while another's events are measured; `tools/bench/attacks` has how. */
export const attackNames = [
  'signatures',
  'silent_names',
  'redaction',
  'large_patch',
  'copies',
  'streams',
  'wrong_keys',
] as const;
export type AttackName = (typeof attackNames)[number];

export interface Measure {
  readonly name: string;
  readonly unit: string;
  /** The load that yields it; absent: every one. */
  readonly load?: Load;
  /** The measure that says how good it could be, or how good it is without what this one adds. */
  readonly floor?: string;
  /** The largest ratio to the floor that is wanted. */
  readonly maxRatio?: number;
}

/** What a load is compared with. */
const floorLoads: Readonly<Partial<Record<Load, Load>>> = {
  single_calls: 'raw_posts',
  batches: 'raw_posts',
  fan_out: 'raw_posts',
  payload_1k: 'batches',
  payload_16k: 'batches',
  payload_256k: 'batches',
  encrypted: 'batches',
  encrypted_16k: 'payload_16k',
  https: 'batches',
  many_accounts: 'batches',
  many_accounts_single_calls: 'single_calls',
  drain_temporal: 'batches',
  drain_receiver: 'batches',
  one_workflow_each: 'temporal_floor',
  temporal_latency: 'raw_latency',
  latency: 'temporal_latency',
  latency_5: 'raw_latency',
  latency_100: 'raw_latency',
  latency_200: 'raw_latency',
  latency_500: 'raw_latency',
  latency_1000: 'raw_latency',
  latency_busy: 'latency',
  hanging: 'latency',
  full_tables: 'batches',
};

/** Loads that are no more than a floor, and the processes that take part: Pigeonpost is idle. */
const floors: Readonly<Partial<Record<Load, readonly ProcessName[]>>> = {
  raw_posts: ['receiver', 'load'],
  raw_commits: ['postgres', 'load'],
  temporal_floor: ['temporal', 'receiver', 'load'],
  raw_latency: ['receiver', 'load'],
  temporal_latency: ['temporal', 'receiver', 'load'],
};

const throughput: readonly Measure[] = (
  [
    ['raw_posts', 'deliveries/s'],
    ['raw_commits', 'commits/s'],
    ['single_calls', 'deliveries/s'],
    ['batches', 'deliveries/s'],
    ['fan_out', 'deliveries/s'],
    ['payload_1k', 'deliveries/s'],
    ['payload_16k', 'deliveries/s'],
    ['payload_256k', 'deliveries/s'],
    ['encrypted', 'deliveries/s'],
    ['encrypted_16k', 'deliveries/s'],
    ['https', 'deliveries/s'],
    ['many_accounts', 'deliveries/s'],
    ['many_accounts_single_calls', 'deliveries/s'],
    ['drain_temporal', 'deliveries/s'],
    ['drain_receiver', 'deliveries/s'],
    ['temporal_floor', 'workflows/s'],
    ['one_workflow_each', 'deliveries/s'],
    ['full_tables', 'deliveries/s'],
  ] as const
).map(([load, unit]) => ({ name: load, unit, load, ...withFloor(floorLoads[load]) }));

/** What is counted beside the rate of a load. */
const counts: readonly Measure[] = [
  { name: 'https_handshakes', unit: 'handshakes', load: 'https' },
  { name: 'https_resumed', unit: 'handshakes', load: 'https' },
  { name: 'drain_temporal_waiting', unit: 'deliveries', load: 'drain_temporal' },
  { name: 'drain_temporal_pause', unit: 's', load: 'drain_temporal' },
  { name: 'drain_receiver_pause', unit: 's', load: 'drain_receiver' },
];

const emitRate: Measure = { name: 'emit_rate', unit: 'events/s', load: 'single_calls', floor: 'raw_commits' };

const latencies: readonly Measure[] = (
  ['raw_latency', 'temporal_latency', ...rateLoads.map(({ load }) => load), 'latency_busy', 'hanging'] as const
).flatMap((load) =>
  ['p50', 'p95', 'p99'].map((rank) => {
    const floor = floorLoads[load];
    return { name: `${load}_${rank}`, unit: 'ms', load, ...withFloor(floor && `${floor}_${rank}`) };
  }),
);

/** Loads of which only their own measures are reported. */
const watchedApart: readonly Load[] = ['soak', 'neighbours'];

const cpu: readonly Measure[] = loads
  .filter((load) => !watchedApart.includes(load))
  .flatMap((load) =>
    (floors[load] ?? ([...processes, 'total'] as const)).map((process) => ({
      name: `cpu_${load}_${process}`,
      unit: 'CPU ms/delivery',
      load,
      ...withFloor(cpuFloor(load, process)),
    })),
  );

const memory: readonly Measure[] = [
  { name: 'memory_idle', unit: 'MiB' },
  ...loads
    .filter((load) => !(load in floors) && load !== 'neighbours')
    .map((load) => ({ name: `memory_${load}`, unit: 'MiB', load, floor: 'memory_idle' })),
];

const soak: Measure = { name: 'soak_growth', unit: 'MiB', load: 'soak', floor: 'memory_idle' };

/** How much later than otherwise events may arrive while another customer attacks. */
const MAX_SLOWDOWN = 3;

const neighbours: readonly Measure[] = [
  ...attackNames.flatMap((attack): Measure[] => {
    const name = `neighbours_${attack}`;
    const floor = `${name}_quiet`;
    return [
      { name: floor, unit: 'ms', load: 'neighbours' },
      { name, unit: 'ms', load: 'neighbours', floor, maxRatio: MAX_SLOWDOWN },
    ];
  }),
  { name: 'neighbours_streams_refused', unit: 'streams', load: 'neighbours' },
];

/** Every measure, in the order in which they are shown. */
export const measures: readonly Measure[] = [
  emitRate,
  ...throughput,
  ...counts,
  ...latencies,
  ...neighbours,
  soak,
  ...memory,
  ...cpu,
];

/** These loads and those that yield their floors. `names` are measures, loads or shortcuts; throws for any other. */
export function loadsFor(names: readonly string[]): Set<Load> {
  const wanted = new Set<Load>();
  const add = (load: Load | undefined): void => {
    if (load === undefined || wanted.has(load)) return;
    wanted.add(load);
    for (const { floor } of measures.filter((measure) => measure.load === load)) {
      add(measures.find(({ name }) => name === floor)?.load);
    }
  };
  for (const name of names) {
    const load = loads.find((known) => known === name) ?? measures.find((measure) => measure.name === name)?.load;
    const several = load === undefined ? shortcuts[name] : [load];
    if (several === undefined) {
      const known = [...loads, ...Object.keys(shortcuts)];
      throw new Error(`${name} is not measured; there are: ${known.join(', ')}`);
    }
    several.forEach(add);
  }
  return wanted;
}

/** A floor is reached by a process of the callers, which does nothing but what cannot be done without. */
function cpuFloor(load: Load, process: ProcessName | 'total'): string | undefined {
  const floor = floorLoads[load];
  if (floor === undefined || process === 'load') return undefined;
  if (!(floor in floors)) return `cpu_${floor}_${process}`;
  if (process === 'total') return undefined;
  if (process === 'pigeonpost') return `cpu_${floor}_load`;
  return floors[floor]?.includes(process) ? `cpu_${floor}_${process}` : undefined;
}

function withFloor(floor: string | undefined): { floor?: string } {
  return floor === undefined ? {} : { floor };
}
