/** The books of a run: what was acknowledged against what became of it. Pure; collecting the facts is apart. */
import type { Disturbance } from './faults.js';
import type { Acknowledged } from './load.js';
import type { ReceiverKind } from './plan.js';
import type { Receipt } from './receivers.js';

/** A delivery as the database knows it. */
export interface DeliveryFact {
  readonly id: string;
  readonly eventId: string;
  readonly kind: ReceiverKind;
  readonly state: string;
  /** Outcomes of its attempts, the first one first. */
  readonly outcomes: readonly string[];
}

/** Everything the books are made from. */
export interface Facts {
  readonly acknowledged: readonly Acknowledged[];
  readonly deliveries: readonly DeliveryFact[];
  /** Ids of the deliveries whose workflow runs. */
  readonly running: ReadonlySet<string>;
  /** Per planned event, how many events the database has. */
  readonly eventsByN: ReadonlyMap<number, number>;
  readonly disturbances: readonly Disturbance[];
  readonly receipt: (kind: ReceiverKind, eventId: string) => Receipt | undefined;
}

export interface Balance {
  readonly acknowledged: number;
  readonly delivered: number;
  /** Visibly ended without being accepted: failed or cancelled. */
  readonly failed: number;
  /** Open, and a running workflow owns it. */
  readonly retrying: number;
  /** Accepted again by a receiver that had accepted the event before. */
  readonly duplicates: number;
  /** Those for which the database or the faults show why. */
  readonly duplicatesExplained: number;
  /** Acknowledged, but without a delivery, or recorded as delivered without having arrived. */
  readonly lost: number;
  /** Open without anything that would go on with it. */
  readonly unowned: number;
  /** Planned events that the API took more than once despite their key. */
  readonly takenTwice: number;
  /** Requests that arrived at receivers beyond the attempts that are recorded. */
  readonly attemptsUnrecorded: number;
}

/** An attempt under way when its worker died is repeated once it has timed out: at most after this, in milliseconds. */
const TIMES_OUT_MS = 45_000;

export function balance(facts: Facts): Balance {
  const byId = new Map(facts.deliveries.map((delivery) => [delivery.id, delivery]));
  const all = facts.deliveries;
  const open = all.filter(({ state }) => ['pending', 'retrying', 'paused'].includes(state));
  const duplicated = all.filter((delivery) => acceptances(facts, delivery) > 1);
  const explained = duplicated.filter((delivery) => isExplained(facts, delivery));
  return {
    acknowledged: facts.acknowledged.length,
    delivered: all.filter(({ state }) => state === 'delivered').length,
    failed: all.filter(({ state }) => state === 'failed' || state === 'cancelled').length,
    retrying: open.filter(({ id }) => facts.running.has(id)).length,
    duplicates: extra(facts, duplicated),
    duplicatesExplained: extra(facts, explained),
    lost: facts.acknowledged.filter((event) => isLost(facts, event, byId)).length,
    unowned: open.filter(({ id }) => !facts.running.has(id)).length,
    takenTwice: [...facts.eventsByN.values()].filter((count) => count > 1).length,
    attemptsUnrecorded: all.reduce(
      (sum, { kind, eventId, outcomes }) =>
        sum + Math.max((facts.receipt(kind, eventId)?.arrivals ?? 0) - outcomes.length, 0),
      0,
    ),
  };
}

/** Every event is due at the receiver that takes all, and at the one of its kind. */
function isLost(facts: Facts, { planned, eventId, deliveryIds }: Acknowledged, byId: Map<string, DeliveryFact>) {
  const deliveries = deliveryIds.map((id) => byId.get(id));
  const due: ReceiverKind[] = planned.kind === 'accepts' ? ['accepts'] : ['accepts', planned.kind];
  if (due.some((kind) => !deliveries.some((delivery) => delivery?.kind === kind && delivery.eventId === eventId)))
    return true;
  return deliveries.some(
    (delivery) => delivery === undefined || (delivery.state === 'delivered' && acceptances(facts, delivery) === 0),
  );
}

function acceptances(facts: Facts, { kind, eventId }: DeliveryFact): number {
  return facts.receipt(kind, eventId)?.acceptedAt.length ?? 0;
}

function extra(facts: Facts, deliveries: readonly DeliveryFact[]): number {
  return deliveries.reduce((sum, delivery) => sum + acceptances(facts, delivery) - 1, 0);
}

/** By an attempt that is shown as interrupted, or by a worker that died or stood still around the first acceptance. */
function isExplained({ receipt, disturbances }: Facts, { kind, eventId, outcomes }: DeliveryFact): boolean {
  if (outcomes.includes('interrupted')) return true;
  const [first = 0] = receipt(kind, eventId)?.acceptedAt ?? [];
  return disturbances.some(
    ({ fault, from, to }) => hitsWorker(fault) && first < to + 1_000 && first > from - TIMES_OUT_MS,
  );
}

function hitsWorker(fault: Disturbance['fault']): boolean {
  if (fault.kind === 'kill') return fault.targets.some((target) => target.startsWith('worker'));
  return fault.kind === 'frozen' && fault.target.startsWith('worker');
}
