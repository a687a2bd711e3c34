/**
 * Live changes of deliveries for all listeners of this process.
 *
 * While there are listeners, one query per second reads recent changes, whatever the number of listeners. LISTEN and
 * NOTIFY would be slightly faster, but PostgreSQL serializes the commits of transactions that notify, which would slow
 * down every attempt.
 */
import type { Logger } from 'pino';
import { isId } from '../../contract/ids.js';
import { validKeyIds } from '../../store/accounts/api-keys.js';
import { validSessionIds } from '../../store/accounts/sessions.js';
import { changedDeliveries, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import { databaseTime } from '../../store/recovery/finished.js';
import type { Store } from '../../store/store.js';
import { findReceivers, type Receiver } from '../../store/subscriptions/find.js';
import { Problem } from '../../http/problem.js';

/** Interval between reads of changes, in milliseconds. */
const POLL_MS = 1_000;
/**
 * A change has the start time of its transaction but is visible only after the commit. So each read goes back this far,
 * in milliseconds. Changes of longer transactions are not sent; lists contain them.
 */
const OVERLAP_MS = 3_000;
/** Maximum number of changes per read; above it listeners get a reset instead. */
const MAX_SENT = 2_000;
/** Maximum age of a listener's last event for sending missed changes, in milliseconds. */
const MAX_CATCH_UP_MS = 15 * 60_000;
/** Maximum numbers of listeners. Operators and accounts have separate limits, so that neither blocks the other. */
const MAX_OF_OPERATORS = 100;
const MAX_OF_ACCOUNTS = 400;
const MAX_PER_ACCOUNT = 20;

/** State of the polling, which runs only while there are listeners. */
interface Watch {
  /** Resolves once `since` is known; all later changes are sent. */
  readonly ready: Promise<void>;
  /** Time of the newest sent change, by the database's clock. */
  since: Date;
  /** Versions sent within the overlap, by delivery id. */
  sent: Map<string, string>;
  timer?: NodeJS.Timeout;
}

export interface Listener {
  /** The key or session, which must stay valid; absent for the admin key of the settings. */
  readonly keyId?: string;
  /** The account whose stream it is; absent for an operator. */
  readonly ownerId?: string;
  /** Only deliveries of this account; all accounts when absent. */
  readonly accountId?: string;
  /** Time of its last received event, if it reconnects. */
  readonly since?: Date;
  /** Called with a changed delivery and its receiver. The same change may be sent twice. */
  notify(delivery: StoredDelivery, receiver: Receiver | undefined): void;
  /** Called when changes were skipped: the listener must reload lists. */
  reset(): void;
  /** Called when the stream ends. */
  end(): void;
}

export interface DeliveryFeed {
  /**
   * Sends all changes from now on to a listener, until the returned function is called. Throws a Problem after `stop`
   * and when there are too many listeners.
   */
  listen(listener: Listener): Promise<() => void>;
  /** Ends all listeners. */
  stop(): Promise<void>;
}

export function createDeliveryFeed(store: Store, log: Logger, pollMs = POLL_MS): DeliveryFeed {
  return new PollingFeed(store, log, pollMs);
}

class PollingFeed implements DeliveryFeed {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #pollMs: number;
  readonly #listeners = new Set<Listener>();
  #watching: Watch | undefined;
  #stopped = false;
  #polling: Promise<void> = Promise.resolve();

  constructor(store: Store, log: Logger, pollMs: number) {
    this.#store = store;
    this.#log = log;
    this.#pollMs = pollMs;
  }

  async listen(listener: Listener): Promise<() => void> {
    if (this.#stopped) throw new Problem('unavailable', 'this process is shutting down; connect again');
    checkLimits(listener, this.#listeners);
    this.#listeners.add(listener);
    try {
      const watch = this.#begin();
      await watch.ready;
      if (listener.since) await this.#catchUp(listener, listener.since, watch.since);
    } catch (error) {
      this.#remove(listener);
      throw error;
    }
    return () => this.#remove(listener);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const listener of [...this.#listeners]) this.#end(listener);
    await this.#polling;
  }

  #begin(): Watch {
    if (this.#watching) return this.#watching;
    const ready = databaseTime(this.#store).then((now) => {
      begun.since = now;
      this.#next(begun);
    });
    const begun: Watch = { ready, since: new Date(0), sent: new Map() };
    this.#watching = begun;
    return begun;
  }

  #next(watch: Watch): void {
    if (this.#watching !== watch) return;
    watch.timer = setTimeout(() => {
      this.#polling = this.#poll(watch)
        .catch((err: unknown) => this.#log.warn({ err }, 'cannot read changed deliveries; trying again'))
        .finally(() => this.#next(watch));
    }, this.#pollMs);
  }

  /** Ends the listeners with revoked keys and sessions; one query checks all keys, and one all sessions. */
  async #endRevoked(): Promise<void> {
    const ids = new Set([...this.#listeners].flatMap(({ keyId }) => keyId ?? []));
    if (ids.size === 0) return;
    const sessions = [...ids].filter((id) => isId('ses', id));
    const keys = [...ids].filter((id) => !sessions.includes(id));
    const valid = new Set([
      ...(keys.length > 0 ? await validKeyIds(this.#store, keys) : []),
      ...(sessions.length > 0 ? await validSessionIds(this.#store, sessions) : []),
    ]);
    for (const listener of [...this.#listeners]) {
      const id = listener.keyId;
      // A listener that joined during the query is checked by the next poll.
      if (id !== undefined && ids.has(id) && !valid.has(id)) this.#end(listener);
    }
  }

  async #poll(watch: Watch): Promise<void> {
    await this.#endRevoked();
    if (this.#listeners.size === 0) return;
    const rows = await this.#changes(watch.since, this.#listeners);
    if (rows.length > MAX_SENT) {
      watch.since = await databaseTime(this.#store);
      for (const listener of this.#listeners) listener.reset();
      return;
    }
    const fresh = rows.filter((row) => watch.sent.get(row.id) !== versionOf(row));
    await this.#notify(fresh, [...this.#listeners]);
    watch.sent = new Map(rows.map((row) => [row.id, versionOf(row)]));
    const newest = rows.at(-1)?.updatedAt ?? watch.since;
    if (newest > watch.since) watch.since = newest;
  }

  /** Sends missed changes to a listener that reconnects. */
  async #catchUp(listener: Listener, since: Date, now: Date): Promise<void> {
    if (now.getTime() - since.getTime() > MAX_CATCH_UP_MS) return listener.reset();
    const rows = await this.#changes(since, [listener]);
    if (rows.length > MAX_SENT) return listener.reset();
    await this.#notify(rows, [listener]);
  }

  /** Changes that these listeners may see, with the overlap; one more than may be sent if there are too many. */
  #changes(since: Date, listeners: Iterable<Listener>): Promise<StoredDelivery[]> {
    return changedDeliveries(this.#store, {
      since: new Date(since.getTime() - OVERLAP_MS),
      limit: MAX_SENT + 1,
      ...accountsOf(listeners),
    });
  }

  async #notify(deliveries: readonly StoredDelivery[], to: readonly Listener[]): Promise<void> {
    if (deliveries.length === 0) return;
    const subscriptionIds = new Set(deliveries.map(({ subscriptionId }) => subscriptionId));
    const receivers = await findReceivers(this.#store, [...subscriptionIds]);
    for (const delivery of deliveries) {
      const receiver = receivers.get(delivery.subscriptionId);
      for (const listener of to) {
        const { accountId = delivery.accountId } = listener;
        if (accountId === delivery.accountId) listener.notify(delivery, receiver);
      }
    }
  }

  #remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0 || !this.#watching) return;
    clearTimeout(this.#watching.timer);
    this.#watching = undefined;
  }

  #end(listener: Listener): void {
    this.#remove(listener);
    listener.end();
  }
}

/** Throws a Problem when one more listener would exceed the limit of its account, of all accounts or of operators. */
function checkLimits({ ownerId }: Listener, listeners: ReadonlySet<Listener>): void {
  const count = (matches: (other: Listener) => boolean): number => [...listeners].filter(matches).length;
  if (ownerId !== undefined && count((other) => other.ownerId === ownerId) >= MAX_PER_ACCOUNT)
    throw new Problem('rate_limited', `an account may have ${MAX_PER_ACCOUNT} streams at a time; close one first`);
  const isFull =
    ownerId === undefined
      ? count((other) => other.ownerId === undefined) >= MAX_OF_OPERATORS
      : count((other) => other.ownerId !== undefined) >= MAX_OF_ACCOUNTS;
  if (isFull) throw new Problem('unavailable', 'too many streams are open; try again later');
}

/** The accounts of these listeners; no filter if one of them listens to all accounts. */
function accountsOf(listeners: Iterable<Listener>): { accountIds?: string[] } {
  const ids = [...listeners].map(({ accountId }) => accountId);
  return ids.includes(undefined) ? {} : { accountIds: [...new Set(ids as string[])] };
}

/** Identifies a version of a delivery. */
function versionOf({ updatedAt, state, attempts }: StoredDelivery): string {
  return `${updatedAt.getTime()} ${state} ${attempts}`;
}
