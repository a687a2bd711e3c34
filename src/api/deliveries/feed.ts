/**
 * Changes of deliveries as they happen, for everyone who listens in this process.
 *
 * One query a second reads what has changed lately, and only while somebody listens; how many listen makes no
 * difference to the database. Notifications (LISTEN and NOTIFY) would be a little sooner, but PostgreSQL commits
 * transactions that notify one after the other: every attempt of the installation would pay for someone's open page.
 */
import type { Logger } from 'pino';
import { validKeyIds } from '../../store/accounts/api-keys.js';
import { changedDeliveries, type StoredDelivery } from '../../store/deliveries/deliveries.js';
import { databaseTime } from '../../store/recovery/finished.js';
import type { Store } from '../../store/store.js';
import { subscriptionUrls } from '../../store/subscriptions/subscriptions.js';
import { Problem } from '../../http/problem.js';

/** How often changes are read, in milliseconds. */
const POLL_MS = 1_000;
/**
 * Changes are dated by the beginning of their transaction and seen after its end: they are looked for this long, in
 * milliseconds. One that takes longer is not told of; lists have it.
 */
const OVERLAP_MS = 3_000;
/** More changes than this in the time that is looked at are not told one by one. */
const MAX_SENT = 2_000;
/** How long after its last event a listener is told what it has missed, in milliseconds. */
const REMEMBERED_MS = 15 * 60_000;
/** Operators and accounts have shares of their own, so that neither keeps the others out. */
const MAX_OF_OPERATORS = 100;
const MAX_OF_ACCOUNTS = 400;
const MAX_PER_ACCOUNT = 20;

/** The watch that is kept while somebody listens. */
interface Watch {
  /** Resolves once `since` is known: changes from then on are sure to be seen. */
  readonly ready: Promise<void>;
  /** The newest change that was told, by the database's clock. */
  since: Date;
  /** What was told of the changes that are still looked at, by delivery. */
  told: Map<string, string>;
  timer?: NodeJS.Timeout;
}

export interface Listener {
  /** The key by which an account listens, which must stay valid; absent for an operator. */
  readonly key?: { readonly id: string; readonly accountId: string };
  /** Whose deliveries; everyone's when absent. */
  readonly accountId?: string;
  /** When it last heard of something, if it comes back. */
  readonly since?: Date;
  /** Told of a delivery as it is now, and its receiver's address. The same change may be told twice. */
  notify(delivery: StoredDelivery, url: string | undefined): void;
  /** Told that changes were left out: it has to look for itself. */
  reset(): void;
  /** Told that nothing more will come. */
  end(): void;
}

export interface DeliveryFeed {
  /**
   * Tells a listener of every change from now on, until the returned function is called. Throws a Problem when it is
   * stopped and when there are too many listeners.
   */
  listen(listener: Listener): Promise<() => void>;
  /** Ends all listeners. */
  stop(): Promise<void>;
}

export function createDeliveryFeed(store: Store, log: Logger, pollMs = POLL_MS): DeliveryFeed {
  const listeners = new Set<Listener>();
  let watching: Watch | undefined;
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();

  function begin(): Watch {
    if (watching) return watching;
    const ready = databaseTime(store).then((now) => {
      begun.since = now;
      next(begun);
    });
    const begun: Watch = { ready, since: new Date(0), told: new Map() };
    watching = begun;
    return begun;
  }

  function next(watch: Watch): void {
    if (watching !== watch) return;
    watch.timer = setTimeout(() => {
      underWay = poll(watch)
        .catch((err: unknown) => log.warn({ err }, 'cannot read what has changed; trying again'))
        .finally(() => next(watch));
    }, pollMs);
  }

  /** Ends the listeners whose keys were revoked, by one statement for all of them. */
  async function endRevoked(): Promise<void> {
    const ids = new Set([...listeners].flatMap(({ key }) => key?.id ?? []));
    if (ids.size === 0) return;
    const valid = await validKeyIds(store, [...ids]);
    for (const listener of [...listeners]) {
      const id = listener.key?.id;
      // One that joined since is checked by the next poll.
      if (id !== undefined && ids.has(id) && !valid.has(id)) end(listener);
    }
  }

  async function poll(watch: Watch): Promise<void> {
    await endRevoked();
    if (listeners.size === 0) return;
    const rows = await changedDeliveries(store, {
      since: earlier(watch.since),
      limit: MAX_SENT + 1,
      ...accountsOf(listeners),
    });
    if (rows.length > MAX_SENT) {
      watch.since = await databaseTime(store);
      for (const listener of listeners) listener.reset();
      return;
    }
    const fresh = rows.filter((row) => watch.told.get(row.id) !== versionOf(row));
    await notify(fresh, [...listeners]);
    watch.told = new Map(rows.map((row) => [row.id, versionOf(row)]));
    const newest = rows.at(-1)?.updatedAt ?? watch.since;
    if (newest > watch.since) watch.since = newest;
  }

  async function notify(deliveries: readonly StoredDelivery[], to: readonly Listener[]): Promise<void> {
    if (deliveries.length === 0) return;
    const urls = await subscriptionUrls(store, [...new Set(deliveries.map(({ subscriptionId }) => subscriptionId))]);
    for (const delivery of deliveries) {
      const url = urls.get(delivery.subscriptionId);
      for (const listener of to) {
        const { accountId = delivery.accountId } = listener;
        if (accountId === delivery.accountId) listener.notify(delivery, url);
      }
    }
  }

  /** Tells a listener that comes back what it has missed. */
  async function catchUp(listener: Listener, since: Date, now: Date): Promise<void> {
    if (now.getTime() - since.getTime() > REMEMBERED_MS) return listener.reset();
    const rows = await changedDeliveries(store, {
      since: earlier(since),
      limit: MAX_SENT + 1,
      ...accountsOf([listener]),
    });
    if (rows.length > MAX_SENT) return listener.reset();
    await notify(rows, [listener]);
  }

  function leave(listener: Listener): void {
    listeners.delete(listener);
    if (listeners.size > 0 || !watching) return;
    clearTimeout(watching.timer);
    watching = undefined;
  }

  function end(listener: Listener): void {
    leave(listener);
    listener.end();
  }

  return {
    async listen(listener) {
      if (stopped) throw new Problem('unavailable', 'this process is shutting down; connect again');
      checkShare(listener, listeners);
      listeners.add(listener);
      try {
        const watch = begin();
        await watch.ready;
        if (listener.since) await catchUp(listener, listener.since, watch.since);
      } catch (error) {
        leave(listener);
        throw error;
      }
      return () => leave(listener);
    },

    async stop() {
      stopped = true;
      for (const listener of [...listeners]) end(listener);
      await underWay;
    },
  };
}

/** Throws a Problem when one more listener would exceed the share of its account, of all accounts or of operators. */
function checkShare({ key }: Listener, listeners: ReadonlySet<Listener>): void {
  const count = (matches: (other: Listener) => boolean): number => [...listeners].filter(matches).length;
  if (key && count((other) => other.key?.accountId === key.accountId) >= MAX_PER_ACCOUNT)
    throw new Problem('rate_limited', `an account may have ${MAX_PER_ACCOUNT} streams at a time; close one first`);
  const isFull = key
    ? count((other) => other.key !== undefined) >= MAX_OF_ACCOUNTS
    : count((other) => other.key === undefined) >= MAX_OF_OPERATORS;
  if (isFull) throw new Problem('unavailable', 'too many streams are open; try again later');
}

function earlier(time: Date): Date {
  return new Date(time.getTime() - OVERLAP_MS);
}

/** The accounts that all of these listeners are about; none named where one of them listens to everything. */
function accountsOf(listeners: Iterable<Listener>): { accountIds?: string[] } {
  const ids = [...listeners].map(({ accountId }) => accountId);
  return ids.includes(undefined) ? {} : { accountIds: [...new Set(ids as string[])] };
}

/** Tells changes of a delivery apart. */
function versionOf({ updatedAt, state, attempts }: StoredDelivery): string {
  return `${updatedAt.getTime()} ${state} ${attempts}`;
}
