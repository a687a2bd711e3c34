/**
 * Items that wait, in rotation over accounts, and within an account by priority and in rotation over subscriptions. A
 * priority holds within its account only: it changes nothing for other accounts.
 */
import { priorities, type Priority } from '../contract/timing.js';

/** What a fair queue needs to know of an item. */
export interface FairItem {
  /** An account shares its turns with those that it has created. */
  readonly account: { readonly id: string; readonly parentId?: string; readonly dispatchWeight: number };
  readonly subscriptionId: string;
  /** Normal when absent. */
  readonly priority?: Priority | undefined;
}

/** First in, first out. */
export class Fifo<T> {
  #items: T[] = [];
  #next = 0;

  get size(): number {
    return this.#items.length - this.#next;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#next++]!;
    // Removed now and then, as Array.shift of a long array would move all other items each time.
    if (this.#next > 1_000 && this.#next * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }
}

/** Items by priority; of equal ones first in, first out. */
export class PriorityFifo<T> {
  readonly #byPriority: Partial<Record<Priority, Fifo<T>>> = {};
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The priority of the next item; undefined when there is none. */
  get highest(): Priority | undefined {
    return priorities.find((priority) => (this.#byPriority[priority]?.size ?? 0) > 0);
  }

  push(item: T, priority: Priority): void {
    (this.#byPriority[priority] ??= new Fifo()).push(item);
    this.#size += 1;
  }

  shift(): T | undefined {
    const { highest } = this;
    if (highest === undefined) return undefined;
    this.#size -= 1;
    return this.#byPriority[highest]!.shift();
  }
}

/** The waiting items of one account. */
interface Account<T> {
  readonly weight: number;
  /** Items that are taken before it is another account's turn. */
  credit: number;
  /** By priority; each exists while it has items. */
  readonly byPriority: Partial<Record<Priority, Queues<T>>>;
}

/** By subscription; the subscription that is next comes first. */
type Queues<T> = Map<string, Fifo<T>>;

export class FairQueue<T extends FairItem> {
  /** By account; the account that is next comes first. */
  readonly #accounts = new Map<string, Account<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: T): void {
    const { account, subscriptionId, priority = 'normal' } = item;
    const id = account.parentId ?? account.id;
    let known = this.#accounts.get(id);
    if (!known) {
      known = { weight: account.dispatchWeight, credit: account.dispatchWeight, byPriority: {} };
      this.#accounts.set(id, known);
    }
    const queues = (known.byPriority[priority] ??= new Map<string, Fifo<T>>());
    let queue = queues.get(subscriptionId);
    if (!queue) queues.set(subscriptionId, (queue = new Fifo()));
    queue.push(item);
    this.#size += 1;
  }

  /** Takes up to `count`: from each account in rotation as many as its weight, one of each of its subscriptions. */
  take(count: number): T[] {
    const selected: T[] = [];
    while (selected.length < count && this.#size > 0) selected.push(this.#takeOne());
    return selected;
  }

  #takeOne(): T {
    const [accountId, account] = first(this.#accounts);
    const { byPriority } = account;
    const priority = priorities.find((each) => byPriority[each] !== undefined)!;
    const queues = byPriority[priority]!;
    const [subscriptionId, queue] = first(queues);
    const item = queue.shift()!;
    this.#size -= 1;
    account.credit -= 1;
    queues.delete(subscriptionId);
    // What is inserted again comes last.
    if (queue.size > 0) queues.set(subscriptionId, queue);
    else if (queues.size === 0) delete byPriority[priority];
    const isEmpty = queues.size === 0 && priorities.every((each) => byPriority[each] === undefined);
    if (account.credit === 0 || isEmpty) {
      this.#accounts.delete(accountId);
      account.credit = account.weight;
      if (!isEmpty) this.#accounts.set(accountId, account);
    }
    return item;
  }
}

/** The entry that was inserted first. */
function first<K, V>(map: Map<K, V>): [K, V] {
  return map.entries().next().value as [K, V];
}
