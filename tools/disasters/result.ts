/** What became of a disaster: one line of figures, and what is wrong in it. Pure. */
import type { DeliveryFact } from '../chaos/ledger.js';
import type { Acknowledged } from '../chaos/load.js';
import type { ReceiverKind } from '../chaos/plan.js';
import type { Arrival } from '../chaos/receivers.js';
import { mismatched, type Reconciled, type Reconciliation } from './reconcile.js';

export interface DisasterFacts {
  readonly acknowledged: readonly Acknowledged[];
  /** When the copy of Pigeonpost's database was begun, as a Unix time in milliseconds; absent where it was not restored. */
  readonly copiedAt?: number | undefined;
  /** Ids of the events that the database knows. */
  readonly knownEvents: ReadonlySet<string>;
  readonly deliveries: readonly DeliveryFact[];
  readonly arrivals: (kind: ReceiverKind, eventId: string) => readonly Arrival[];
  readonly ownerless: readonly string[];
  readonly pausedOnOneSide: readonly string[];
  readonly reconciled: Reconciled;
  /** Of a dry run when everything was delivered. */
  readonly late: Reconciliation;
  /** Of a dry run at the end, when that was mended too. */
  readonly atEnd: Reconciliation;
  /** The number of `/v1/health` at the end. */
  readonly unreconciled: number;
}

export interface DisasterResult {
  readonly acknowledged: number;
  /** Acknowledged events that the restored database does not know: accepted after its copy was begun. */
  readonly unknownEvents: number;
  /** Deliveries that the restored database knows. */
  readonly deliveries: number;
  /** Those that no receiver accepted, and events that were acknowledged before the copy and are unknown. */
  readonly lost: number;
  /** Requests that a receiver accepted although it had accepted the delivery before. */
  readonly duplicates: number;
  readonly open: number;
  readonly ownerless: number;
  /** Deliveries that were paused in the database or in their workflow only, after `reconcile --apply`. */
  readonly pausedOnOneSide: number;
  readonly found: Reconciliation;
  readonly mended: number;
  readonly failedToMend: number;
  /** What a dry run found after the repair, when everything was delivered, and at the end. */
  readonly foundAfter: number;
  readonly foundLate: number;
  readonly foundAtEnd: number;
  readonly unreconciled: number;
}

/** The figures; `problems` says in text what should not be. */
export function resultOf(facts: DisasterFacts): { result: DisasterResult; problems: string[] } {
  const { acknowledged, knownEvents, copiedAt = Infinity, deliveries, reconciled, late, atEnd } = facts;
  const accepted = ({ kind, eventId }: DeliveryFact): number =>
    facts.arrivals(kind, eventId).filter((arrival) => arrival.accepted).length;
  const unknown = acknowledged.filter(({ eventId }) => !knownEvents.has(eventId));
  const lostEvents = unknown.filter(({ acknowledgedAt }) => acknowledgedAt < copiedAt);
  const lostDeliveries = deliveries.filter((delivery) => accepted(delivery) === 0);
  const open = deliveries.filter(({ state }) => ['pending', 'retrying', 'paused'].includes(state));
  const result: DisasterResult = {
    acknowledged: acknowledged.length,
    unknownEvents: unknown.length,
    deliveries: deliveries.length,
    lost: lostEvents.length + lostDeliveries.length,
    duplicates: deliveries.reduce((sum, delivery) => sum + Math.max(accepted(delivery) - 1, 0), 0),
    open: open.length,
    ownerless: facts.ownerless.length,
    pausedOnOneSide: facts.pausedOnOneSide.length,
    found: reconciled.found,
    mended: reconciled.applied.mended,
    failedToMend: reconciled.applied.failed,
    foundAfter: mismatched(reconciled.after),
    foundLate: mismatched(late),
    foundAtEnd: mismatched(atEnd),
    unreconciled: facts.unreconciled,
  };
  const problems = [
    ...lostEvents.map(({ eventId }) => `acknowledged before the copy, and unknown: ${eventId}`),
    ...lostDeliveries.map((delivery) => `never accepted: ${describe(delivery)}`),
    ...open.map((delivery) => `still open: ${describe(delivery)}`),
    ...facts.ownerless.map((id) => `without a workflow: ${id}`),
    ...facts.pausedOnOneSide.map((id) => `paused in the database or in its workflow only: ${id}`),
    ...(['failedToMend', 'foundAfter', 'foundAtEnd', 'unreconciled'] as const)
      .filter((name) => result[name] > 0)
      .map((name) => `${name} is ${result[name]}`),
  ];
  return { result, problems };
}

function describe({ id, kind, state, outcomes }: DeliveryFact): string {
  return `${id} for ${kind}, ${state}, attempts ${outcomes.join(', ')}`;
}
