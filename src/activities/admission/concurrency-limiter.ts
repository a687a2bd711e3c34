/**
 * How many attempts of each subscription this process has under way. A receiver that hangs fills the slots of its own
 * subscription; further attempts at it are turned away before anything is sent and come back later, so that they do not
 * fill the worker.
 *
 * Nor do many of them together: no subscription has more under way than is left for all others. Of n receivers that hang
 * each gets one part of n + 1, and the last part stays free.
 */

/** How many attempts a worker has under way at once; each is little more than an open socket. */
export const CAPACITY = 400;

/** How many attempts of one subscription may wait inside the process, and how long, in milliseconds. */
const MAX_WAITING = 10;
const MAX_WAIT_MS = 2_000;
/** How long an attempt is expected to take before one has ended, in milliseconds. */
const FIRST_GUESS_MS = 1_000;
/** How much the latest attempt counts in what attempts are expected to take. */
const WEIGHT = 0.2;
/** How far ahead places in the queue are given out, in milliseconds. */
const HORIZON_MS = 600_000;

/** What is known of one subscription. */
interface SubscriptionState {
  /** When each attempt under way began, in milliseconds of `performance.now`; the oldest first. */
  readonly running: Set<{ readonly since: number }>;
  /** Who waits for a slot, first come first served. */
  readonly waiting: Set<() => void>;
  typicalMs: number;
  /** Until when slots are spoken for by those who were turned away. */
  queueEndsAt: number;
}

/** A slot that was given, to be freed once, or how long to stay away, in milliseconds. */
export type Permit = { readonly release: () => void } | { readonly retryInMs: number };

export class ConcurrencyLimiter {
  readonly #lanes = new Map<string, SubscriptionState>();
  readonly #capacity: number;
  /** Attempts under way and those that wait, of all subscriptions. */
  #held = 0;

  /** For a worker that has as many attempts under way at once as `capacity`. */
  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  /** A slot among the `limit` of a subscription, now or shortly. */
  async tryAcquire(subscriptionId: string, limit: number): Promise<Permit> {
    const state = this.#lane(subscriptionId);
    if (state.running.size >= this.#share(limit)) {
      const inTime = this.#mayWait(state) && (await this.#waited(state));
      if (!inTime || state.running.size >= this.#share(limit)) {
        return { retryInMs: this.reject(subscriptionId, this.#share(limit)) };
      }
    }
    return this.#give(subscriptionId, state, 1);
  }

  /** A slot for one of a batch, which needs no place of the worker; undefined when none is free within `patienceMs`. */
  async acquireWithin(
    subscriptionId: string,
    limit: number,
    maxWaitMs: number,
  ): Promise<{ readonly release: () => void } | undefined> {
    const state = this.#lane(subscriptionId);
    while (state.running.size >= limit) if (!(await freed(state, maxWaitMs))) return undefined;
    return this.#give(subscriptionId, state, 0);
  }

  /**
   * Puts somebody at the end of the queue of those who are away: places are as far apart as slots become free. Gives the
   * time until then in milliseconds.
   */
  reject(subscriptionId: string, limit: number): number {
    const state = this.#lane(subscriptionId);
    const now = performance.now();
    const [oldest] = state.running;
    const expectedMs = Math.max(state.typicalMs, oldest === undefined ? 0 : now - oldest.since);
    state.queueEndsAt = Math.min(Math.max(state.queueEndsAt, now) + expectedMs / limit, now + HORIZON_MS);
    return state.queueEndsAt - now;
  }

  #give(subscriptionId: string, state: SubscriptionState, permits: 0 | 1): { readonly release: () => void } {
    // It may have been forgotten while this one waited.
    this.#lanes.set(subscriptionId, state);
    const attempt = { since: performance.now() };
    state.running.add(attempt);
    this.#held += permits;
    return {
      release: () => {
        if (!state.running.delete(attempt)) return;
        this.#held -= permits;
        state.typicalMs += WEIGHT * (performance.now() - attempt.since - state.typicalMs);
        const [next] = state.waiting;
        if (next) next();
        else this.#forgetIfUnused(subscriptionId, state);
      },
    };
  }

  /** What a subscription may have under way now: one at least, or none that begins could ever come to its turn. */
  #share(limit: number): number {
    return Math.max(Math.min(limit, this.#capacity - this.#held), 1);
  }

  /** Whoever waits keeps a place of the worker as well. */
  #mayWait({ running, waiting }: SubscriptionState): boolean {
    return waiting.size < MAX_WAITING && running.size + waiting.size < this.#capacity - this.#held;
  }

  async #waited(state: SubscriptionState): Promise<boolean> {
    this.#held += 1;
    const inTime = await freed(state, MAX_WAIT_MS);
    this.#held -= 1;
    return inTime;
  }

  #lane(subscriptionId: string): SubscriptionState {
    let state = this.#lanes.get(subscriptionId);
    if (!state) {
      state = { running: new Set(), waiting: new Set(), typicalMs: FIRST_GUESS_MS, queueEndsAt: 0 };
      this.#lanes.set(subscriptionId, state);
    }
    return state;
  }

  #forgetIfUnused(subscriptionId: string, state: SubscriptionState): void {
    if (state.running.size === 0 && state.queueEndsAt <= performance.now()) this.#lanes.delete(subscriptionId);
  }
}

/** Waits until a slot becomes free; false when that takes too long. */
function freed(state: SubscriptionState, maxWaitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (inTime: boolean): void => {
      clearTimeout(timer);
      state.waiting.delete(called);
      resolve(inTime);
    };
    const called = (): void => finish(true);
    const timer = setTimeout(() => finish(false), maxWaitMs);
    state.waiting.add(called);
  });
}
