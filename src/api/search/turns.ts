/**
 * Limits how many searches of payloads run at a time in this process: each reads up to 32 MiB in the database. Callers take
 * turns, so that the searches of one account delay another's by one search.
 */
import { FairQueue } from '../../dispatch/fair-queue.js';
import type { Principal } from '../../http/principal.js';
import { Problem } from '../../http/problem.js';

/** Searches that run at the same time. */
const MAX_RUNNING = 4;
/** Searches of one caller that wait or run. */
const MAX_PER_CALLER = 10;

interface Waiting {
  readonly account: { readonly id: string; readonly dispatchWeight: number };
  readonly subscriptionId: string;
  readonly start: () => void;
}

export class SearchTurns {
  readonly #waiting = new FairQueue<Waiting>();
  /** By caller: how many searches wait or run. */
  readonly #counts = new Map<string, number>();
  #running = 0;

  /** Runs `search` when it is the caller's turn. Throws a problem when too many of the caller's searches wait. */
  async run<T>(principal: Principal, search: () => Promise<T>): Promise<T> {
    const id = principal.role === 'operator' ? '' : principal.account.id;
    const count = this.#counts.get(id) ?? 0;
    if (count >= MAX_PER_CALLER)
      throw new Problem('rate_limited', `${MAX_PER_CALLER} searches of this caller wait or run`, undefined, 1);
    this.#counts.set(id, count + 1);
    try {
      await new Promise<void>((start) => {
        this.#waiting.add({ account: { id, dispatchWeight: 1 }, subscriptionId: '', start });
        this.#next();
      });
      try {
        return await search();
      } finally {
        this.#running -= 1;
        this.#next();
      }
    } finally {
      const remaining = this.#counts.get(id)! - 1;
      if (remaining === 0) this.#counts.delete(id);
      else this.#counts.set(id, remaining);
    }
  }

  #next(): void {
    for (const { start } of this.#waiting.take(MAX_RUNNING - this.#running)) {
      this.#running += 1;
      start();
    }
  }
}
