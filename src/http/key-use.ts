/** Records when keys are used: at most once a minute for each key, many keys with one statement. */
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { recordKeyUse } from '../store/accounts/api-keys.js';
import type { Store } from '../store/store.js';

/** How long the uses of a key after a recorded one are not recorded, in milliseconds. */
const RECORD_EVERY_MS = 60_000;
/** How long uses are collected for one statement, in milliseconds. */
const COLLECT_MS = 1_000;
/** Maximum number of keys whose last record is remembered; others may be recorded more often. */
const MAX_REMEMBERED = 10_000;

export class KeyUse {
  readonly #recorded = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: RECORD_EVERY_MS });
  #waiting = new Map<string, Date>();

  constructor(
    private readonly store: Store,
    private readonly log: Logger,
    private readonly collectMs = COLLECT_MS,
  ) {}

  /** Notes the use of a key. Its request does not wait for the record; uses of the last second are lost with the process. */
  add(keyId: string): void {
    if (this.#recorded.has(keyId)) return;
    this.#recorded.set(keyId, true);
    if (this.#waiting.size === 0) setTimeout(() => void this.#write(), this.collectMs).unref();
    this.#waiting.set(keyId, new Date());
  }

  async #write(): Promise<void> {
    const uses = this.#waiting;
    this.#waiting = new Map();
    // The process is ending.
    if (this.store.pool.ended) return;
    try {
      await recordKeyUse(this.store, uses);
    } catch (err) {
      // The next use tries again.
      for (const id of uses.keys()) this.#recorded.delete(id);
      this.log.warn({ err }, 'cannot record the last use of keys');
    }
  }
}
