/** What a run does: which requests it sends and which faults fall in between. Pure: the same seed, the same plan. */
import { planFaults, type PlannedFault } from './fault-plan.js';
import { randomFor, type Random } from './random.js';

/** How a kind of receiver misbehaves before it accepts; those of `fails` never do. */
export const receiverKinds = ['accepts', 'refuses', 'hangs', 'late', 'too-late', 'closes', 'slow', 'fails'] as const;
export type ReceiverKind = (typeof receiverKinds)[number];

/** An event of the load. */
export interface PlannedEvent {
  /** Counts the events of a run from 0; it is the payload. */
  readonly n: number;
  /** The kind of receiver that takes this event beside the one that takes all. */
  readonly kind: ReceiverKind;
  /** Null for most events. */
  readonly orderingKey: string | null;
}

/** One call of the API. */
export interface PlannedRequest {
  readonly key: string;
  readonly events: readonly PlannedEvent[];
  readonly batch: boolean;
  /** The caller asks again although it got its response. */
  readonly repeated: boolean;
  /** The caller gives up on the first response after this many milliseconds; null when it waits. */
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

export function makePlan(options: PlanOptions): Plan {
  const { seed, events, seconds } = options;
  return { seed, events, requests: requests(options), faults: planFaults(seed, events, seconds) };
}

function requests({ seed, events }: PlanOptions): PlannedRequest[] {
  const random = randomFor(seed, 'requests');
  const planned: PlannedRequest[] = [];
  for (let n = 0; n < events;) {
    const batch = random.chance(0.3);
    // Some are so large that their first attempts are made without a workflow.
    const most = random.chance(0.2) ? 60 : 12;
    const size = Math.min(batch ? random.between(2, most) : 1, events - n);
    planned.push({
      key: `chaos-${seed}-${planned.length}`,
      events: Array.from({ length: size }, (_, index) => planEvent(seed, n + index, kindOf(random))),
      batch,
      repeated: random.chance(0.05),
      hangsUpAfterMs: random.chance(0.05) ? random.between(1, 15) : null,
    });
    n += size;
  }
  return planned;
}

/** Ordering keys of a run. */
const KEYS = 8;

/** Every third event has an ordering key, unless its receiver never accepts and would block the key until the end. */
function planEvent(seed: number, n: number, kind: ReceiverKind): PlannedEvent {
  const random = randomFor(seed, `key/${n}`);
  const isOrdered = random.chance(1 / 3) && kind !== 'fails';
  return { n, kind, orderingKey: isOrdered ? `key-${random.between(1, KEYS)}` : null };
}

/** Two of three events go to the receiver that takes all only; the rest is spread over those that misbehave. */
function kindOf(random: Random): ReceiverKind {
  return random.chance(2 / 3) ? 'accepts' : receiverKinds[random.between(1, receiverKinds.length - 1)]!;
}
