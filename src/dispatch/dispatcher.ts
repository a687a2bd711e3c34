/**
 * Starts the workflows of committed deliveries, in the background.
 *
 * While few deliveries wait, each gets its own workflow at once. When more arrive than can be started that way, they are
 * started in batches; those that arrive during the start of one batch form the next, so batches grow with the load.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DispatchMode } from '../store/events/events.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { MAX_BATCH_SIZE, startBatch } from './batches.js';
import { startDelivery, type WorkflowStarter } from './start.js';
import { FairQueue } from './fair-queue.js';

/** Starts of single workflows in flight at once. */
const MAX_STARTS = 50;
/** New and waiting deliveries above which batches are used. */
const MIN_BATCH_SIZE = 20;
/** Batches that start at once; the second and later ones only when full. */
const MAX_STARTING_BATCHES = 4;
/** Wait before the next batch that is not full, so that more deliveries join it, in milliseconds. */
const GATHER_MS = 100;
/** Longest wait for the end of a batch before the next one starts, in milliseconds. */
const MAX_BATCH_WAIT_MS = 1_000;
/** How long one start may take, in milliseconds; after that the sweep starts the delivery. */
const START_DEADLINE_MS = 10_000;
/** Deliveries that wait in memory; the sweep starts further ones. */
const MAX_QUEUE_LENGTH = 50_000;

export interface Dispatcher {
  /** The mode in which this number of new deliveries is to be committed now. */
  modeFor(deliveries: number): DispatchMode;
  /** Starts these deliveries soon. The sweep starts those that cannot be started now. */
  dispatch(deliveryStarts: readonly DeliveryStart[], mode?: DispatchMode): void;
  /** Waits for the starts in flight. The sweep starts the deliveries that still wait. */
  stop(): Promise<void>;
}

export interface DispatcherSettings {
  /** Whether batches are allowed; otherwise every delivery has its own workflow from the start. */
  readonly batches: boolean;
}

export function createDispatcher(
  starter: WorkflowStarter,
  log: Logger,
  { batches }: DispatcherSettings = { batches: true },
): Dispatcher {
  const forWorkflows = new FairQueue();
  const forBatches = new FairQueue();
  const starts = new Set<Promise<void>>();
  const startingBatches = new Set<Promise<void>>();
  const stopping = new AbortController();

  const next = (): void => {
    if (stopping.signal.aborted) return;
    while (starts.size < MAX_STARTS && forWorkflows.size > 0) {
      track(starts, startOne(forWorkflows.take(1)[0]!));
    }
    while (forBatches.size > 0 && (startingBatches.size === 0 || mayOverlap())) {
      track(startingBatches, batch(forBatches.take(MAX_BATCH_SIZE)));
    }
  };

  const mayOverlap = (): boolean => startingBatches.size < MAX_STARTING_BATCHES && forBatches.size >= MAX_BATCH_SIZE;

  function track(all: Set<Promise<void>>, work: Promise<void>): void {
    const tracked = work.finally(() => {
      all.delete(tracked);
      next();
    });
    all.add(tracked);
  }

  async function startOne(deliveryStart: DeliveryStart): Promise<void> {
    try {
      await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () => startDelivery(starter, deliveryStart));
    } catch (error) {
      log.warn({ err: error, deliveryId: deliveryStart.deliveryId }, 'cannot start a delivery now; the sweep will');
    }
  }

  /** Resolves when the batch has ended, or has run for so long that the next one may start. */
  async function batch(deliveryStarts: readonly DeliveryStart[]): Promise<void> {
    // Not after a small batch: at a low rate deliveries would never get workflows of their own again.
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

  /** Waits for the end of a batch, at most for `MAX_BATCH_WAIT_MS` and until the dispatcher is stopped. */
  async function withTimeout(wait: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const timeout = new AbortController();
    const abort = (): void => timeout.abort();
    if (stopping.signal.aborted) return;
    stopping.signal.addEventListener('abort', abort);
    // Not with a deadline: Temporal responds at once to a long poll with only a second left, and its client polls again.
    const ended = wait(timeout.signal).catch((error: unknown) => {
      if (!timeout.signal.aborted) log.debug({ err: error }, 'cannot get the result of a batch');
    });
    const late = sleep(MAX_BATCH_WAIT_MS, undefined, { ref: false, signal: timeout.signal }).catch(() => undefined);
    await Promise.race([ended, late]);
    stopping.signal.removeEventListener('abort', abort);
    abort();
  }

  return {
    modeFor: (deliveries) =>
      batches &&
      (forBatches.size + startingBatches.size > 0 || deliveries + forWorkflows.size + starts.size > MIN_BATCH_SIZE)
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
      await Promise.all([...starts, ...startingBatches]);
    },
  };
}
