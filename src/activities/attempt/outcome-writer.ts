/** Writes the rows of attempts in batches. */
import { BatchWriter, type BatchQueue, type Entry } from '../../lib/batch-writer.js';
import { retrying } from '../../lib/retry.js';
import { recordAttempts, type AttemptRow } from '../../store/attempts/recording.js';
import { isRefused, type Store } from '../../store/store.js';

/** Statements in flight at once. */
const CONCURRENCY = 2;
/** Rows of one statement. */
const MAX_ROWS = 250;

/**
 * Outcomes of senders wait for others, as a statement of ten takes less than twice the time of one. If the process is killed
 * in the meantime, their attempts are made again, as those in flight are, so few wait and not for long.
 */
const COLLECT = { ms: 25, items: 10 };

/** One for each process. */
export class OutcomeWriter {
  /** Of senders, which make first attempts. */
  readonly #first: BatchWriter<AttemptRow, void>;
  /** Of workflows, which wait for the end of the write. */
  readonly #unordered: BatchWriter<AttemptRow, void>;
  /** Of deliveries with an ordering key: their statements wait for those that add deliveries to the same keys. */
  readonly #ordered: BatchWriter<AttemptRow, void>;

  constructor(store: Store) {
    const write = async (rows: readonly AttemptRow[]): Promise<void[]> => {
      await retrying(() => recordAttempts(store, rows), isRefused);
      return [];
    };
    const settings = { concurrency: CONCURRENCY, write, isRefused };
    this.#first = new BatchWriter(new RowQueue(), { ...settings, collect: COLLECT });
    this.#unordered = new BatchWriter(new RowQueue(), settings);
    this.#ordered = new BatchWriter(new RowQueue(), settings);
  }

  /** Resolves once the row is written. Rejects when the database is unavailable for some seconds, or refuses the row. */
  write(row: AttemptRow): Promise<void> {
    if (row.isOrdered === true) return this.#ordered.write(row);
    return (row.sender === undefined ? this.#unordered : this.#first).write(row);
  }
}

/** First come, first served, with at most one row of each delivery in a statement, as `recordAttempts` requires. */
class RowQueue implements BatchQueue<AttemptRow, void> {
  #waiting: Entry<AttemptRow, void>[] = [];

  add(entry: Entry<AttemptRow, void>): void {
    this.#waiting.push(entry);
  }

  take(): Entry<AttemptRow, void>[] {
    const deliveryIds = new Set<string>();
    const selected: Entry<AttemptRow, void>[] = [];
    const remaining: Entry<AttemptRow, void>[] = [];
    for (const entry of this.#waiting) {
      const { deliveryId } = entry.item;
      if (selected.length === MAX_ROWS || deliveryIds.has(deliveryId)) remaining.push(entry);
      else selected.push(entry);
      deliveryIds.add(deliveryId);
    }
    this.#waiting = remaining;
    return selected;
  }
}
