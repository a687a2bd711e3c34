/** Makes deliveries of a sender wait for a circuit breaker, many in one statement. */
import type { Logger } from 'pino';
import { isOpen } from '../../contract/breaker.js';
import { BatchWriter, type BatchQueue, type Entry } from '../../lib/batch-writer.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { holdForBreaker, type HeldDelivery } from '../../store/deliveries/breaker-waiting.js';
import { loadDirect } from '../../store/direct/material.js';
import { isRefused, type Store } from '../../store/store.js';
import type { Breakers } from '../breakers.js';
import type { Lease } from './lease.js';

const MAX_ROWS = 500;

export interface HolderSettings {
  readonly store: Store;
  readonly log: Logger;
  readonly breakers: Breakers;
  readonly lease: Pick<Lease, 'id'>;
  /** Called when the sender is done with a delivery. */
  readonly onDone: (deliveryId: string) => void;
  /** Gets a delivery, loaded again, whose breaker has closed in the meantime. */
  readonly onClosed: (delivery: AttemptMaterial) => void;
}

export class Holder {
  /** Writes whether each of the deliveries waits now. */
  readonly #writer: BatchWriter<HeldDelivery, boolean>;

  constructor(private readonly settings: HolderSettings) {
    this.#writer = new BatchWriter(new HoldQueue(), {
      concurrency: 1,
      write: async (deliveries) => {
        const held = await holdForBreaker(settings.store, deliveries);
        return deliveries.map(({ id }) => held.has(id));
      },
      isRefused,
    });
  }

  /** Makes a delivery wait unless its breaker is closed. Never rejects. */
  async hold({ delivery: { id }, subscription }: AttemptMaterial): Promise<void> {
    const { store, log, breakers, lease, onDone, onClosed } = this.settings;
    const senderId = lease.id;
    try {
      if (!(await this.#writer.write({ id, subscriptionId: subscription.id, senderId }))) {
        breakers.notOpen(subscription.id);
        const [current] = await loadDirect(store, [id]);
        // With an open breaker, or after the lease was lost, it is not the sender's any more.
        if (current && !isOpen(current.subscription.breaker) && senderId === lease.id) return onClosed(current);
      }
    } catch (error) {
      // It stays claimed, and is released as a delivery that no sender knows.
      log.debug({ err: error, deliveryId: id }, 'cannot make a delivery wait for its breaker now');
    }
    onDone(id);
  }
}

/** First come, first served. */
class HoldQueue implements BatchQueue<HeldDelivery, boolean> {
  #waiting: Entry<HeldDelivery, boolean>[] = [];

  add(entry: Entry<HeldDelivery, boolean>): void {
    this.#waiting.push(entry);
  }

  take(): Entry<HeldDelivery, boolean>[] {
    return this.#waiting.splice(0, MAX_ROWS);
  }
}
