/** The books of a run: what was acknowledged against what became of it. Pure; collecting the facts is apart. */
import { explains } from './explain.js';
import type { Disturbance } from './faults.js';
import type { Acknowledged } from './load.js';
import type { ReceiverKind } from './plan.js';
import type { Arrival } from './receivers.js';

/** A delivery as the database knows it. */
export interface DeliveryFact {
  readonly id: string;
  readonly eventId: string;
  readonly kind: ReceiverKind;
  readonly state: string;
  /** Whether its first attempt was accepted without a workflow. */
  readonly isDirect: boolean;
  /** Outcomes of its attempts, the first one first. */
  readonly outcomes: readonly string[];
}

/** Everything the books are made from. */
export interface Facts {
  readonly acknowledged: readonly Acknowledged[];
  readonly deliveries: readonly DeliveryFact[];
  /** Ids of the deliveries that were open without an owner. */
  readonly ownerless: readonly string[];
  /** Per planned event, how many events the database has. */
  readonly eventsByN: ReadonlyMap<number, number>;
  readonly disturbances: readonly Disturbance[];
  readonly arrivals: (kind: ReceiverKind, eventId: string) => readonly Arrival[];
}

export interface Balance {
  readonly acknowledged: number;
  readonly delivered: number;
  /** Of those, accepted without a workflow. */
  readonly direct: number;
  /** Visibly ended without being accepted. */
  readonly failed: number;
  readonly cancelled: number;
  /** Accepted again by a receiver that had accepted the event before. */
  readonly duplicates: number;
  /** Those that neither the database nor the faults explain. */
  readonly duplicatesUnexplained: number;
  /** Acknowledged, but without a delivery, or recorded as delivered without having been accepted. */
  readonly lost: number;
  /** Accepted before the delivery of an earlier event with the same ordering key. */
  readonly outOfOrder: number;
  /** Acknowledged events with an ordering key. */
  readonly ordered: number;
  /** Open without anything that would go on with it. */
  readonly ownerless: number;
  /** Still open when the time was up. */
  readonly unsettled: number;
  /** Planned events that the API took more than once despite their key. */
  readonly takenTwice: number;
  /** Responses that are recorded beyond the requests that arrived. */
  readonly recordedTwice: number;
  /** Attempts that are shown as interrupted. */
  readonly attemptsInterrupted: number;
  /** Requests that arrived at receivers beyond the attempts that are shown. */
  readonly attemptsUnrecorded: number;
  /** Those that no fault explains. */
  readonly attemptsUnexplained: number;
}

/** The books, and as text what is wrong in them. */
export function balance(facts: Facts): { readonly balances: Balance; readonly problems: readonly string[] } {
  const all = facts.deliveries;
  const problems: string[] = [];
  const note = (what: string, about: readonly string[]): number => {
    problems.push(...about.map((each) => `${what}: ${each}`));
    return about.length;
  };
  const inState = (...states: string[]): DeliveryFact[] => all.filter(({ state }) => states.includes(state));
  const count = (excess: (delivery: DeliveryFact) => number, among = all): number =>
    among.reduce((sum, delivery) => sum + Math.max(excess(delivery), 0), 0);
  const byId = new Map(all.map((delivery) => [delivery.id, delivery]));

  const again = (delivery: DeliveryFact): number => arrivalsOf(facts, delivery).filter(wasAccepted).length - 1;
  const unrecorded = (delivery: DeliveryFact): number => arrivalsOf(facts, delivery).length - delivery.outcomes.length;
  const recordedAgain = (delivery: DeliveryFact): number =>
    delivery.outcomes.filter(isResponse).length - arrivalsOf(facts, delivery).length;
  const strange = (excess: (delivery: DeliveryFact) => number): DeliveryFact[] =>
    all.filter((delivery) => excess(delivery) > 0 && !isExplained(facts, delivery));

  const duplicated = strange(again);
  const forgotten = strange(unrecorded);
  note('duplicate without an explanation', duplicated.map(describe));
  note('attempt without a record or an explanation', forgotten.map(describe));
  note('recorded more responses than requests arrived', all.filter((one) => recordedAgain(one) > 0).map(describe));
  const takenTwice = [...facts.eventsByN].filter(([, events]) => events > 1).map(([n]) => `event ${n}`);
  const lost = facts.acknowledged.filter((event) => isLost(facts, event, byId));
  const balances = {
    acknowledged: facts.acknowledged.length,
    delivered: inState('delivered').length,
    direct: inState('delivered').filter(({ isDirect }) => isDirect).length,
    failed: inState('failed').length,
    cancelled: inState('cancelled').length,
    duplicates: count(again),
    duplicatesUnexplained: count(again, duplicated),
    lost: note(
      'lost',
      lost.map(({ eventId, planned }) => `${eventId} for ${planned.kind}`),
    ),
    outOfOrder: note('out of order', outOfOrder(facts)),
    ordered: facts.acknowledged.filter(({ planned }) => planned.orderingKey !== null).length,
    ownerless: note('without an owner', facts.ownerless),
    unsettled: note('not settled', inState('pending', 'retrying', 'paused').map(describe)),
    takenTwice: note('taken twice', takenTwice),
    recordedTwice: count(recordedAgain),
    attemptsInterrupted: count(({ outcomes }) => outcomes.filter((outcome) => outcome === 'interrupted').length),
    attemptsUnrecorded: count(unrecorded),
    attemptsUnexplained: count(unrecorded, forgotten),
  };
  return { balances, problems };
}

/** Every event is due at the receiver that takes all, and at the one of its kind. */
function isLost(facts: Facts, { planned, eventId, deliveryIds }: Acknowledged, byId: Map<string, DeliveryFact>) {
  const deliveries = deliveryIds.map((id) => byId.get(id));
  const due: ReceiverKind[] = planned.kind === 'accepts' ? ['accepts'] : ['accepts', planned.kind];
  if (due.some((kind) => !deliveries.some((delivery) => delivery?.kind === kind && delivery.eventId === eventId)))
    return true;
  return deliveries.some(
    (delivery) =>
      delivery === undefined || (delivery.state === 'delivered' && !arrivalsOf(facts, delivery).some(wasAccepted)),
  );
}

/**
 * Deliveries that a receiver accepted although it had not yet accepted an earlier event of their key. An event is earlier
 * if it precedes the other one in its request, or if its response came before the other one was sent.
 */
function outOfOrder({ acknowledged, deliveries, arrivals }: Facts): string[] {
  const byEvent = new Map(acknowledged.map((event) => [event.eventId, event]));
  const lists = new Map<string, { event: Acknowledged; acceptedAt: number }[]>();
  for (const { eventId, kind, state } of deliveries) {
    const event = byEvent.get(eventId);
    if (!event || event.planned.orderingKey === null || state === 'cancelled' || state === 'failed') continue;
    const acceptedAt = arrivals(kind, eventId).find(wasAccepted)?.at ?? Infinity;
    const name = `${event.planned.orderingKey} at ${kind}`;
    lists.set(name, [...(lists.get(name) ?? []), { event, acceptedAt }]);
  }
  return [...lists].flatMap(([name, list]) =>
    list
      .filter(({ event, acceptedAt }) =>
        list.some((other) => isEarlier(other.event, event) && acceptedAt < other.acceptedAt),
      )
      .map(({ event }) => `${event.eventId} of ${name}`),
  );
}

function isEarlier(one: Acknowledged, other: Acknowledged): boolean {
  if (one.key === other.key) return one.planned.n < other.planned.n;
  return one.acknowledgedAt < other.sentAt;
}

/** Some request of it was in flight, or its outcome was being recorded, when a worker was hit. */
function isExplained(facts: Facts, delivery: DeliveryFact): boolean {
  return arrivalsOf(facts, delivery).some((arrival) =>
    facts.disturbances.some((disturbance) => explains(disturbance, arrival)),
  );
}

function arrivalsOf(facts: Facts, { kind, eventId }: DeliveryFact): readonly Arrival[] {
  return facts.arrivals(kind, eventId);
}

function wasAccepted({ accepted }: Arrival): boolean {
  return accepted;
}

function isResponse(outcome: string): boolean {
  return outcome === 'accepted' || outcome === 'refused';
}

function describe({ id, kind, state, outcomes }: DeliveryFact): string {
  return `${id} for ${kind}, ${state}, attempts ${outcomes.join(', ')}`;
}
