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
const LONGEST_WAIT_MS = 2_000;
/** How long an attempt is expected to take before one has ended, in milliseconds. */
const FIRST_GUESS_MS = 1_000;
/** How much the latest attempt counts in what attempts are expected to take. */
const WEIGHT = 0.2;
/** How far ahead places in the queue are given out, in milliseconds. */
const HORIZON_MS = 600_000;

/** What is known of one subscription. */
interface Lane {
  /** When each attempt under way began, in milliseconds of `performance.now`; the oldest first. */
  readonly running: Set<{ readonly since: number }>;
  /** Who waits for a slot, first come first served. */
  readonly waiting: Set<() => void>;
  typicalMs: number;
  /** Until when slots are spoken for by those who were turned away. */
  queueEndsAt: number;
}

/** A slot that was given, to be freed once, or how long to stay away, in milliseconds. */
export type Slot = { readonly free: () => void } | { readonly comeBackInMs: number };

export class Slots {
  readonly #lanes = new Map<string, Lane>();
  readonly #capacity: number;
  /** Attempts under way and those that wait, of all subscriptions. */
  #held = 0;

  /** For a worker that has as many attempts under way at once as `capacity`. */
  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  /** A slot among the `limit` of a subscription, now or shortly. */
  async take(subscriptionId: string, limit: number): Promise<Slot> {
    const lane = this.#lane(subscriptionId);
    if (lane.running.size >= this.#share(limit)) {
      const inTime = this.#mayWait(lane) && (await this.#waited(lane));
      if (!inTime || lane.running.size >= this.#share(limit)) {
        return { comeBackInMs: this.turnAway(subscriptionId, this.#share(limit)) };
      }
    }
    return this.#give(subscriptionId, lane, 1);
  }

  /** A slot for one of a burst, which needs no place of the worker; undefined when none is free within `patienceMs`. */
  async takeWithin(
    subscriptionId: string,
    limit: number,
    patienceMs: number,
  ): Promise<{ readonly free: () => void } | undefined> {
    const lane = this.#lane(subscriptionId);
    while (lane.running.size >= limit) if (!(await freed(lane, patienceMs))) return undefined;
    return this.#give(subscriptionId, lane, 0);
  }

  /**
   * Puts somebody at the end of the queue of those who are away: places are as far apart as slots become free. Gives the
   * time until then in milliseconds.
   */
  turnAway(subscriptionId: string, limit: number): number {
    const lane = this.#lane(subscriptionId);
    const now = performance.now();
    const [oldest] = lane.running;
    const expectedMs = Math.max(lane.typicalMs, oldest === undefined ? 0 : now - oldest.since);
    lane.queueEndsAt = Math.min(Math.max(lane.queueEndsAt, now) + expectedMs / limit, now + HORIZON_MS);
    return lane.queueEndsAt - now;
  }

  #give(subscriptionId: string, lane: Lane, places: 0 | 1): { readonly free: () => void } {
    // It may have been forgotten while this one waited.
    this.#lanes.set(subscriptionId, lane);
    const attempt = { since: performance.now() };
    lane.running.add(attempt);
    this.#held += places;
    return {
      free: () => {
        if (!lane.running.delete(attempt)) return;
        this.#held -= places;
        lane.typicalMs += WEIGHT * (performance.now() - attempt.since - lane.typicalMs);
        const [next] = lane.waiting;
        if (next) next();
        else this.#forgetIfUnused(subscriptionId, lane);
      },
    };
  }

  /** What a subscription may have under way now: one at least, or none that begins could ever come to its turn. */
  #share(limit: number): number {
    return Math.max(Math.min(limit, this.#capacity - this.#held), 1);
  }

  /** Whoever waits keeps a place of the worker as well. */
  #mayWait({ running, waiting }: Lane): boolean {
    return waiting.size < MAX_WAITING && running.size + waiting.size < this.#capacity - this.#held;
  }

  async #waited(lane: Lane): Promise<boolean> {
    this.#held += 1;
    const inTime = await freed(lane, LONGEST_WAIT_MS);
    this.#held -= 1;
    return inTime;
  }

  #lane(subscriptionId: string): Lane {
    let lane = this.#lanes.get(subscriptionId);
    if (!lane) {
      lane = { running: new Set(), waiting: new Set(), typicalMs: FIRST_GUESS_MS, queueEndsAt: 0 };
      this.#lanes.set(subscriptionId, lane);
    }
    return lane;
  }

  #forgetIfUnused(subscriptionId: string, lane: Lane): void {
    if (lane.running.size === 0 && lane.queueEndsAt <= performance.now()) this.#lanes.delete(subscriptionId);
  }
}

/** Waits until a slot becomes free; false when that takes too long. */
function freed(lane: Lane, patienceMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const leave = (inTime: boolean): void => {
      clearTimeout(timer);
      lane.waiting.delete(called);
      resolve(inTime);
    };
    const called = (): void => leave(true);
    const timer = setTimeout(() => leave(false), patienceMs);
    lane.waiting.add(called);
  });
}
