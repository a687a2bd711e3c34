/**
 * Limits the attempts of each subscription that are in flight in this process. A receiver that hangs uses up the permits
 * of its own subscription only: further attempts are rejected before anything is sent and retried later.
 *
 * Several hanging receivers cannot use up the worker either, as a subscription gets no more permits than remain free for
 * all others: with n hanging receivers each is capped at 1/(n+1) of the capacity.
 */
import { MAX_PERMIT_WAIT_MS, WORKER_CAPACITY } from '../../workflows/limits.js';

/** Attempts of one subscription that may wait for a permit inside the process. */
const MAX_WAITING = 10;
/** Expected duration of an attempt before one has ended, in milliseconds. */
const INITIAL_DURATION_MS = 1_000;
/** Weight of the latest attempt in the moving average of durations. */
const WEIGHT = 0.2;
/** How far ahead positions in the queue are assigned, in milliseconds. */
const HORIZON_MS = 600_000;

interface SubscriptionState {
  /** When each attempt in flight started, in milliseconds of `performance.now`; the oldest first. */
  readonly running: Set<{ readonly since: number }>;
  /** Callers that wait for a permit, first come first served; each returns whether it still wants one. */
  readonly waiting: Set<() => boolean>;
  averageMs: number;
  /** When the last rejected attempt can get a permit. */
  queueEndsAt: number;
}

/** A permit, to be released once, or the wait before the next try in milliseconds. */
export type Permit = { readonly release: () => void } | { readonly retryInMs: number };

export class ConcurrencyLimiter {
  readonly #states = new Map<string, SubscriptionState>();
  readonly #capacity: number;
  /** Attempts of all subscriptions that are in flight or wait. */
  #used = 0;

  /** For a worker that makes `capacity` attempts at once. */
  constructor(capacity = WORKER_CAPACITY) {
    this.#capacity = capacity;
  }

  /** Acquires one of the `limit` permits of a subscription, now or after a short wait. */
  async tryAcquire(subscriptionId: string, limit: number): Promise<Permit> {
    const state = this.#state(subscriptionId);
    if (state.running.size >= this.#share(limit)) {
      const inTime = this.#mayWait(state) && (await this.#wait(state));
      if (!inTime || state.running.size >= this.#share(limit)) {
        return { retryInMs: this.reject(subscriptionId, this.#share(limit)) };
      }
    }
    return this.#grant(subscriptionId, state, 1);
  }

  /**
   * Acquires a permit for the first attempt of a sender, which does not count towards the capacity; undefined when none is
   * free now.
   */
  acquireNow(subscriptionId: string, limit: number): { readonly release: () => void } | undefined {
    const state = this.#state(subscriptionId);
    return state.running.size < limit ? this.#grant(subscriptionId, state, 0) : undefined;
  }

  /** Calls back, once, when a permit of the subscription is released; `onReleased` returns whether it still wants one. */
  whenReleased(subscriptionId: string, onReleased: () => boolean): void {
    const { waiting } = this.#state(subscriptionId);
    const callback = (): boolean => {
      waiting.delete(callback);
      return onReleased();
    };
    waiting.add(callback);
  }

  /**
   * Adds a rejected attempt to the end of the subscription's queue and returns its wait in milliseconds. The positions are
   * as far apart as permits become free.
   */
  reject(subscriptionId: string, limit: number): number {
    const state = this.#state(subscriptionId);
    const now = performance.now();
    const [oldest] = state.running;
    const expectedMs = Math.max(state.averageMs, oldest === undefined ? 0 : now - oldest.since);
    state.queueEndsAt = Math.min(Math.max(state.queueEndsAt, now) + expectedMs / limit, now + HORIZON_MS);
    return state.queueEndsAt - now;
  }

  #grant(subscriptionId: string, state: SubscriptionState, used: 0 | 1): { readonly release: () => void } {
    // The state may have been deleted during the wait.
    this.#states.set(subscriptionId, state);
    const attempt = { since: performance.now() };
    state.running.add(attempt);
    this.#used += used;
    return {
      release: () => {
        if (!state.running.delete(attempt)) return;
        this.#used -= used;
        state.averageMs += WEIGHT * (performance.now() - attempt.since - state.averageMs);
        for (const wantsPermit of state.waiting) if (wantsPermit()) return;
        this.#deleteIfUnused(subscriptionId, state);
      },
    };
  }

  /** Permits that a subscription may use now: at least one, or it could not make any attempt. */
  #share(limit: number): number {
    return Math.max(Math.min(limit, this.#capacity - this.#used), 1);
  }

  /** An attempt that waits uses capacity as well. */
  #mayWait({ running, waiting }: SubscriptionState): boolean {
    return waiting.size < MAX_WAITING && running.size + waiting.size < this.#capacity - this.#used;
  }

  async #wait(state: SubscriptionState): Promise<boolean> {
    this.#used += 1;
    const inTime = await released(state, MAX_PERMIT_WAIT_MS);
    this.#used -= 1;
    return inTime;
  }

  #state(subscriptionId: string): SubscriptionState {
    let state = this.#states.get(subscriptionId);
    if (!state) {
      state = { running: new Set(), waiting: new Set(), averageMs: INITIAL_DURATION_MS, queueEndsAt: 0 };
      this.#states.set(subscriptionId, state);
    }
    return state;
  }

  #deleteIfUnused(subscriptionId: string, state: SubscriptionState): void {
    if (state.running.size === 0 && state.queueEndsAt <= performance.now()) this.#states.delete(subscriptionId);
  }
}

/** Waits until a permit is released; false on timeout. */
function released(state: SubscriptionState, maxWaitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (inTime: boolean): void => {
      clearTimeout(timer);
      state.waiting.delete(onRelease);
      resolve(inTime);
    };
    const onRelease = (): boolean => {
      finish(true);
      return true;
    };
    const timer = setTimeout(() => finish(false), maxWaitMs);
    state.waiting.add(onRelease);
  });
}
