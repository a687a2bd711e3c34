/** The lease of a sender: it is renewed as long as the process works, and releases what others leave behind. */
import type { Logger } from 'pino';
import { newId } from '../../contract/ids.js';
import {
  expiredSenders,
  heldBy,
  registerSender,
  releaseExpired,
  removeSender,
  renewSender,
  unclaim,
} from '../../store/direct/senders.js';
import type { Store } from '../../store/store.js';
import { SENDER_FRESH_MS, SENDER_RENEWAL_MS } from '../../workflows/limits.js';

/** Seconds after which a claimed delivery must be in the memory of its sender. */
const UNKNOWN_AFTER_S = 10;
/** One in this many renewals looks for claimed deliveries that are not in memory. */
const RENEWALS_PER_CHECK = 5;

export interface LeaseSettings {
  readonly store: Store;
  readonly log: Logger;
  /** Whether a claimed delivery is in memory. */
  readonly isHeld: (deliveryId: string) => boolean;
  readonly onRenewed: () => void;
  /** Called when the lease has expired and a new one has begun: what was claimed with it belongs to others. */
  readonly onLost: () => void;
}

export class Lease {
  #id = newId('snd');
  /** When the last renewal was asked for, in milliseconds of `performance.now`. */
  #renewedAt = -Infinity;
  #renewals = 0;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  constructor(private readonly settings: LeaseSettings) {}

  get id(): string {
    return this.#id;
  }

  /** Whether the lease is certainly valid, so that an attempt may start. */
  get isFresh(): boolean {
    return performance.now() - this.#renewedAt < SENDER_FRESH_MS;
  }

  /** Rejects when the database is unavailable. */
  async start(): Promise<void> {
    await this.#register();
    // Unreferenced, so that it does not keep an idle process alive.
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    }, SENDER_RENEWAL_MS).unref();
  }

  /** Ends the lease and releases what it holds. Never rejects: otherwise the lease expires. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    this.#renewedAt = -Infinity;
    await removeSender(this.settings.store, this.#id).catch((error: unknown) => {
      this.settings.log.warn({ err: error }, 'cannot end the lease of the sender; it expires');
    });
  }

  async #register(): Promise<void> {
    const askedAt = performance.now();
    await registerSender(this.settings.store, this.#id);
    this.#renewedAt = askedAt;
  }

  /** Never rejects. */
  async #renew(): Promise<void> {
    const { store, log, onRenewed } = this.settings;
    try {
      const askedAt = performance.now();
      if (await renewSender(store, this.#id)) this.#renewedAt = askedAt;
      else await this.#replace();
      onRenewed();
      const expired = await expiredSenders(store);
      if (expired.length > 0) {
        const released = await releaseExpired(store, expired);
        if (released > 0) log.info({ deliveries: released }, 'deliveries of a sender that stopped are released');
      }
      if (this.#renewals++ % RENEWALS_PER_CHECK === 0) await this.#releaseUnknown();
    } catch (error) {
      log.debug({ err: error }, 'cannot renew the lease of the sender now');
    }
  }

  async #replace(): Promise<void> {
    this.settings.log.warn('the lease of the sender has expired; a new one begins');
    this.#renewedAt = -Infinity;
    this.#id = newId('snd');
    this.settings.onLost();
    await this.#register();
  }

  /** Releases deliveries that were committed as claimed without this process knowing, because the response was lost. */
  async #releaseUnknown(): Promise<void> {
    const { store, isHeld } = this.settings;
    const unknown = (await heldBy(store, this.#id, UNKNOWN_AFTER_S)).filter((id) => !isHeld(id));
    if (unknown.length > 0) await unclaim(store, this.#id, unknown);
  }
}
