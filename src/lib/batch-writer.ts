/**
 * Writes items to the database in batches: items that arrive while a write is in flight share the next one, and an item
 * that arrives alone is written at once unless it waits for others (`collect`).
 */

/** An item that waits to be written, and the promise its caller waits for. */
export interface Entry<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Decides which of the waiting items are written next. */
export interface BatchQueue<Item, Result> {
  add(entry: Entry<Item, Result>): void;
  /** Removes the items of the next write; empty when none may be written now. */
  take(): Entry<Item, Result>[];
  /** Called when the write of these items has ended, before the next `take`. */
  release?(entries: readonly Entry<Item, Result>[]): void;
}

export interface BatchWriterSettings<Item, Result> {
  /** Writes in flight at once. */
  readonly concurrency: number;
  /** Items wait for this time, or until this many wait. */
  readonly collect?: { readonly ms: number; readonly items: number };
  /** Writes all items or none, and returns one result per item in the same order. */
  readonly write: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Whether an error is caused by one of the items, so that the others can be written without it. */
  readonly isRefused: (error: unknown) => boolean;
}

export class BatchWriter<Item, Result> {
  #inFlight = 0;
  #waiting = 0;
  #collecting: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: BatchQueue<Item, Result>,
    private readonly settings: BatchWriterSettings<Item, Result>,
  ) {}

  /** Resolves once the item is written. Rejects when its write fails, or when the queue does not accept it. */
  write(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.queue.add({ item, resolve, reject });
      this.#waiting += 1;
      const { collect } = this.settings;
      if (!collect || this.#waiting >= collect.items) this.#writeMore();
      else this.#collecting ??= setTimeout(() => this.#writeMore(), collect.ms);
    });
  }

  #writeMore(): void {
    clearTimeout(this.#collecting);
    this.#collecting = undefined;
    while (this.#inFlight < this.settings.concurrency) {
      const entries = this.queue.take();
      if (entries.length === 0) return;
      this.#waiting -= entries.length;
      this.#inFlight += 1;
      void this.#write(entries).finally(() => {
        this.#inFlight -= 1;
        this.queue.release?.(entries);
        // Otherwise what waits is written when the time has passed.
        if (!this.#collecting) this.#writeMore();
      });
    }
  }

  /** Never rejects. */
  async #write(entries: readonly Entry<Item, Result>[]): Promise<void> {
    let results: readonly Result[];
    try {
      results = await this.settings.write(entries.map(({ item }) => item));
    } catch (error) {
      // A refused item must not fail the others, so each is written by itself.
      if (entries.length > 1 && this.settings.isRefused(error)) for (const entry of entries) await this.#write([entry]);
      else for (const { reject } of entries) reject(error);
      return;
    }
    for (const [index, { resolve }] of entries.entries()) resolve(results[index]!);
  }
}
