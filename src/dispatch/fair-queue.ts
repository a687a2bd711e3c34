/** Items that wait, in rotation over accounts, and within an account over subscriptions. */

/** What a fair queue needs to know of an item. */
export interface FairItem {
  readonly account: { readonly id: string; readonly dispatchWeight: number };
  readonly subscriptionId: string;
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

/** The waiting items of one account. */
interface Account<T> {
  readonly weight: number;
  /** Items that are taken before it is another account's turn. */
  credit: number;
  /** By subscription; the subscription that is next comes first. */
  readonly queues: Map<string, Fifo<T>>;
}

export class FairQueue<T extends FairItem> {
  /** By account; the account that is next comes first. */
  readonly #accounts = new Map<string, Account<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: T): void {
    const { account, subscriptionId } = item;
    let known = this.#accounts.get(account.id);
    if (!known) {
      known = { weight: account.dispatchWeight, credit: account.dispatchWeight, queues: new Map() };
      this.#accounts.set(account.id, known);
    }
    let queue = known.queues.get(subscriptionId);
    if (!queue) known.queues.set(subscriptionId, (queue = new Fifo()));
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
    const [subscriptionId, queue] = first(account.queues);
    const item = queue.shift()!;
    this.#size -= 1;
    account.credit -= 1;
    account.queues.delete(subscriptionId);
    // What is inserted again comes last.
    if (queue.size > 0) account.queues.set(subscriptionId, queue);
    if (account.credit === 0 || account.queues.size === 0) {
      this.#accounts.delete(accountId);
      account.credit = account.weight;
      if (account.queues.size > 0) this.#accounts.set(accountId, account);
    }
    return item;
  }
}

/** The entry that was inserted first. */
function first<K, V>(map: Map<K, V>): [K, V] {
  return map.entries().next().value as [K, V];
}
