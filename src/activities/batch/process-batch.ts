/** Carrying a burst: the first attempts of many deliveries, recorded together as they come. */
import { activityInfo } from '@temporalio/activity';
import type { Starter } from '../../dispatch/start.js';
import { contractOf } from '../../providers/registry.js';
import { loadCarried, type CarriedDelivery } from '../../store/batches/batched.js';
import { claim, release } from '../../store/batches/claims.js';
import type { BurstGroup, BurstInput, BurstReport } from '../../workflows/batch-types.js';
import { FailureType } from '../../workflows/types.js';
import type { AttemptDependencies } from '../attempt/attempt.js';
import { FailureTally } from './failure-tally.js';
import { HandOver, refuseIfStale } from './workflow-start-queue.js';
import { afterFailure } from '../lasting-failure.js';
import { countsAsFailure, makeAttempt, wasMade } from '../attempt/send.js';
import type { AttemptPlace } from '../attempt/classify.js';
import { Pulse } from './heartbeater.js';
import { outcomeOf, tellAndWrite, type MadeAttempt } from '../attempt/save.js';
import type { Recorder } from '../attempt/outcome-writer.js';
import type { Room } from '../../lib/semaphore.js';
import type { Slots } from '../admission/concurrency-limiter.js';

/** How long a delivery waits for a slot of its subscription, in milliseconds; then that is too slow for a burst. */
const PATIENCE_MS = 2_000;
/** How long an exchange counts among those that are under way at once, in milliseconds: a slow one holds up nobody. */
const QUICK_MS = 250;
/** How long a burst begins further attempts, in milliseconds. */
const LONGEST_BURST_MS = 30_000;
export interface CarryDependencies extends AttemptDependencies {
  readonly slots: Slots;
  readonly maxConcurrentAttempts: number;
  readonly recorder: Recorder;
  readonly room: Room;
  /** Quick exchanges under way at once. */
  readonly lines: Room;
  readonly starter: Starter;
}

/** Everything the deliveries of one burst have in common. */
interface Burst {
  readonly id: string;
  readonly runId: string;
  readonly startedAt: number;
  /** Whether it stood still for so long that another worker may be carrying it. */
  readonly isStale: () => boolean;
  /** Attempts that killed or frozen predecessors may have made of what they did not record, one each. */
  readonly lostAttempts: number;
  readonly handOver: HandOver;
  readonly failures: FailureTally;
  readonly groups: ReadonlyMap<string, BurstGroup>;
  /** Makes room for another delivery, as one of this burst is done. */
  readonly leaveRoom: () => void;
}

/**
 * Makes the first attempt of each delivery and gives a workflow of its own to each that is not accepted, or that a burst
 * cannot carry: of a disabled subscription, of one with limits of its own, of one that is slow. What a killed predecessor
 * recorded is not sent again. Throws when not all could be handed over; repeating it does the rest.
 */
export async function carry(dependencies: CarryDependencies, { groups }: BurstInput): Promise<BurstReport> {
  const { store, room, starter } = dependencies;
  const info = activityInfo();
  const { workflowId, runId } = info.workflowExecution!;
  const ids = groups.flatMap(({ deliveryIds }) => deliveryIds);
  const pulse = new Pulse();
  let places = 0;
  // When the burst has ended, attempts that were under way may end yet; their places have been given back with the rest.
  const leave = (count: number): void => {
    const given = Math.min(count, places);
    places -= given;
    room.leave(given);
  };
  try {
    await room.enter(ids.length);
    places = ids.length;
    const claimed = await claim(store, workflowId, ids);
    // What a try has not recorded when it dies may have been sent, so each counts, and no two use the same number.
    const lostAttempts = (info.heartbeatDetails as number | undefined) ?? 0;
    pulse.say(lostAttempts + 1);
    const found = await loadCarried(store, claimed);
    const burst: Burst = {
      id: workflowId,
      runId,
      startedAt: Date.now(),
      isStale: () => pulse.isStale,
      lostAttempts,
      handOver: new HandOver(store, starter, () => pulse.isStale),
      failures: new FailureTally(store),
      groups: new Map(groups.flatMap((group) => group.deliveryIds.map((id) => [id, group]))),
      leaveRoom: () => leave(1),
    };
    const count = found.length;
    const left = await carryAll(dependencies, burst, found);
    await Promise.all([burst.handOver.finish(), burst.failures.write()]);
    const handedOver = burst.handOver.count;
    return { accepted: count - handedOver - left, handedOver, left: ids.length - claimed.length + left };
  } finally {
    pulse.stop();
    leave(places);
  }
}

/**
 * Carries what is to be carried, the deliveries of each subscription in a line. Gives back how many are not ours. Takes
 * them out of the list, so that what is done is kept no longer.
 */
async function carryAll(dependencies: CarryDependencies, burst: Burst, deliveries: CarriedDelivery[]): Promise<number> {
  const lines = new Map<string, CarriedDelivery[]>();
  const notOurs: string[] = [];
  for (const delivery of deliveries.splice(0)) {
    const { subscription, subscriptionDeleted: deleted } = delivery;
    const limited = Object.keys(subscription.limits).length > 0;
    if (delivery.owned || delivery.run !== 0) notOurs.push(delivery.delivery.id);
    else if (delivery.state !== 'pending') burst.handOver.after(delivery);
    else if (deleted || !subscription.enabled || limited) burst.handOver.add(delivery);
    else if (lines.has(subscription.id)) lines.get(subscription.id)!.push(delivery);
    else lines.set(subscription.id, [delivery]);
  }
  await carryLines(dependencies, burst, [...lines.values()]);
  if (notOurs.length > 0) await release(dependencies.store, burst.id, notOurs);
  return notOurs.length;
}

/**
 * Goes through lines of deliveries, each to one subscription, with as many at once as a subscription may have. The lines
 * take turns from the beginning, so that all have something under way and none opens more connections than it needs.
 */
async function carryLines(
  dependencies: CarryDependencies,
  burst: Burst,
  lines: readonly CarriedDelivery[][],
): Promise<void> {
  const { maxConcurrentAttempts: limit } = dependencies;
  const walks = lines.map((line) => ({ length: line.length, walk: lineWalk(dependencies, burst, line) }));
  const underWay: Promise<void>[] = [];
  for (let nth = 0; nth < limit; nth += 1) {
    for (const { walk } of walks.filter(({ length }) => nth < length)) underWay.push(walk());
  }
  await Promise.all(underWay);
}

/** What empties a line, one after the other; called several times, they share it. */
function lineWalk(dependencies: CarryDependencies, burst: Burst, line: CarriedDelivery[]): () => Promise<void> {
  const { slots, maxConcurrentAttempts: limit } = dependencies;
  let tooSlow = false;
  return async () => {
    const recorded: Promise<void>[] = [];
    try {
      for (let delivery = line.shift(); delivery; delivery = line.shift()) {
        tooSlow ||= Date.now() - burst.startedAt > LONGEST_BURST_MS;
        const slot = tooSlow ? undefined : await slots.takeWithin(delivery.subscription.id, limit, PATIENCE_MS);
        const made = slot && (await attemptInTurn(dependencies, burst, delivery).finally(slot.free));
        if (made && wasMade(made.exchange)) {
          const written = record(dependencies, burst, delivery, made);
          // What is handed over is kept until its workflow is started.
          recorded.push(made.decision.state === 'delivered' ? written.finally(burst.leaveRoom) : written);
        } else {
          tooSlow = true;
          burst.handOver.add(delivery);
        }
      }
    } finally {
      // Also when nothing more is sent: a rejection that nobody waits for would end the process.
      await Promise.all(recorded);
    }
  };
}

/** As many at once as keep the receivers busy: more would only open more connections. */
async function attemptInTurn(
  dependencies: CarryDependencies,
  burst: Burst,
  delivery: CarriedDelivery,
): Promise<MadeAttempt> {
  const { lines } = dependencies;
  await lines.enter(1);
  let inLine = true;
  const leave = (): void => {
    if (inLine) lines.leave(1);
    inLine = false;
  };
  const tooSlow = setTimeout(leave, QUICK_MS);
  try {
    return await attempt(dependencies, burst, delivery);
  } finally {
    clearTimeout(tooSlow);
    leave();
  }
}

async function attempt({ egress }: CarryDependencies, burst: Burst, delivery: CarriedDelivery): Promise<MadeAttempt> {
  // Here, as whatever came before may have waited: after this line it is sent.
  refuseIfStale(burst.isStale());
  const { id: deliveryId } = delivery.delivery;
  const { schedule, timeLimitMs } = burst.groups.get(deliveryId)!;
  const place: AttemptPlace = {
    task: { deliveryId, run: 0, schedule, position: 0, timeLimitMs },
    attemptOfRound: 1,
    waitMs: schedule[0],
  };
  const contract = contractOf(delivery.account.provider);
  const made = await makeAttempt(egress, contract, delivery, place);
  if (wasMade(made.exchange) && countsAsFailure(made.verdict)) burst.failures.add(delivery, made.startedAt);
  const number = delivery.attempts + burst.lostAttempts + 1;
  return { ...made, place, number, runId: burst.runId, burst: burst.id };
}

/** Records an attempt, and hands its delivery over unless it was accepted. */
async function record(
  { store, recorder }: CarryDependencies,
  burst: Burst,
  delivery: CarriedDelivery,
  made: MadeAttempt,
): Promise<void> {
  const { state, stateReason } = made.decision;
  const outcome = outcomeOf(made);
  try {
    await tellAndWrite(recorder, made, outcome);
  } catch {
    return burst.handOver.add(delivery, { kind: 'unrecorded', outcome });
  }
  if (state === 'delivered') return;
  if (state === 'failed') {
    await afterFailure(store, contractOf(delivery.account.provider), delivery);
    const type = made.place.waitMs === undefined ? FailureType.exhausted : FailureType.stopped;
    return burst.handOver.add(delivery, { kind: 'ended', type, message: stateReason ?? 'not accepted' });
  }
  burst.handOver.add(delivery, { kind: 'place', position: 1, at: outcome.nextAttemptAt ?? 0 });
}
