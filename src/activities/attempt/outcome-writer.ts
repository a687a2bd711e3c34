/** Writing outcomes: those that come while others are being written share the next statement. */
import { recordAttempts, type AttemptRecord } from '../../store/attempts/recording.js';
import { isRefused } from '../../store/refused.js';
import type { Store } from '../../store/store.js';
import { retrying } from '../../lib/retry.js';

/** Statements under way at once. */
const WRITES_AT_ONCE = 2;
/** Rows of one statement at most. */
const MAX_ROWS = 250;

interface Waiting {
  readonly record: AttemptRecord;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

/** One for each process. */
export class OutcomeWriter {
  readonly #waiting: Waiting[] = [];
  #writing = 0;

  constructor(private readonly store: Store) {}

  /** Resolves once the attempt is recorded. Rejects when the database stays away for some seconds, or refuses it. */
  add(record: AttemptRecord): Promise<void> {
    return new Promise((written, failed) => {
      this.#waiting.push({ record, written, failed });
      this.#writeMore();
    });
  }

  #writeMore(): void {
    while (this.#writing < WRITES_AT_ONCE && this.#waiting.length > 0) {
      this.#writing += 1;
      void this.#write(this.#take()).finally(() => {
        this.#writing -= 1;
        this.#writeMore();
      });
    }
  }

  /** The next rows; of each delivery one, as the statement takes no more. */
  #take(): Waiting[] {
    const ids = new Set<string>();
    const taken: Waiting[] = [];
    const kept: Waiting[] = [];
    for (const item of this.#waiting) {
      const { deliveryId } = item.record;
      if (taken.length === MAX_ROWS || ids.has(deliveryId)) kept.push(item);
      else taken.push(item);
      ids.add(deliveryId);
    }
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    return taken;
  }

  async #write(items: readonly Waiting[]): Promise<void> {
    const records = items.map(({ record }) => record);
    try {
      await retrying(() => recordAttempts(this.store, records), isRefused);
      for (const { written } of items) written();
    } catch (error) {
      // One that the database refuses must not take the others with it.
      if (items.length > 1 && isRefused(error)) for (const item of items) await this.#write([item]);
      else for (const { failed } of items) failed(error);
    }
  }
}
