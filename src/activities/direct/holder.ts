/** Makes deliveries of a sender wait for a circuit breaker, many in one statement. */
import type { Logger } from 'pino';
import { BatchWriter, type BatchQueue, type Entry } from '../../lib/batch-writer.js';
import { holdForBreaker, type HeldDelivery } from '../../store/deliveries/breaker-waiting.js';
import { isRefused, type Store } from '../../store/store.js';

const MAX_ROWS = 500;

/** `waits`: it waits, and is no longer the sender's. `closed`: its breaker is closed. `unknown`: the database is unavailable. */
export type HoldResult = 'waits' | 'closed' | 'unknown';

export class Holder {
  readonly #writer: BatchWriter<HeldDelivery, HoldResult>;

  constructor(
    store: Store,
    private readonly log: Logger,
  ) {
    this.#writer = new BatchWriter(new HoldQueue(), {
      concurrency: 1,
      write: async (deliveries) => {
        const held = await holdForBreaker(store, deliveries);
        return deliveries.map(({ id }) => (held.has(id) ? 'waits' : 'closed'));
      },
      isRefused,
    });
  }

  /** Makes a delivery wait unless its breaker is closed. Never rejects. */
  async hold(delivery: HeldDelivery): Promise<HoldResult> {
    return this.#writer.write(delivery).catch((error: unknown) => {
      this.log.debug({ err: error, deliveryId: delivery.id }, 'cannot make a delivery wait for its breaker now');
      return 'unknown';
    });
  }
}

/** First come, first served. */
class HoldQueue implements BatchQueue<HeldDelivery, HoldResult> {
  #waiting: Entry<HeldDelivery, HoldResult>[] = [];

  add(entry: Entry<HeldDelivery, HoldResult>): void {
    this.#waiting.push(entry);
  }

  take(): Entry<HeldDelivery, HoldResult>[] {
    return this.#waiting.splice(0, MAX_ROWS);
  }
}
