/** Deliveries that wait to be started, in rotation over accounts, and within an account over subscriptions. */
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';

/** The waiting deliveries of one account. */
interface Account {
  readonly weight: number;
  /** By subscription; the subscription that is next comes first. */
  readonly queues: Map<string, Queue>;
}

/** First in, first out. */
class Queue {
  #items: DeliveryStart[] = [];
  #next = 0;

  get isEmpty(): boolean {
    return this.#next === this.#items.length;
  }

  push(item: DeliveryStart): void {
    this.#items.push(item);
  }

  shift(): DeliveryStart {
    const item = this.#items[this.#next++]!;
    // Removed now and then, as Array.shift of a long array would move all other items each time.
    if (this.#next > 1_000 && this.#next * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }
}

export class FairQueue {
  /** By account; the account that is next comes first. */
  readonly #accounts = new Map<string, Account>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(deliveryStart: DeliveryStart): void {
    const { account, subscriptionId } = deliveryStart;
    const known = this.#accounts.get(account.id) ?? {
      weight: account.dispatchWeight,
      queues: new Map<string, Queue>(),
    };
    const queue = known.queues.get(subscriptionId) ?? new Queue();
    queue.push(deliveryStart);
    known.queues.set(subscriptionId, queue);
    this.#accounts.set(account.id, known);
    this.#size += 1;
  }

  /** Takes up to `count`: from each account in rotation as many as its weight, one of each of its subscriptions. */
  take(count: number): DeliveryStart[] {
    const selected: DeliveryStart[] = [];
    while (selected.length < count && this.#size > 0) {
      const [id, account] = first(this.#accounts);
      this.#accounts.delete(id);
      for (let n = 0; n < account.weight && account.queues.size > 0 && selected.length < count; n += 1) {
        selected.push(this.#takeOne(account));
      }
      // Inserted again at the end.
      if (account.queues.size > 0) this.#accounts.set(id, account);
    }
    return selected;
  }

  #takeOne({ queues }: Account): DeliveryStart {
    const [id, queue] = first(queues);
    queues.delete(id);
    const deliveryStart = queue.shift();
    if (!queue.isEmpty) queues.set(id, queue);
    this.#size -= 1;
    return deliveryStart;
  }
}

/** The entry that was inserted first. */
function first<K, V>(map: Map<K, V>): [K, V] {
  return map.entries().next().value as [K, V];
}
