/** What is done to the system on purpose, and when. Pure: the same seed, the same faults. */
import { randomFor, type Random } from './random.js';

/** What can be hit. */
export const targets = ['api', 'worker-1', 'worker-2', 'postgres', 'temporal'] as const;
export type Target = (typeof targets)[number];

/** A fault; durations in milliseconds. */
export type Fault =
  /** SIGKILL to all of these at once; each is started again at once. */
  | { readonly kind: 'kill'; readonly targets: readonly Target[] }
  /** Asked to stop, and started again once it has. */
  | { readonly kind: 'restart'; readonly target: Target }
  /** Killed, and started again only after a while. */
  | { readonly kind: 'outage'; readonly target: 'postgres' | 'temporal'; readonly forMs: number }
  /** Every write is refused for a while. */
  | { readonly kind: 'read-only'; readonly target: 'postgres'; readonly forMs: number }
  /** Stopped in the middle of whatever it does (SIGSTOP), and let go on. */
  | { readonly kind: 'frozen'; readonly target: Exclude<Target, 'api'>; readonly forMs: number };

/** A fault and after how many emitted events it falls. */
export interface PlannedFault {
  readonly at: number;
  readonly fault: Fault;
}

/** From this many seconds of load on there is time for long absences. */
const LONG_RUN_S = 120;
/** One fault per this many seconds of load. */
const SECONDS_PER_FAULT = 4;
/** Part of the load in which faults fall: under the rest it can be seen that all goes on. */
const FAULTY_PART = 2 / 3;
/** Longer than this and an attempt that a frozen worker holds has timed out, in milliseconds. */
export const ATTEMPT_TIMES_OUT_MS = 30_000;

/** Deals from a shuffled deck of every kind of fault, each at a random moment of its own stretch of the load. */
export function planFaults(seed: number, events: number, seconds: number): PlannedFault[] {
  const random = randomFor(seed, 'faults');
  const count = Math.max(Math.round(seconds / SECONDS_PER_FAULT), 1);
  let deck: Fault[] = [];
  return Array.from({ length: count }, (_, index) => {
    if (deck.length === 0) deck = random.shuffled(deckFor(random, seconds >= LONG_RUN_S));
    return { at: Math.floor(((index + random.next()) / count) * FAULTY_PART * events), fault: deck.pop()! };
  });
}

function deckFor(random: Random, long: boolean): Fault[] {
  const seconds = (low: number, high: number): number => random.between(low * 1_000, high * 1_000);
  const some = (): Target[] => random.shuffled(targets).slice(0, random.between(2, 4));
  return [
    ...targets.map((target): Fault => ({ kind: 'kill', targets: [target] })),
    { kind: 'kill', targets: some() },
    { kind: 'kill', targets: some() },
    { kind: 'kill', targets: ['worker-1', 'worker-2'] },
    { kind: 'kill', targets },
    ...targets.filter((target) => target !== 'worker-2').map((target): Fault => ({ kind: 'restart', target })),
    { kind: 'outage', target: 'postgres', forMs: long ? seconds(10, 20) : seconds(3, 6) },
    { kind: 'outage', target: 'temporal', forMs: long ? seconds(60, 60) : seconds(8, 12) },
    { kind: 'read-only', target: 'postgres', forMs: long ? seconds(10, 20) : seconds(3, 6) },
    { kind: 'frozen', target: 'postgres', forMs: long ? seconds(20, 30) : seconds(3, 6) },
    { kind: 'frozen', target: 'temporal', forMs: seconds(3, 6) },
    { kind: 'frozen', target: 'worker-1', forMs: seconds(3, 8) },
    { kind: 'frozen', target: 'worker-2', forMs: ATTEMPT_TIMES_OUT_MS + seconds(3, long ? 15 : 5) },
  ];
}

/** The kind of a fault, by which faults are counted. */
export function kindOfFault(fault: Fault): string {
  if (fault.kind === 'kill') {
    if (fault.targets.length === targets.length) return 'kill all';
    return fault.targets.length === 1 ? `kill ${withoutNumber(fault.targets[0]!)}` : 'kill some together';
  }
  const long = fault.kind === 'frozen' && fault.target !== 'postgres' && fault.forMs > ATTEMPT_TIMES_OUT_MS;
  return `${withoutNumber(fault.target)} ${fault.kind}${long ? ' past the time limit' : ''}`;
}

/** Counts faults by kind. */
export function countByKind(faults: readonly PlannedFault[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { fault } of faults) counts[kindOfFault(fault)] = (counts[kindOfFault(fault)] ?? 0) + 1;
  return counts;
}

/** A fault as text. */
export function describeFault(fault: Fault): string {
  if (fault.kind === 'kill') return `kill ${fault.targets.join(' + ')}`;
  return `${fault.target} ${fault.kind}${'forMs' in fault ? ` for ${fault.forMs} ms` : ''}`;
}

function withoutNumber(target: Target): string {
  return target.replace(/-\d$/, '');
}
