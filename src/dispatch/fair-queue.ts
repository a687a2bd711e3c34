/** What waits to be started: taken in turns, from account to account and within one from subscription to subscription. */
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';

/** What waits of one account. */
interface Account {
  readonly weight: number;
  /** By subscription; the one whose turn is next first. */
  readonly queues: Map<string, Queue>;
}

/** First come, first served. */
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
    // Taken ones are let go of now and then: moving the rest for each would cost more the longer the line is.
    if (this.#next > 1_000 && this.#next * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }
}

export class FairQueue {
  /** By account; the one whose turn is next first. */
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

  /** Takes as many as `count`: each account in turn as many as its weight, each of its subscriptions in turn one. */
  take(count: number): DeliveryStart[] {
    const taken: DeliveryStart[] = [];
    while (taken.length < count && this.#size > 0) {
      const [id, account] = first(this.#accounts);
      this.#accounts.delete(id);
      for (
        let turnsLeft = account.weight;
        turnsLeft > 0 && account.queues.size > 0 && taken.length < count;
        turnsLeft -= 1
      ) {
        taken.push(this.#takeOne(account));
      }
      // Back to the end.
      if (account.queues.size > 0) this.#accounts.set(id, account);
    }
    return taken;
  }

  #takeOne({ queues: lines }: Account): DeliveryStart {
    const [id, queue] = first(lines);
    lines.delete(id);
    const deliveryStart = queue.shift();
    if (!queue.isEmpty) lines.set(id, queue);
    this.#size -= 1;
    return deliveryStart;
  }
}

/** The entry that has been in a map for longest. */
function first<K, V>(map: Map<K, V>): [K, V] {
  return map.entries().next().value as [K, V];
}
