/** Records which direct deliveries have a workflow now, many in one statement. */
import type { Logger } from 'pino';
import { BatchWriter, type BatchQueue, type Entry } from '../../lib/batch-writer.js';
import { retrying } from '../../lib/retry.js';
import { markStarted, unclaim } from '../../store/direct/senders.js';
import { isRefused, type Store } from '../../store/store.js';

/** A delivery whose workflow was started, or that is released because it could not be started. */
interface Start {
  readonly deliveryId: string;
  /** The sender that releases it; absent when its workflow was started. */
  readonly releasedBy?: string;
}

const MAX_ROWS = 500;

export class StartRecorder {
  readonly #writes = new Set<Promise<void>>();
  readonly #writer: BatchWriter<Start, void>;

  constructor(
    private readonly store: Store,
    private readonly log: Logger,
    /** Called when the sender is done with a delivery. */
    private readonly onDone: (deliveryId: string) => void,
  ) {
    this.#writer = new BatchWriter(new StartQueue(), {
      concurrency: 1,
      write: (starts) => this.#write(starts),
      isRefused,
    });
  }

  started(deliveryId: string): void {
    this.#add({ deliveryId });
  }

  /** A sender tries again later. */
  failed(deliveryId: string, releasedBy: string, error: unknown): void {
    this.log.debug({ err: error, deliveryId }, 'cannot start a delivery now; a sender tries again');
    this.#add({ deliveryId, releasedBy });
  }

  /** Waits until everything is recorded. */
  async finish(): Promise<void> {
    await Promise.all(this.#writes);
  }

  #add(start: Start): void {
    const write = this.#writer
      .write(start)
      // It stays claimed, and is released as a delivery that no sender knows.
      .catch((error: unknown) => this.log.debug({ err: error }, 'cannot record the start of a delivery now'))
      .finally(() => {
        this.#writes.delete(write);
        this.onDone(start.deliveryId);
      });
    this.#writes.add(write);
  }

  async #write(starts: readonly Start[]): Promise<readonly void[]> {
    const started = starts.filter(({ releasedBy }) => releasedBy === undefined).map(({ deliveryId }) => deliveryId);
    // Retried, as a delivery with a workflow that is free again could be sent by both.
    if (started.length > 0) await retrying(() => markStarted(this.store, started), isRefused);
    const released = new Map<string, string[]>();
    for (const { deliveryId, releasedBy } of starts) {
      if (releasedBy !== undefined) released.set(releasedBy, [...(released.get(releasedBy) ?? []), deliveryId]);
    }
    for (const [senderId, ids] of released) await unclaim(this.store, senderId, ids);
    return [];
  }
}

/** First come, first served. */
class StartQueue implements BatchQueue<Start, void> {
  #waiting: Entry<Start, void>[] = [];

  add(entry: Entry<Start, void>): void {
    this.#waiting.push(entry);
  }

  take(): Entry<Start, void>[] {
    return this.#waiting.splice(0, MAX_ROWS);
  }
}
