/**
 * Makes the batches that are due, one for each worker process. What waits and when it is due is in the database, so a restart
 * loses no timer; a look at the next due time costs the same for any number of subscriptions.
 */
import type { Logger } from 'pino';
import { collectNext, type Collected } from '../../dispatch/batches.js';
import { nextDueMs } from '../../store/batches.js';
import type { Store } from '../../store/store.js';

/** What other processes have committed is looked for this often, in milliseconds. */
const POLL_MS = 500;

export interface CollectorSettings {
  readonly store: Store;
  readonly log: Logger;
  /** Gets deliveries that may be sent now. */
  readonly onCollected: (collected: Collected) => void;
}

export class Collector {
  #timer: NodeJS.Timeout | undefined;
  #collecting: Promise<void> | undefined;
  #isStopping = false;

  constructor(private readonly settings: CollectorSettings) {}

  start(): void {
    this.#collectIn(0);
  }

  /** Waits for the batch that is being made. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    await this.#collecting;
  }

  #collectIn(milliseconds: number): void {
    if (this.#isStopping) return;
    this.#timer = setTimeout(() => {
      this.#collecting = this.#collect().then((wait) => this.#collectIn(wait));
    }, milliseconds).unref();
  }

  /** Makes all batches that are due. Returns the wait before the next look; never rejects. */
  async #collect(): Promise<number> {
    const { store, log, onCollected } = this.settings;
    try {
      const wait = await nextDueMs(store);
      if (wait === undefined || wait > 0) return Math.min(wait ?? POLL_MS, POLL_MS);
      while (!this.#isStopping) {
        const collected = await collectNext(store);
        if (!collected) break;
        onCollected(collected);
      }
    } catch (error) {
      log.debug({ err: error }, 'cannot make batches now');
    }
    return POLL_MS;
  }
}
