/** Whether an attempt may be made now, by the limits of its subscription. Nothing has been sent and nothing is used up. */
import { randomUUID } from 'crypto';
import { setTimeout as sleep } from 'timers/promises';
import type { ApplicationFailure } from '@temporalio/common';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { reserve, releasePermit, recordDeferral, acquirePermit } from '../../store/subscriptions/limits.js';
import type { Store } from '../../store/store.js';
import { FailureType, type AttemptTask, type Deferral } from '../../workflows/types.js';
import { isReservationValid, retryDelayMs } from './rules.js';
import { roundEnding } from '../attempt/classify.js';
import type { ConcurrencyLimiter } from './concurrency-limiter.js';

/** How long a turn is waited for inside the worker, in milliseconds; longer waits are the workflow's. */
const SHORT_WAIT_MS = 1_000;
/** How far ahead turns are booked, in milliseconds: a rate that is raised counts for all after this time. */
const HORIZON_MS = 600_000;
/** Beyond the time limit of an attempt: how long its slot counts as taken, in milliseconds. */
const MARGIN_MS = 15_000;

export interface AdmissionDependencies {
  readonly store: Store;
  readonly limiter: ConcurrencyLimiter;
  /** Attempts under way at once for a subscription that sets no limit of its own, in this process. */
  readonly maxConcurrentAttempts: number;
}

/** An attempt that is turned away and when it comes back. */
interface Rejection {
  readonly waitMs: number;
  readonly reservedAt?: number;
}

/** Frees what was taken for an attempt. Never rejects: what cannot be freed now expires. */
type Release = () => Promise<void>;

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
): Promise<Release> {
  const made = attemptOfRound - 1;
  const before = made === 0 ? task.deferral : undefined;
  const outcome = await tryToAdmit(dependencies, subscription, task, before).catch((error: Error) => {
    // The limits are in the database; it is as if the delivery itself could not be loaded.
    throw roundEnding(FailureType.storeUnavailable, `cannot ask for a turn: ${error.message}`, [made]);
  });
  if (typeof outcome === 'function') return outcome;
  throw await defer(dependencies.store, task, made, before, outcome);
}

/**
 * The failure of an attempt that was admitted and then not made, as too many names were being looked up: it comes back
 * at its place in the schedule, each time after a longer wait.
 */
export function lookupRejected(store: Store, task: AttemptTask, attemptOfRound: number): Promise<ApplicationFailure> {
  const made = attemptOfRound - 1;
  const before = made === 0 ? task.deferral : undefined;
  const waitMs = retryDelayMs(Infinity, before?.times ?? 0, Math.random());
  return defer(store, task, made, before, { waitMs });
}

async function defer(
  store: Store,
  task: AttemptTask,
  made: number,
  before: Deferral | undefined,
  reject: Rejection,
): Promise<ApplicationFailure> {
  const waitMs = Math.ceil(reject.waitMs);
  const deferral: Deferral = { times: (before?.times ?? 0) + 1, ...withReservation(reject.reservedAt) };
  // Only for the sweep and for whoever looks: the workflow knows without it.
  await recordDeferral(store, task, new Date(Date.now() + waitMs)).catch(() => undefined);
  const message = `the subscription is busy; next try in ${waitMs / 1_000} s`;
  return roundEnding(FailureType.busy, message, [made, waitMs, deferral]);
}

async function tryToAdmit(
  { store, limiter: slots, maxConcurrentAttempts }: AdmissionDependencies,
  { id, limits }: AttemptMaterial['subscription'],
  { timeLimitMs }: AttemptTask,
  before: Deferral | undefined,
): Promise<Release | Rejection> {
  const limit = limits.maxConcurrentAttempts ?? maxConcurrentAttempts;
  // A turn that was booked outlives a wait for a slot, if that is short.
  const reject = (untilFreeMs: number): Rejection => ({
    waitMs: retryDelayMs(untilFreeMs, before?.times ?? 0, Math.random()),
    ...withReservation(before?.reservedAt),
  });
  const permit = await slots.tryAcquire(id, limit);
  if ('retryInMs' in permit) return reject(permit.retryInMs);
  let release: Release = async () => permit.release();
  try {
    if (limits.maxConcurrentAttempts !== undefined) {
      const holder = randomUUID();
      release = async () => {
        await releasePermit(store, { subscriptionId: id, holder }).catch(() => undefined);
        permit.release();
      };
      const seconds = (timeLimitMs + MARGIN_MS) / 1_000;
      if (!(await acquirePermit(store, { subscriptionId: id, limit, holder, seconds }))) {
        const untilFreeMs = slots.reject(id, limit);
        permit.release();
        return reject(untilFreeMs);
      }
    }
    const wait =
      limits.ratePerSecond === undefined || isReservationValid(before?.reservedAt, Date.now())
        ? { waitMs: 0 }
        : await reserveNext(store, id, limits.ratePerSecond);
    if (wait.waitMs > SHORT_WAIT_MS) {
      await release();
      return wait;
    }
    if (wait.waitMs > 0) await sleep(wait.waitMs);
    return release;
  } catch (error) {
    await release();
    throw error;
  }
}

/** The next turn of a subscription with a rate; when that is far away, the time after which to ask again. */
async function reserveNext(store: Store, subscriptionId: string, ratePerSecond: number): Promise<Rejection> {
  const waitMs = await reserve(store, { subscriptionId, ratePerSecond, horizonMs: HORIZON_MS });
  if (waitMs === undefined) return { waitMs: HORIZON_MS * (0.5 + Math.random() / 2) };
  return { waitMs, reservedAt: Date.now() + waitMs };
}

function withReservation(reservedAt: number | undefined): Pick<Deferral, 'reservedAt'> {
  return reservedAt === undefined ? {} : { reservedAt };
}
