/** Whether an attempt may be made now by the limits of its subscription. A rejected attempt uses no position of the schedule. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import type { Store } from '../../store/store.js';
import { acquirePermit, recordDeferral, releasePermit, reserve } from '../../store/subscriptions/limits.js';
import { FailureType, roundFailure } from '../../workflows/failure.js';
import { ATTEMPT_MARGIN_MS, MAX_RESERVATION_WAIT_MS } from '../../workflows/limits.js';
import type { AttemptTask, Deferral } from '../../workflows/types.js';
import type { ConcurrencyLimiter } from './concurrency-limiter.js';

/** How far ahead reservations are made, in milliseconds: a rate that is raised applies to all after this time. */
const HORIZON_MS = 600_000;
/** The shortest and the longest wait after a rejection, in milliseconds. */
const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 600_000;
/** The longest wait after the first rejection, in milliseconds; doubles with each further one. */
const FIRST_MAX_RETRY_MS = 5_000;
/** How late a reservation may be used, in milliseconds: expired ones must not be used together, as a spike. */
const GRACE_MS = 5_000;
/** How early it may be used, in milliseconds, as the clocks of workers differ a little. */
const EARLY_MS = 250;

export interface AdmissionDependencies {
  readonly store: Store;
  readonly limiter: ConcurrencyLimiter;
  /** Attempts in flight at once for a subscription without a limit of its own, in this process. */
  readonly maxConcurrentAttempts: number;
}

/** A rejected attempt: when it is retried, and its reservation if it has one. */
interface Rejection {
  readonly waitMs: number;
  readonly reservedAt?: number;
}

/** Releases the permits of an attempt. Never rejects: a permit that cannot be released expires. */
type Release = () => Promise<void>;

/**
 * Acquires a permit and a reservation, waiting shortly for them, and returns the release of the permit. Otherwise throws a
 * `SubscriptionBusy` failure with the time of the retry. A limit of the subscription holds for all workers together and
 * is kept in the database; the default limit holds for each worker and costs no query.
 */
export async function admit(
  dependencies: AdmissionDependencies,
  { subscription }: AttemptMaterial,
  task: AttemptTask,
  attemptOfRound: number,
): Promise<Release> {
  const attemptsMade = attemptOfRound - 1;
  const former = attemptsMade === 0 ? task.deferral : undefined;
  const outcome = await tryToAdmit(dependencies, subscription, task, former).catch((error: Error) => {
    const message = `cannot check the limits of the subscription: ${error.message}`;
    throw roundFailure(FailureType.storeUnavailable, message, { attemptsMade });
  });
  if (typeof outcome === 'function') return outcome;
  throw await defer(dependencies.store, task, attemptsMade, former, outcome);
}

/**
 * The failure of an attempt that was admitted but not made because too many host names were being looked up. It is retried
 * at the same position of the schedule, each time after a longer wait.
 */
export function lookupRejected(store: Store, task: AttemptTask, attemptOfRound: number): Promise<ApplicationFailure> {
  const attemptsMade = attemptOfRound - 1;
  const former = attemptsMade === 0 ? task.deferral : undefined;
  const waitMs = retryDelayMs(Infinity, former?.times ?? 0, Math.random());
  return defer(store, task, attemptsMade, former, { waitMs });
}

async function defer(
  store: Store,
  task: AttemptTask,
  attemptsMade: number,
  former: Deferral | undefined,
  rejection: Rejection,
): Promise<ApplicationFailure> {
  const waitMs = Math.ceil(rejection.waitMs);
  const deferral: Deferral = { times: (former?.times ?? 0) + 1, ...withReservation(rejection.reservedAt) };
  // For the sweep and for readers only: the workflow has its own timer.
  await recordDeferral(store, task, new Date(Date.now() + waitMs)).catch((error: Error) => {
    log.warn('cannot record when a rejected attempt is retried', { deliveryId: task.deliveryId, error: error.message });
  });
  const message = `the subscription is busy; next try in ${waitMs / 1_000} s`;
  return roundFailure(FailureType.busy, message, { attemptsMade, waitMs, deferral });
}

async function tryToAdmit(
  { store, limiter, maxConcurrentAttempts }: AdmissionDependencies,
  { id, limits }: AttemptMaterial['subscription'],
  { timeLimitMs }: AttemptTask,
  former: Deferral | undefined,
): Promise<Release | Rejection> {
  const limit = limits.maxConcurrentAttempts ?? maxConcurrentAttempts;
  // A reservation is kept, as it is still valid after a short wait for a permit.
  const reject = (untilFreeMs: number): Rejection => ({
    waitMs: retryDelayMs(untilFreeMs, former?.times ?? 0, Math.random()),
    ...withReservation(former?.reservedAt),
  });
  const permit = await limiter.tryAcquire(id, limit);
  if ('retryInMs' in permit) return reject(permit.retryInMs);
  let release: Release = async () => permit.release();
  try {
    if (limits.maxConcurrentAttempts !== undefined) {
      const holder = randomUUID();
      release = async () => {
        await releasePermit(store, { subscriptionId: id, holder }).catch((error: Error) => {
          log.warn('cannot release a permit; it expires', { subscriptionId: id, error: error.message });
        });
        permit.release();
      };
      const seconds = (timeLimitMs + ATTEMPT_MARGIN_MS) / 1_000;
      if (!(await acquirePermit(store, { subscriptionId: id, limit, holder, seconds }))) {
        const untilFreeMs = limiter.reject(id, limit);
        permit.release();
        return reject(untilFreeMs);
      }
    }
    const wait =
      limits.ratePerSecond === undefined || isReservationValid(former?.reservedAt, Date.now())
        ? { waitMs: 0 }
        : await reserveNext(store, id, limits.ratePerSecond);
    if (wait.waitMs > MAX_RESERVATION_WAIT_MS) {
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

/** The next reservation of a subscription with a rate. Beyond the horizon nothing is reserved, and it is tried again later. */
async function reserveNext(store: Store, subscriptionId: string, ratePerSecond: number): Promise<Rejection> {
  const waitMs = await reserve(store, { subscriptionId, ratePerSecond, horizonMs: HORIZON_MS });
  if (waitMs === undefined) return { waitMs: HORIZON_MS * (0.5 + Math.random() / 2) };
  return { waitMs, reservedAt: Date.now() + waitMs };
}

function withReservation(reservedAt: number | undefined): Pick<Deferral, 'reservedAt'> {
  return reservedAt === undefined ? {} : { reservedAt };
}

/**
 * Wait before a rejected attempt is retried, in milliseconds: until its position in the queue is due, but not much longer
 * than it has waited already, so that a recovered receiver is noticed soon. With jitter, as many are rejected at once.
 */
export function retryDelayMs(untilFreeMs: number, timesBefore: number, random: number): number {
  const maxMs = Math.min(FIRST_MAX_RETRY_MS * 2 ** Math.min(timesBefore, 20), MAX_RETRY_MS);
  if (untilFreeMs > maxMs) return maxMs * (0.5 + random / 2);
  return Math.max(untilFreeMs, MIN_RETRY_MS) * (1 + random / 4);
}

/** Whether a reservation for a time (Unix milliseconds) can be used now. */
export function isReservationValid(reservedAt: number | undefined, now: number): boolean {
  return reservedAt !== undefined && now >= reservedAt - EARLY_MS && now <= reservedAt + GRACE_MS;
}
