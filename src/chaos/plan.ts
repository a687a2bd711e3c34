/** What a run does: which requests it sends and which faults fall in between. Pure: the same seed, the same plan. */
import { randomFor, type Random } from './random.js';

/** What can be hit. */
export type Target = 'api' | 'worker-1' | 'worker-2' | 'postgres' | 'temporal';

/** What is done to the system on purpose; durations in milliseconds. */
export type Fault =
  /** SIGKILL to all of these at once; each is started again at once. */
  | { readonly kind: 'kill'; readonly targets: readonly Target[] }
  /** Killed, and started again only after a while. */
  | { readonly kind: 'away'; readonly target: 'postgres' | 'temporal'; readonly forMs: number }
  /** Every write is refused for a while. */
  | { readonly kind: 'read-only'; readonly forMs: number }
  /** Stopped in the middle of whatever it does (SIGSTOP), and let go on. */
  | { readonly kind: 'frozen'; readonly target: Exclude<Target, 'api'>; readonly forMs: number };

/** A fault and after how many emitted events it falls. */
export interface PlannedFault {
  readonly at: number;
  readonly fault: Fault;
}

/** How a kind of receiver misbehaves before it accepts. */
/** Those of `fails` never do. */
export const receiverKinds = ['accepts', 'refuses', 'hangs', 'late', 'too-late', 'closes', 'slow', 'fails'] as const;
export type ReceiverKind = (typeof receiverKinds)[number];

/** An event of the load. */
export interface PlannedEvent {
  /** Counts the events of a run from 0; it is the payload. */
  readonly n: number;
  /** The kind of receiver that takes this event beside the one that takes all. */
  readonly kind: ReceiverKind;
}

/** One call of the API. */
export interface PlannedRequest {
  readonly key: string;
  readonly events: readonly PlannedEvent[];
  readonly batch: boolean;
  /** The caller asks again although it got its answer. */
  readonly repeated: boolean;
  /** The caller gives up on the first answer after this many milliseconds; null when it waits. */
  readonly hangsUpAfterMs: number | null;
}

export interface Plan {
  readonly seed: number;
  readonly events: number;
  readonly requests: readonly PlannedRequest[];
  readonly faults: readonly PlannedFault[];
}

export interface PlanOptions {
  readonly seed: number;
  readonly events: number;
  /** Over how long the load is spread. */
  readonly seconds: number;
}

/** From this many seconds on there is time for long absences. */
const LONG_RUN_S = 120;
/** One fault per so many seconds of load. */
const SECONDS_PER_FAULT = 5;

export function makePlan(options: PlanOptions): Plan {
  const { seed, events } = options;
  return { seed, events, requests: requests(options), faults: faults(options) };
}

function requests({ seed, events }: PlanOptions): PlannedRequest[] {
  const random = randomFor(seed, 'requests');
  const planned: PlannedRequest[] = [];
  for (let n = 0; n < events;) {
    const batch = random.chance(0.3);
    const size = Math.min(batch ? random.between(2, 12) : 1, events - n);
    planned.push({
      key: `chaos-${seed}-${planned.length}`,
      events: Array.from({ length: size }, (_, index) => ({ n: n + index, kind: kindOf(random) })),
      batch,
      repeated: random.chance(0.05),
      hangsUpAfterMs: random.chance(0.05) ? random.between(1, 15) : null,
    });
    n += size;
  }
  return planned;
}

/** Two of three events go to the receiver that takes all only; the rest is spread over those that misbehave. */
function kindOf(random: Random): ReceiverKind {
  return random.chance(2 / 3) ? 'accepts' : receiverKinds[random.between(1, receiverKinds.length - 1)]!;
}

/** Deals from a shuffled deck of every kind of fault, each at a random moment of its own stretch of the load. */
function faults({ seed, events, seconds }: PlanOptions): PlannedFault[] {
  const random = randomFor(seed, 'faults');
  const count = Math.max(Math.round(seconds / SECONDS_PER_FAULT), 1);
  let deck: Fault[] = [];
  return Array.from({ length: count }, (_, index) => {
    if (deck.length === 0) deck = random.shuffled(deckFor(random, seconds >= LONG_RUN_S));
    return { at: Math.floor(((index + random.next()) / count) * events), fault: deck.pop()! };
  });
}

function deckFor(random: Random, long: boolean): Fault[] {
  const seconds = (low: number, high: number): number => random.between(low * 1_000, high * 1_000);
  return [
    { kind: 'kill', targets: ['api'] },
    { kind: 'kill', targets: ['worker-1'] },
    { kind: 'kill', targets: ['worker-2'] },
    { kind: 'kill', targets: ['worker-1', 'worker-2'] },
    { kind: 'kill', targets: ['temporal'] },
    { kind: 'kill', targets: ['postgres'] },
    { kind: 'kill', targets: ['api', 'postgres'] },
    { kind: 'kill', targets: ['worker-1', 'temporal'] },
    { kind: 'kill', targets: ['api', 'worker-1', 'worker-2', 'postgres', 'temporal'] },
    { kind: 'away', target: 'postgres', forMs: long ? seconds(10, 20) : seconds(3, 6) },
    { kind: 'away', target: 'temporal', forMs: long ? seconds(60, 60) : seconds(10, 15) },
    { kind: 'read-only', forMs: long ? seconds(10, 20) : seconds(3, 6) },
    { kind: 'frozen', target: 'postgres', forMs: long ? seconds(10, 20) : seconds(3, 6) },
    { kind: 'frozen', target: 'temporal', forMs: seconds(3, 6) },
    // Longer than the time limit of an attempt and its margin, in a long run.
    { kind: 'frozen', target: 'worker-2', forMs: long ? seconds(35, 45) : seconds(5, 8) },
  ];
}

/** A fault in words. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `kill ${fault.targets.join(' + ')}`;
    case 'read-only':
      return `postgres read-only for ${fault.forMs} ms`;
    default:
      return `${fault.target} ${fault.kind} for ${fault.forMs} ms`;
  }
}
