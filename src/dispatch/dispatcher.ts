/**
 * From committed deliveries to started workflows, in the background.
 *
 * While few wait, each gets a workflow of its own at once. When more wait than that keeps up with, they are taken together
 * into batches; while one batch begins, those gather that the next one takes. So batches grow with the load by themselves.
 */
import { setTimeout as sleep } from 'timers/promises';
import type { Logger } from 'pino';
import type { DispatchMode } from '../store/events/events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { MAX_BATCH_SIZE, startBatch } from './batches.js';
import { startDelivery, type WorkflowStarter } from './start.js';
import { FairQueue } from './fair-queue.js';

/** How many starts of single workflows are under way at once. */
const STARTS_AT_ONCE = 50;
/** From how many new deliveries on, with those that wait already, they are left to batches. */
const MIN_BATCH_SIZE = 20;
/** How many batches are beginning at once; the second and later ones only when full. */
const MAX_STARTING_BATCHES = 4;
/** After a batch that was worth one, the next waits for at least so long unless it is full, in milliseconds. */
const GATHER_MS = 100;
/** After this time the next batch begins although receivers of this one have not answered, in milliseconds. */
const BATCH_PATIENCE_MS = 1_000;
/** How long one start may take, in milliseconds; then it is left to the sweep. */
const START_DEADLINE_MS = 10_000;
/** How many deliveries may wait here; more are left to the sweep, so that memory stays bounded. */
const MAX_QUEUE_LENGTH = 50_000;

export interface Dispatcher {
  /** The lane in which so many new deliveries are to be committed now. */
  modeFor(deliveries: number): DispatchMode;
  /** Starts these deliveries soon. What cannot be started now is found by the sweep. */
  dispatch(deliveryStarts: readonly DeliveryStart[], mode?: DispatchMode): void;
  /** Starts no more and waits for the starts under way; what still waits is found by the sweep. */
  stop(): Promise<void>;
}

export interface DispatcherSettings {
  /** Whether batches are allowed; otherwise every delivery has its own workflow, always. */
  readonly batches: boolean;
}

export function createDispatcher(
  starter: WorkflowStarter,
  log: Logger,
  { batches: batches }: DispatcherSettings = { batches: true },
): Dispatcher {
  const forWorkflows = new FairQueue();
  const forBatches = new FairQueue();
  const underWay = new Set<Promise<void>>();
  const beginning = new Set<Promise<void>>();
  const stopping = new AbortController();

  const next = (): void => {
    if (stopping.signal.aborted) return;
    while (underWay.size < STARTS_AT_ONCE && forWorkflows.size > 0) {
      follow(underWay, startOne(forWorkflows.take(1)[0]!));
    }
    while (forBatches.size > 0 && (beginning.size === 0 || mayOverlap())) {
      follow(beginning, batch(forBatches.take(MAX_BATCH_SIZE)));
    }
  };

  const mayOverlap = (): boolean => beginning.size < MAX_STARTING_BATCHES && forBatches.size >= MAX_BATCH_SIZE;

  function follow(all: Set<Promise<void>>, work: Promise<void>): void {
    const followed = work.finally(() => {
      all.delete(followed);
      next();
    });
    all.add(followed);
  }

  async function startOne(deliveryStart: DeliveryStart): Promise<void> {
    try {
      await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () => startDelivery(starter, deliveryStart));
    } catch (error) {
      log.warn({ err: error, deliveryId: deliveryStart.deliveryId }, 'cannot start a delivery now; the sweep will');
    }
  }

  /** Resolves when the batch is done, or has gone on for long enough to let the next one begin. */
  async function batch(deliveryStarts: readonly DeliveryStart[]): Promise<void> {
    // Not after a small one: what comes now and then would never get workflows of its own again.
    const gathered = deliveryStarts.length > MIN_BATCH_SIZE ? sleep(GATHER_MS) : undefined;
    try {
      const { client } = starter;
      const handle = await client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
        startBatch(starter, deliveryStarts),
      );
      await withTimeout((signal) => client.withAbortSignal(signal, () => handle.result()));
    } catch (error) {
      log.warn({ err: error, deliveries: deliveryStarts.length }, 'cannot start a batch now; the sweep will');
    }
    await gathered;
  }

  /** Waits for something to end; not for longer than one waits for a batch, nor when the dispatcher is stopped. */
  async function withTimeout(wait: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const timeout = new AbortController();
    const giveUp = (): void => timeout.abort();
    if (stopping.signal.aborted) return;
    stopping.signal.addEventListener('abort', giveUp);
    // Not with a deadline: Temporal answers at once what has only a second left, and its client asks again.
    const ended = wait(timeout.signal).catch(() => undefined);
    const late = sleep(BATCH_PATIENCE_MS, undefined, { ref: false, signal: timeout.signal }).catch(() => undefined);
    await Promise.race([ended, late]);
    stopping.signal.removeEventListener('abort', giveUp);
    giveUp();
  }

  return {
    modeFor: (deliveries) =>
      batches &&
      (forBatches.size + beginning.size > 0 || deliveries + forWorkflows.size + underWay.size > MIN_BATCH_SIZE)
        ? 'batch'
        : 'single',
    dispatch(deliveryStarts, mode = 'single') {
      const waiting = mode === 'single' ? forWorkflows : forBatches;
      const capacity = Math.max(MAX_QUEUE_LENGTH - waiting.size, 0);
      for (const deliveryStart of deliveryStarts.slice(0, capacity)) waiting.add(deliveryStart);
      next();
    },
    async stop() {
      stopping.abort();
      await Promise.all([...underWay, ...beginning]);
    },
  };
}
