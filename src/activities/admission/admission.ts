/** Whether an attempt may be made now, by the limits of its subscription. Nothing has been sent and nothing is used up. */
import { randomUUID } from 'crypto';
import { setTimeout as sleep } from 'timers/promises';
import type { ApplicationFailure } from '@temporalio/common';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { bookTurn, freeSlot, noteComingBack, takeSlot } from '../../store/subscriptions/limits.js';
import type { Store } from '../../store/store.js';
import { FailureType, type AttemptTask, type ComingBack } from '../../workflows/types.js';
import { mayKeepTurn, stayAwayMs } from './rules.js';
import { roundEnding } from '../attempt/classify.js';
import type { Slots } from './concurrency-limiter.js';

/** How long a turn is waited for inside the worker, in milliseconds; longer waits are the workflow's. */
const SHORT_WAIT_MS = 1_000;
/** How far ahead turns are booked, in milliseconds: a rate that is raised counts for all after this time. */
const HORIZON_MS = 600_000;
/** Beyond the time limit of an attempt: how long its slot counts as taken, in milliseconds. */
const MARGIN_MS = 15_000;

export interface AdmissionDependencies {
  readonly store: Store;
  readonly slots: Slots;
  /** Attempts under way at once for a subscription that sets no limit of its own, in this process. */
  readonly maxConcurrentAttempts: number;
}

/** An attempt that is turned away and when it comes back. */
interface TurnedAway {
  readonly waitMs: number;
  readonly turnAt?: number;
}

/** Frees what was taken for an attempt. Never rejects: what cannot be freed now expires. */
type Leave = () => Promise<void>;

/**
 * Waits for a slot and a turn if they are near, and gives what frees the slot. Otherwise throws a `SubscriptionBusy`
 * failure that says when to come back. A limit that the subscription's owner set holds for all workers together, so it is
 * kept in the database; the common one holds for each worker and costs no query.
 */
export async function admit(
  dependencies: AdmissionDependencies,
  { subscription }: AttemptMaterial,
  task: AttemptTask,
  attemptOfRound: number,
): Promise<Leave> {
  const made = attemptOfRound - 1;
  const before = made === 0 ? task.comingBack : undefined;
  const outcome = await tryToAdmit(dependencies, subscription, task, before).catch((error: Error) => {
    // The limits are in the database; it is as if the delivery itself could not be loaded.
    throw roundEnding(FailureType.storeUnavailable, `cannot ask for a turn: ${error.message}`, [made]);
  });
  if (typeof outcome === 'function') return outcome;
  throw await comingBackLater(dependencies.store, task, made, before, outcome);
}

/**
 * The failure of an attempt that was admitted and then not made, as too many names were being looked up: it comes back
 * at its place in the schedule, each time after a longer wait.
 */
export function lookupRejected(store: Store, task: AttemptTask, attemptOfRound: number): Promise<ApplicationFailure> {
  const made = attemptOfRound - 1;
  const before = made === 0 ? task.comingBack : undefined;
  const waitMs = stayAwayMs(Infinity, before?.times ?? 0, Math.random());
  return comingBackLater(store, task, made, before, { waitMs });
}

async function comingBackLater(
  store: Store,
  task: AttemptTask,
  made: number,
  before: ComingBack | undefined,
  away: TurnedAway,
): Promise<ApplicationFailure> {
  const waitMs = Math.ceil(away.waitMs);
  const comingBack: ComingBack = { times: (before?.times ?? 0) + 1, ...withTurn(away.turnAt) };
  // Only for the sweep and for whoever looks: the workflow knows without it.
  await noteComingBack(store, task, new Date(Date.now() + waitMs)).catch(() => undefined);
  const message = `the subscription is busy; next try in ${waitMs / 1_000} s`;
  return roundEnding(FailureType.busy, message, [made, waitMs, comingBack]);
}

async function tryToAdmit(
  { store, slots, maxConcurrentAttempts }: AdmissionDependencies,
  { id, limits }: AttemptMaterial['subscription'],
  { timeLimitMs }: AttemptTask,
  before: ComingBack | undefined,
): Promise<Leave | TurnedAway> {
  const limit = limits.maxConcurrentAttempts ?? maxConcurrentAttempts;
  // A turn that was booked outlives a wait for a slot, if that is short.
  const away = (untilPlaceMs: number): TurnedAway => ({
    waitMs: stayAwayMs(untilPlaceMs, before?.times ?? 0, Math.random()),
    ...withTurn(before?.turnAt),
  });
  const slot = await slots.take(id, limit);
  if ('comeBackInMs' in slot) return away(slot.comeBackInMs);
  let leave: Leave = async () => slot.free();
  try {
    if (limits.maxConcurrentAttempts !== undefined) {
      const holder = randomUUID();
      leave = async () => {
        await freeSlot(store, { subscriptionId: id, holder }).catch(() => undefined);
        slot.free();
      };
      const seconds = (timeLimitMs + MARGIN_MS) / 1_000;
      if (!(await takeSlot(store, { subscriptionId: id, limit, holder, seconds }))) {
        const untilPlaceMs = slots.turnAway(id, limit);
        slot.free();
        return away(untilPlaceMs);
      }
    }
    const wait =
      limits.ratePerSecond === undefined || mayKeepTurn(before?.turnAt, Date.now())
        ? { waitMs: 0 }
        : await turnOf(store, id, limits.ratePerSecond);
    if (wait.waitMs > SHORT_WAIT_MS) {
      await leave();
      return wait;
    }
    if (wait.waitMs > 0) await sleep(wait.waitMs);
    return leave;
  } catch (error) {
    await leave();
    throw error;
  }
}

/** The next turn of a subscription with a rate; when that is far away, the time after which to ask again. */
async function turnOf(store: Store, subscriptionId: string, ratePerSecond: number): Promise<TurnedAway> {
  const waitMs = await bookTurn(store, { subscriptionId, ratePerSecond, horizonMs: HORIZON_MS });
  if (waitMs === undefined) return { waitMs: HORIZON_MS * (0.5 + Math.random() / 2) };
  return { waitMs, turnAt: Date.now() + waitMs };
}

function withTurn(turnAt: number | undefined): Pick<ComingBack, 'turnAt'> {
  return turnAt === undefined ? {} : { turnAt };
}
