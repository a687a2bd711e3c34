/** Claims deliveries for a sender while few wait in it: those of its process, and those that other processes committed. */
import type { Logger } from 'pino';
import { FairQueue } from '../../dispatch/fair-queue.js';
import type { DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { loadDirect } from '../../store/direct/material.js';
import { listen } from '../../store/direct/notifications.js';
import { claim, claimAny } from '../../store/direct/senders.js';
import type { Store } from '../../store/store.js';
import type { Lease } from './lease.js';

/** Below this number of waiting deliveries more are claimed. */
const MIN_WAITING = 500;
/** Deliveries per claim. */
const CLAIM_SIZE = 500;
/** Ids of unclaimed deliveries in memory; further ones are found in the database. */
const MAX_OFFERED = 50_000;
/** Without a notification, free deliveries of other processes are looked for this often, in milliseconds. */
const POLL_MS = 1_000;

export interface ClaimerSettings {
  readonly store: Store;
  readonly log: Logger;
  readonly lease: Pick<Lease, 'id' | 'isFresh'>;
  /** The number of deliveries that wait in the sender. */
  readonly waiting: () => number;
  /** Gets deliveries that were claimed. */
  readonly onClaimed: (deliveries: readonly AttemptMaterial[]) => void;
}

export class Claimer {
  /** Unclaimed deliveries of this process. */
  readonly #offered = new FairQueue<Pick<DeliveryStart, 'deliveryId' | 'account' | 'subscriptionId'>>();
  #claiming: Promise<void> | undefined;
  /** Whether others may have committed deliveries since the last claim of theirs. */
  #mayHaveOthers = false;
  #poll: NodeJS.Timeout | undefined;
  #notifications: ReturnType<typeof listen> | undefined;
  #isStopping = false;

  constructor(private readonly settings: ClaimerSettings) {}

  start(): void {
    this.#poll = setInterval(() => this.#claimOthers(), POLL_MS).unref();
    this.#notifications = listen(this.settings.store, () => this.#claimOthers());
  }

  /** Claims no more; waits for the claim in flight. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#poll);
    await this.#notifications?.stop();
    await this.#claiming;
  }

  /** Claims these deliveries soon; those that do not fit in memory are found in the database. */
  offer(deliveries: readonly DeliveryStart[]): void {
    const capacity = Math.max(MAX_OFFERED - this.#offered.size, 0);
    for (const delivery of deliveries.slice(0, capacity)) this.#offered.add(delivery);
    this.claimMore();
  }

  /** Claims deliveries while few wait: first those of this process, then those of others if there may be some. */
  claimMore(): void {
    const { lease, waiting, log } = this.settings;
    if (this.#claiming || this.#isStopping || waiting() > MIN_WAITING || !lease.isFresh) return;
    if (this.#offered.size === 0 && !this.#mayHaveOthers) return;
    this.#claiming = this.#claim()
      .catch((error: unknown) => log.debug({ err: error }, 'cannot claim deliveries now'))
      .then(() => {
        this.#claiming = undefined;
        this.claimMore();
      });
  }

  #claimOthers(): void {
    this.#mayHaveOthers = true;
    this.claimMore();
  }

  /** When loading the claimed deliveries fails, they are released with those that no sender knows. */
  async #claim(): Promise<void> {
    const { store, lease, onClaimed } = this.settings;
    const senderId = lease.id;
    const offered = this.#offered.take(CLAIM_SIZE).map(({ deliveryId }) => deliveryId);
    // Before the statement, as what is committed during it is announced by another notification.
    if (offered.length === 0) this.#mayHaveOthers = false;
    const ids =
      offered.length > 0 ? await claim(store, senderId, offered) : await claimAny(store, senderId, CLAIM_SIZE);
    if (ids.length === 0) return;
    // After a full claim there may be more in the database.
    this.#mayHaveOthers ||= ids.length === CLAIM_SIZE;
    const deliveries = await loadDirect(store, ids);
    // Otherwise the lease was lost, and other senders have them.
    if (senderId === lease.id) onClaimed(deliveries);
  }
}
