/** Starts workflows for committed deliveries in the background, a bounded number at a time. */
import type { Logger } from 'pino';
import type { Startable } from '../store/startables.js';
import { startDelivery, type Starter } from './start.js';

/** How many starts are under way at once. */
const CONCURRENCY = 50;
/** How long one start may take, in milliseconds; then it is left to the sweep. */
const START_DEADLINE_MS = 10_000;
/** How many deliveries may wait here; more are left to the sweep, so that memory stays bounded. */
const LONGEST_QUEUE = 50_000;

export interface Dispatcher {
  /** Starts these deliveries soon. What cannot be started now is found by the sweep. */
  dispatch(startables: readonly Startable[]): void;
  /** Starts no more and waits for the starts under way; what still waits is found by the sweep. */
  stop(): Promise<void>;
}

export function createDispatcher(starter: Starter, log: Logger): Dispatcher {
  const waiting: Startable[] = [];
  const underWay = new Set<Promise<void>>();
  let stopped = false;

  const next = (): void => {
    while (!stopped && underWay.size < CONCURRENCY && waiting.length > 0) {
      const startable = waiting.shift()!;
      const start = startOne(startable).finally(() => {
        underWay.delete(start);
        next();
      });
      underWay.add(start);
    }
  };

  async function startOne(startable: Startable): Promise<void> {
    try {
      await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () => startDelivery(starter, startable));
    } catch (error) {
      log.warn({ err: error, deliveryId: startable.deliveryId }, 'cannot start a delivery now; the sweep will');
    }
  }

  return {
    dispatch(startables) {
      waiting.push(...startables.slice(0, Math.max(LONGEST_QUEUE - waiting.length, 0)));
      next();
    },
    async stop() {
      stopped = true;
      await Promise.all(underWay);
    },
  };
}
