/**
 * The first attempts of one sender: which delivery is sent next, and how many are in flight.
 *
 * Accounts take turns, and within an account its subscriptions, the highest priority first. A receiver that hangs uses up
 * the permits of its own subscription only; deliveries that wait for it too long are given up, and get a workflow.
 */
import type { DeliveryRules } from '../../contract/delivery-rules.js';
import { FairQueue, PriorityFifo, type FairItem } from '../../dispatch/fair-queue.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { MAX_PERMIT_WAIT_MS } from '../../workflows/limits.js';
import type { ConcurrencyLimiter } from '../admission/concurrency-limiter.js';

/** Requests in flight at once, as long as they are quick: more would only open more connections. */
const MAX_QUICK = 100;
/**
 * How long a request counts as quick, in milliseconds: slow ones must not block others. The time in which this process was
 * too busy to read its response does not count.
 */
const QUICK_MS = 250;
/** Requests in flight at once, including slow ones. */
const MAX_IN_FLIGHT = 1_000;
/** How long deliveries wait for a slow receiver, in milliseconds. */
const MAX_SLOW_WAIT_MS = 30_000;
/**
 * Deliveries that wait for one slow receiver, and for all of them. Many, as a workflow costs far more than the wait: on an
 * overloaded machine every receiver seems slow, and workflows for all deliveries would slow it down further.
 */
const MAX_SLOW_WAITING = 2_000;
const MAX_ALL_SLOW_WAITING = 8_000;
/** Size of all waiting bodies above which slow receivers get no more, in UTF-16 code units. */
const MAX_SLOW_BYTES = 8 * 1_024 * 1_024;
/** How often slow requests and receivers are looked for, in milliseconds. */
const TICK_MS = 50;

/** A claimed delivery with its frozen rules. */
export interface FirstAttempt {
  readonly delivery: AttemptMaterial;
  readonly rules: DeliveryRules;
  /** When its account and subscription were read, in milliseconds of `performance.now`. */
  readonly loadedAt: number;
  /** How often it was not sent because too many host names were being looked up. */
  readonly rejections: number;
}

export interface FirstAttemptsSettings {
  readonly limiter: ConcurrencyLimiter;
  /** Attempts in flight at once for a subscription. */
  readonly maxConcurrentAttempts: number;
  /** Makes an attempt; resolves when its request has ended, and never rejects. */
  readonly send: (attempt: FirstAttempt) => Promise<void>;
  /** Gets deliveries whose receiver is too slow to wait for. */
  readonly giveUp: (attempt: FirstAttempt) => void;
  /** Called when attempts have ended and more may be added. */
  readonly onProgress: () => void;
}

/** The deliveries that wait for one subscription. */
interface ReceiverQueue {
  readonly account: { readonly id: string; readonly dispatchWeight: number };
  readonly subscriptionId: string;
  readonly waiting: PriorityFifo<FirstAttempt>;
  /** Attempts in flight. */
  running: number;
  /** Its entry in the rotation; undefined while it is not in it. */
  ready: Ready | undefined;
  /** Since when no permit was released, in milliseconds of `#now`; undefined while it does not wait for one. */
  blockedSince: number | undefined;
  /** Since when its receiver has been slow; undefined while it is not. */
  slowSince: number | undefined;
}

/** A receiver's entry in the rotation, with the priority of its first delivery. */
interface Ready extends FairItem {
  readonly queue: ReceiverQueue;
}

interface Running {
  readonly queue: ReceiverQueue;
  /** In milliseconds of `#now`. */
  readonly startedAt: number;
  isQuick: boolean;
}

export class FirstAttempts {
  readonly #ready = new FairQueue<Ready>();
  readonly #queues = new Map<string, ReceiverQueue>();
  /** The oldest first. */
  readonly #running = new Set<Running>();
  #quick = 0;
  #waiting = 0;
  #waitingBytes = 0;
  /** Of these, deliveries that wait for slow receivers. */
  #slowWaiting = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer was last due or called, in milliseconds of `performance.now`. */
  #tickedAt = 0;
  /** By how much the timer was late, in milliseconds of all its calls: the time in which this process read no responses. */
  #busyMs = 0;

  constructor(private readonly settings: FirstAttemptsSettings) {}

  /** Deliveries that wait, except for slow receivers. */
  get waiting(): number {
    return this.#waiting - this.#slowWaiting;
  }

  /** Size of the bodies of all deliveries that wait, in UTF-16 code units; a body that several share counts for each. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  add(attempt: FirstAttempt): void {
    const { account, subscription, priority } = attempt.delivery;
    let queue = this.#queues.get(subscription.id);
    if (!queue) {
      queue = {
        account,
        subscriptionId: subscription.id,
        waiting: new PriorityFifo(),
        running: 0,
        ready: undefined,
        blockedSince: undefined,
        slowSince: undefined,
      };
      this.#queues.set(subscription.id, queue);
    }
    if (queue.slowSince !== undefined && this.#isSlowFull(queue)) return this.settings.giveUp(attempt);
    queue.waiting.push(attempt, priority);
    this.#count(queue, 1, attempt.delivery.body.length);
    this.#makeReady(queue);
  }

  /** Sends what may be sent now; call it after `add`. */
  sendMore(): void {
    while (this.#quick < MAX_QUICK && this.#running.size < MAX_IN_FLIGHT && this.#ready.size > 0) {
      const ready = this.#ready.take(1)[0]!;
      const { queue } = ready;
      // Otherwise it was replaced by one with a higher priority.
      if (queue.ready !== ready) continue;
      queue.ready = undefined;
      if (queue.waiting.size > 0) this.#sendNext(queue);
    }
    if (this.#timer === undefined && this.#running.size + this.#waiting > 0) {
      this.#tickedAt = performance.now();
      this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
    }
  }

  /** Removes and returns everything that waits. */
  clear(): FirstAttempt[] {
    const cleared = [...this.#queues.values()].flatMap((queue) => this.#clearQueue(queue));
    clearInterval(this.#timer);
    this.#timer = undefined;
    return cleared;
  }

  #isSlowFull({ waiting }: ReceiverQueue): boolean {
    if (this.#waitingBytes >= MAX_SLOW_BYTES) return true;
    return waiting.size >= MAX_SLOW_WAITING || this.#slowWaiting >= MAX_ALL_SLOW_WAITING;
  }

  #count(queue: ReceiverQueue, added: number, bytes: number): void {
    this.#waiting += added;
    this.#waitingBytes += bytes;
    if (queue.slowSince !== undefined) this.#slowWaiting += added;
  }

  #setSlow(queue: ReceiverQueue, since: number | undefined): void {
    if ((queue.slowSince === undefined) === (since === undefined)) return;
    this.#slowWaiting += since === undefined ? -queue.waiting.size : queue.waiting.size;
    queue.slowSince = since;
  }

  #makeReady(queue: ReceiverQueue): void {
    const priority = queue.waiting.highest;
    if (priority === undefined || queue.blockedSince !== undefined || queue.ready?.priority === priority) return;
    const { account, subscriptionId } = queue;
    queue.ready = { account, subscriptionId, priority, queue };
    this.#ready.add(queue.ready);
  }

  #sendNext(queue: ReceiverQueue): void {
    const { limiter, maxConcurrentAttempts, send } = this.settings;
    // Of n receivers that hang each gets 1/(n+1) of the capacity.
    const limit = Math.max(Math.min(maxConcurrentAttempts, MAX_IN_FLIGHT - this.#running.size), 1);
    const permit = limiter.acquireNow(queue.subscriptionId, limit);
    if (!permit) {
      queue.blockedSince = this.#now();
      limiter.whenReleased(queue.subscriptionId, () => {
        queue.blockedSince = undefined;
        const isWaiting = queue.waiting.size > 0;
        this.#makeReady(queue);
        this.sendMore();
        return isWaiting;
      });
      return;
    }
    const attempt = queue.waiting.shift()!;
    this.#count(queue, -1, -attempt.delivery.body.length);
    this.#makeReady(queue);
    const running: Running = { queue, startedAt: this.#now(), isQuick: true };
    this.#running.add(running);
    queue.running += 1;
    this.#quick += 1;
    void send(attempt).then(() => {
      this.#running.delete(running);
      if (running.isQuick) {
        this.#quick -= 1;
        this.#setSlow(queue, undefined);
      }
      permit.release();
      queue.running -= 1;
      if (queue.running === 0 && queue.waiting.size === 0) this.#queues.delete(queue.subscriptionId);
      this.sendMore();
      this.settings.onProgress();
    });
  }

  /** A clock in milliseconds that stands still while this process is too busy to read responses. */
  #now(): number {
    return performance.now() - this.#busyMs;
  }

  #tick(): void {
    const tickedAt = performance.now();
    this.#busyMs += Math.max(tickedAt - this.#tickedAt - TICK_MS, 0);
    this.#tickedAt = tickedAt;
    const now = this.#now();
    for (const running of this.#running) {
      if (now - running.startedAt < QUICK_MS) break;
      if (!running.isQuick) continue;
      running.isQuick = false;
      this.#quick -= 1;
      this.#setSlow(running.queue, now);
    }
    for (const queue of this.#queues.values()) {
      const isBlocked = queue.blockedSince !== undefined && now - queue.blockedSince > MAX_PERMIT_WAIT_MS;
      const isSlow = queue.slowSince !== undefined && now - queue.slowSince > MAX_SLOW_WAIT_MS;
      const kept = isBlocked || isSlow ? 0 : queue.slowSince === undefined ? Infinity : MAX_SLOW_WAITING;
      for (const attempt of this.#clearQueue(queue, kept)) this.settings.giveUp(attempt);
      if (queue.running === 0 && queue.waiting.size === 0) this.#queues.delete(queue.subscriptionId);
    }
    this.sendMore();
    if (this.#running.size + this.#waiting > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Removes the oldest deliveries until so many are left. */
  #clearQueue(queue: ReceiverQueue, kept = 0): FirstAttempt[] {
    const cleared: FirstAttempt[] = [];
    while (queue.waiting.size > kept) cleared.push(queue.waiting.shift()!);
    const bytes = cleared.reduce((sum, { delivery }) => sum + delivery.body.length, 0);
    this.#count(queue, -cleared.length, -bytes);
    return cleared;
  }
}
