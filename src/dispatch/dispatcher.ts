/**
 * From committed deliveries to started workflows, in the background.
 *
 * While few wait, each gets a workflow of its own at once. When more wait than that keeps up with, they are taken together
 * into bursts; while one burst begins, those gather that the next one takes. So bursts grow with the load by themselves.
 */
import { setTimeout as sleep } from 'timers/promises';
import type { Logger } from 'pino';
import type { Lane } from '../store/events/events.js';
import type { Startable } from '../store/deliveries/delivery-starts.js';
import { MOST_CARRIED, startBurst } from './batches.js';
import { startDelivery, type Starter } from './start.js';
import { WaitingList } from './fair-queue.js';

/** How many starts of single workflows are under way at once. */
const STARTS_AT_ONCE = 50;
/** From how many new deliveries on, with those that wait already, they are left to bursts. */
const BURST_FROM = 20;
/** How many bursts are beginning at once; the second and later ones only when full. */
const BURSTS_AT_ONCE = 4;
/** After a burst that was worth one, the next waits for at least so long unless it is full, in milliseconds. */
const GATHER_MS = 100;
/** After this time the next burst begins although receivers of this one have not answered, in milliseconds. */
const BURST_PATIENCE_MS = 1_000;
/** How long one start may take, in milliseconds; then it is left to the sweep. */
const START_DEADLINE_MS = 10_000;
/** How many deliveries may wait here; more are left to the sweep, so that memory stays bounded. */
const LONGEST_QUEUE = 50_000;

export interface Dispatcher {
  /** The lane in which so many new deliveries are to be committed now. */
  laneFor(deliveries: number): Lane;
  /** Starts these deliveries soon. What cannot be started now is found by the sweep. */
  dispatch(startables: readonly Startable[], lane?: Lane): void;
  /** Starts no more and waits for the starts under way; what still waits is found by the sweep. */
  stop(): Promise<void>;
}

export interface DispatcherSettings {
  /** Whether bursts are allowed; otherwise every delivery has its own workflow, always. */
  readonly bursts: boolean;
}

export function createDispatcher(
  starter: Starter,
  log: Logger,
  { bursts }: DispatcherSettings = { bursts: true },
): Dispatcher {
  const forWorkflows = new WaitingList();
  const forBursts = new WaitingList();
  const underWay = new Set<Promise<void>>();
  const beginning = new Set<Promise<void>>();
  const stopping = new AbortController();

  const next = (): void => {
    if (stopping.signal.aborted) return;
    while (underWay.size < STARTS_AT_ONCE && forWorkflows.size > 0) {
      follow(underWay, startOne(forWorkflows.take(1)[0]!));
    }
    while (forBursts.size > 0 && (beginning.size === 0 || mayOverlap())) {
      follow(beginning, burst(forBursts.take(MOST_CARRIED)));
    }
  };

  const mayOverlap = (): boolean => beginning.size < BURSTS_AT_ONCE && forBursts.size >= MOST_CARRIED;

  function follow(all: Set<Promise<void>>, work: Promise<void>): void {
    const followed = work.finally(() => {
      all.delete(followed);
      next();
    });
    all.add(followed);
  }

  async function startOne(startable: Startable): Promise<void> {
    try {
      await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () => startDelivery(starter, startable));
    } catch (error) {
      log.warn({ err: error, deliveryId: startable.deliveryId }, 'cannot start a delivery now; the sweep will');
    }
  }

  /** Resolves when the burst is done, or has gone on for long enough to let the next one begin. */
  async function burst(startables: readonly Startable[]): Promise<void> {
    // Not after a small one: what comes now and then would never get workflows of its own again.
    const gathered = startables.length > BURST_FROM ? sleep(GATHER_MS) : undefined;
    try {
      const { client } = starter;
      const handle = await client.withDeadline(Date.now() + START_DEADLINE_MS, () => startBurst(starter, startables));
      await patiently((signal) => client.withAbortSignal(signal, () => handle.result()));
    } catch (error) {
      log.warn({ err: error, deliveries: startables.length }, 'cannot start a burst now; the sweep will');
    }
    await gathered;
  }

  /** Waits for something to end; not for longer than one waits for a burst, nor when the dispatcher is stopped. */
  async function patiently(wait: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const patience = new AbortController();
    const giveUp = (): void => patience.abort();
    if (stopping.signal.aborted) return;
    stopping.signal.addEventListener('abort', giveUp);
    // Not with a deadline: Temporal answers at once what has only a second left, and its client asks again.
    const ended = wait(patience.signal).catch(() => undefined);
    const late = sleep(BURST_PATIENCE_MS, undefined, { ref: false, signal: patience.signal }).catch(() => undefined);
    await Promise.race([ended, late]);
    stopping.signal.removeEventListener('abort', giveUp);
    giveUp();
  }

  return {
    laneFor: (deliveries) =>
      bursts && (forBursts.size + beginning.size > 0 || deliveries + forWorkflows.size + underWay.size > BURST_FROM)
        ? 'burst'
        : 'own',
    dispatch(startables, lane = 'own') {
      const waiting = lane === 'own' ? forWorkflows : forBursts;
      const room = Math.max(LONGEST_QUEUE - waiting.size, 0);
      for (const startable of startables.slice(0, room)) waiting.add(startable);
      next();
    },
    async stop() {
      stopping.abort();
      await Promise.all([...underWay, ...beginning]);
    },
  };
}
