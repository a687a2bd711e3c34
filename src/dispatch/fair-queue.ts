/** What waits to be started: taken in turns, from account to account and within one from subscription to subscription. */
import type { Startable } from '../store/deliveries/delivery-starts.js';

/** What waits of one account. */
interface Account {
  readonly weight: number;
  /** By subscription; the one whose turn is next first. */
  readonly lines: Map<string, Line>;
}

/** First come, first served. */
class Line {
  #items: Startable[] = [];
  #next = 0;

  get isEmpty(): boolean {
    return this.#next === this.#items.length;
  }

  push(item: Startable): void {
    this.#items.push(item);
  }

  shift(): Startable {
    const item = this.#items[this.#next++]!;
    // Taken ones are let go of now and then: moving the rest for each would cost more the longer the line is.
    if (this.#next > 1_000 && this.#next * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }
}

export class WaitingList {
  /** By account; the one whose turn is next first. */
  readonly #accounts = new Map<string, Account>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(startable: Startable): void {
    const { account, subscriptionId } = startable;
    const known = this.#accounts.get(account.id) ?? { weight: account.dispatchWeight, lines: new Map<string, Line>() };
    const line = known.lines.get(subscriptionId) ?? new Line();
    line.push(startable);
    known.lines.set(subscriptionId, line);
    this.#accounts.set(account.id, known);
    this.#size += 1;
  }

  /** Takes as many as `count`: each account in turn as many as its weight, each of its subscriptions in turn one. */
  take(count: number): Startable[] {
    const taken: Startable[] = [];
    while (taken.length < count && this.#size > 0) {
      const [id, account] = first(this.#accounts);
      this.#accounts.delete(id);
      for (let turns = account.weight; turns > 0 && account.lines.size > 0 && taken.length < count; turns -= 1) {
        taken.push(this.#takeOne(account));
      }
      // Back to the end.
      if (account.lines.size > 0) this.#accounts.set(id, account);
    }
    return taken;
  }

  #takeOne({ lines }: Account): Startable {
    const [id, line] = first(lines);
    lines.delete(id);
    const startable = line.shift();
    if (!line.isEmpty) lines.set(id, line);
    this.#size -= 1;
    return startable;
  }
}

/** The entry that has been in a map for longest. */
function first<K, V>(map: Map<K, V>): [K, V] {
  return map.entries().next().value as [K, V];
}
